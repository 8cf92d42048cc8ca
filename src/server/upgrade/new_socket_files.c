#include "server/upgrade/new_socket_files.h"

#include "net/unix/unix_listener.h"
#include "server/control/control_socket_file.h"

#include <string.h>

enum { PATHS_MAX = sizeof((struct new_socket_files *)0)->paths / TRANSPORT_PATH_BYTES };

/* ---- the successor ---- */

/* The message that is being filled. A path comes after its length in a byte, which is not 0; it may
 * have any other byte. */
struct report {
    int channel;
    const struct inherited_sockets *inherited;
    size_t size;
    char text[HANDOVER_TEXT_BYTES];
};

static void send_report(struct report *report)
{
    if (report->size > 0)
        handover_channel_send(report->channel, HANDOVER_FILES, report->text);
    report->size = 0;
}

static void add(struct report *report, const char *path)
{
    size_t size = strlen(path);
    if (size == 0 || inherited_sockets_have_file(report->inherited, path))
        return;
    if (report->size + 1 + size + 1 > sizeof report->text)
        send_report(report);
    report->text[report->size] = (char)size;
    memcpy(report->text + report->size + 1, path, size + 1);
    report->size += 1 + size;
}

static void add_control(struct report *report, const struct control_role *role,
                        const struct config *config)
{
    char path[CONTROL_PATH_BYTES];
    if (control_socket_find_path(role, config, path) == 0)
        add(report, path);
}

static void add_listener(struct report *report, const struct config_listen *listen)
{
    if (listen->transport == TRANSPORT_UNIX)
        add(report, listen->path);
}

void new_socket_files_report(int channel, const struct config *config,
                             const struct inherited_sockets *inherited)
{
    struct report report = {.channel = channel, .inherited = inherited};
    for (size_t i = 0; i < config->server.listen_count; i++)
        add_listener(&report, &config->server.listen[i]);
    add_control(&report, &CONTROL_OPERATORS, config);
    add_control(&report, &CONTROL_OBSERVERS, config);
    if (config_has_metrics(config))
        add_listener(&report, &config->metrics.listen);
    send_report(&report);
}

/* ---- the predecessor ---- */

bool new_socket_files_note(struct new_socket_files *files, const struct handover_message *message)
{
    if (message->kind != HANDOVER_FILES)
        return false;
    const char *at = message->text;
    while (*at != '\0' && files->count < PATHS_MAX) {
        size_t size = (unsigned char)*at++;
        if (size >= TRANSPORT_PATH_BYTES || strnlen(at, size) < size)
            break;
        memcpy(files->paths[files->count], at, size);
        files->paths[files->count++][size] = '\0';
        at += size;
    }
    return true;
}

void new_socket_files_remove(struct new_socket_files *files)
{
    for (size_t i = 0; i < files->count; i++)
        unix_listener_remove_stale(files->paths[i]);
    files->count = 0;
}
