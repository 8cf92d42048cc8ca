#include "server/listen/inherited_sockets.h"

#include "net/socket/socket_descriptor.h"
#include "os/log/log.h"
#include "state/handover_addr.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the record ---- */

void inherited_sockets_put(struct handover_writer *writer, const struct inherited_listener *entry)
{
    handover_put8(writer, (uint8_t)entry->kind);
    handover_put_text(writer, entry->text);
    handover_put_addr(writer, &entry->bound);
    handover_put8(writer, entry->passed);
    handover_put8(writer, entry->missing);
    handover_put32(writer, entry->interface);
    handover_put32(writer, (uint32_t)entry->file.owner.uid);
    handover_put32(writer, (uint32_t)entry->file.owner.gid);
    handover_put64(writer, entry->file.device);
    handover_put64(writer, entry->file.inode);
    handover_put64(writer, entry->file.born_ns);
    handover_put16(writer, (uint16_t)entry->socket_count);
    for (size_t k = 0; k < entry->socket_count; k++) {
        handover_put_descriptor(writer, entry->sockets[k]);
        if (entry->kind == INHERITED_UNICAST)
            send_socket_set_hand_over(&entry->senders[k], writer);
    }
}

static int get_sockets(struct inherited_listener *entry, struct handover_reader *reader,
                       size_t count)
{
    entry->sockets = calloc(count, sizeof entry->sockets[0]);
    if (entry->kind == INHERITED_UNICAST)
        entry->senders = calloc(count, sizeof entry->senders[0]);
    if (entry->sockets == NULL || (entry->kind == INHERITED_UNICAST && entry->senders == NULL))
        return -ENOMEM;
    for (; entry->socket_count < count; entry->socket_count++) {
        size_t k = entry->socket_count;
        int socket = entry->sockets[k] = handover_get_descriptor(reader);
        if (entry->senders == NULL)
            continue;
        int error = send_socket_set_take_over(&entry->senders[k], reader, socket);
        if (error == 0)
            continue;
        if (socket >= 0)
            socket_close(socket);
        return error;
    }
    return reader->failed ? -EPROTO : 0;
}

static bool is_count_valid(const struct inherited_listener *entry, size_t count)
{
    size_t max = entry->kind == INHERITED_UNICAST ? CONFIG_WORKERS_MAX
                 : entry->kind == INHERITED_GROUP ? 2
                                                  : 1;
    return count >= 1 && count <= max;
}

/* Reads an entry of the record, and adds it to the table, which has room for it. */
static int get_entry(struct inherited_sockets *inherited, struct handover_reader *reader)
{
    struct inherited_listener *entry = &inherited->list[inherited->count++];
    *entry = (struct inherited_listener){.kind = handover_get8(reader)};
    const char *text = handover_get_text(reader);
    entry->bound = handover_get_addr(reader);
    entry->passed = handover_get8(reader) != 0;
    entry->missing = handover_get8(reader) != 0;
    entry->interface = handover_get32(reader);
    entry->file.owner.uid = handover_get32(reader);
    entry->file.owner.gid = handover_get32(reader);
    entry->file.device = handover_get64(reader);
    entry->file.inode = handover_get64(reader);
    entry->file.born_ns = handover_get64(reader);
    size_t count = handover_get16(reader);
    if (text == NULL || strlen(text) >= sizeof entry->text || entry->kind > INHERITED_METRICS ||
        !is_count_valid(entry, count))
        return -EPROTO;
    strcpy(entry->text, text);
    return get_sockets(entry, reader, count);
}

static int make_room(struct inherited_sockets *inherited, size_t more)
{
    struct inherited_listener *list =
        realloc(inherited->list, (inherited->count + more) * sizeof list[0]);
    if (list == NULL)
        return -ENOMEM;
    inherited->list = list;
    return 0;
}

int inherited_sockets_take_over(struct inherited_sockets *inherited, struct handover_reader *reader)
{
    inherited->worker_count = handover_get16(reader);
    inherited->choice = handover_get8(reader);
    inherited->choice_error = (int)handover_get32(reader);
    inherited->shard_key.start = handover_get32(reader);
    inherited->shard_key.multipliers[0] = handover_get32(reader);
    inherited->shard_key.multipliers[1] = handover_get32(reader);
    size_t count = handover_get8(reader);
    if (reader->failed || count > CONFIG_LISTEN_MAX || inherited->worker_count == 0 ||
        inherited->choice > WORKER_CHOICE_BY_KERNEL)
        return -EPROTO;
    int error = count > 0 ? make_room(inherited, count) : 0;
    for (size_t i = 0; i < count && error == 0; i++)
        error = get_entry(inherited, reader);
    return error == 0 && !handover_is_at_end(reader) ? -EPROTO : error;
}

int inherited_sockets_take_over_one(struct inherited_sockets *inherited,
                                    struct handover_reader *reader)
{
    int error = make_room(inherited, 1);
    if (error == 0)
        error = get_entry(inherited, reader);
    return error == 0 && !handover_is_at_end(reader) ? -EPROTO : error;
}

/* ---- checking ---- */

static const struct inherited_listener *find(const struct inherited_sockets *inherited,
                                             const struct config_listen *listen)
{
    char text[CONFIG_LISTEN_TEXT_BYTES];
    config_listen_text(listen, text);
    for (size_t i = 0; i < inherited->count; i++)
        if (inherited->list[i].kind < INHERITED_CONTROL &&
            strcmp(inherited->list[i].text, text) == 0)
            return &inherited->list[i];
    return NULL;
}

size_t inherited_sockets_workers(const struct inherited_sockets *inherited,
                                 const struct config *config, size_t wanted)
{
    for (size_t i = 0; i < config->server.listen_count; i++) {
        const struct inherited_listener *entry = find(inherited, &config->server.listen[i]);
        if (config->server.workers == CONFIG_WORKERS_AUTO && entry != NULL && entry->passed &&
            entry->kind == INHERITED_UNICAST)
            return entry->socket_count;
    }
    return wanted;
}

static int report(const struct inherited_listener *entry, const char *reason)
{
    log_event(LOG_LEVEL_ERROR, "cannot change the number of workers of a socket in use", "address",
              entry->text, "reason", reason, "advice", "restart udpsrv instead of upgrading it",
              NULL);
    return -EINVAL;
}

static int check_one(const struct inherited_listener *entry, size_t worker_count)
{
    if (entry->kind != INHERITED_UNICAST || entry->socket_count == worker_count)
        return 0;
    if (entry->passed)
        return report(entry, "the service manager has passed one socket for each worker");
    if (entry->socket_count < worker_count && socket_has_other_owner(entry->sockets[0]))
        return report(entry,
                      "it belongs to another user, and only that user can open more of them");
    return 0;
}

int inherited_sockets_check(const struct inherited_sockets *inherited, const struct config *config,
                            size_t worker_count)
{
    int first_error = 0;
    for (size_t i = 0; i < config->server.listen_count; i++) {
        const struct inherited_listener *entry = find(inherited, &config->server.listen[i]);
        int error = entry != NULL ? check_one(entry, worker_count) : 0;
        if (first_error == 0)
            first_error = error;
    }
    return first_error;
}

/* ---- taking over ---- */

struct inherited_listener *inherited_sockets_find(struct inherited_sockets *inherited,
                                                  enum inherited_kind kind, const char *text)
{
    for (size_t i = 0; inherited != NULL && i < inherited->count; i++) {
        struct inherited_listener *entry = &inherited->list[i];
        if (entry->taken || entry->kind != kind || strcmp(entry->text, text) != 0)
            continue;
        entry->taken = true;
        return entry;
    }
    return NULL;
}

/* The path of a Unix socket: the text of a listener has the prefix "unix:". */
static const char *path_of(const struct inherited_listener *entry)
{
    static const char prefix[] = "unix:";
    bool has_prefix = strncmp(entry->text, prefix, sizeof prefix - 1) == 0;
    if (entry->kind == INHERITED_CONTROL)
        return entry->text;
    bool has_path = entry->kind == INHERITED_STREAM || entry->kind == INHERITED_METRICS;
    return has_path && has_prefix ? entry->text + sizeof prefix - 1 : NULL;
}

bool inherited_sockets_have_file(const struct inherited_sockets *inherited, const char *path)
{
    for (size_t i = 0; i < inherited->count; i++) {
        const char *own = path_of(&inherited->list[i]);
        if (own != NULL && strcmp(own, path) == 0)
            return true;
    }
    return false;
}

/* ---- closing ---- */

static void close_entry(struct inherited_listener *entry)
{
    for (size_t k = entry->socket_count; k-- > 0;) {
        if (entry->sockets[k] < 0)
            continue;
        if (entry->senders != NULL)
            send_socket_set_close(&entry->senders[k]);
        socket_close(entry->sockets[k]);
    }
    free(entry->senders);
    free(entry->sockets);
}

void inherited_sockets_close(struct inherited_sockets *inherited)
{
    for (size_t i = 0; i < inherited->count; i++)
        close_entry(&inherited->list[i]);
    free(inherited->list);
    *inherited = (struct inherited_sockets){.count = 0};
}

void inherited_sockets_end(struct inherited_sockets *inherited)
{
    for (size_t i = 0; i < inherited->count; i++) {
        const struct inherited_listener *entry = &inherited->list[i];
        const char *path = path_of(entry);
        if (path != NULL && !entry->passed && !entry->taken)
            socket_file_remove(path, &entry->file);
    }
    inherited_sockets_close(inherited);
}
