#include "server/ready_line.h"

#include "base/version.h"
#include "os/log/log.h"
#include "server/server_stop.h"
#include "server/startup_error.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LOGGED_BYTES = 960, /* of addresses, below the limit of a value in the log (os/log/log) */
};

/* Writes the addresses with a blank between them. If the text is full, ends it with the number of
 * those left out. */
static void list_addresses(const struct listeners *listeners, char text[LOGGED_BYTES])
{
    size_t size = 0;
    for (size_t i = 0; i < listeners->count; i++) {
        const char *address = listeners->list[i].text, *blank = i > 0 ? " " : "";
        if (size + strlen(address) + sizeof " and 64 more" >= LOGGED_BYTES) {
            snprintf(text + size, LOGGED_BYTES - size, " and %zu more", listeners->count - i);
            return;
        }
        size += (size_t)snprintf(text + size, LOGGED_BYTES - size, "%s%s", blank, address);
    }
}

/* Returns the line, which the caller frees, or NULL. */
static char *format_line(const struct listeners *listeners)
{
    char *text = NULL;
    size_t size;
    FILE *line = open_memstream(&text, &size);
    if (line == NULL)
        return NULL;
    fputs("udpsrv: ready", line);
    for (size_t i = 0; i < listeners->count; i++)
        fprintf(line, " %s", listeners->list[i].text);
    fputs("\n", line);
    if (fclose(line) == 0)
        return text;
    free(text);
    return NULL;
}

/* If writing has failed, stops the server, since a program that waits for the line would wait for
 * ever. */
static void on_written(void *state, int error)
{
    struct server *server = state;
    server->ready_error = error;
    if (error == 0)
        return;
    startup_error_report(
        "cannot report that it is ready", "standard output", error,
        "free some space there, or start udpsrv with another standard output, such as /dev/null");
    server_stop(server);
}

int ready_line_start(struct server *server)
{
    const struct listeners *listeners = &server->sockets.listeners;
    char *line = format_line(listeners);
    int error = line == NULL ? -ENOMEM
                             : stdout_line_start(&server->ready_line, line, server->mailbox,
                                                 on_written, server);
    if (error != 0)
        return startup_error_report("cannot report that it is ready", "thread", error,
                                    "look at the limit on threads (ulimit -u)");
    return 0;
}

void ready_line_log(const struct server *server)
{
    const struct listeners *listeners = &server->sockets.listeners;
    char workers[24], addresses[LOGGED_BYTES] = "";
    snprintf(workers, sizeof workers, "%zu", server->workers.count);
    list_addresses(listeners, addresses);
    log_event(LOG_LEVEL_INFO, "ready", "version", UDPSRV_VERSION, "workers", workers, "addresses",
              addresses, "socket", control_socket_name(&server->control),
              server->observers.control != NULL ? "observer_socket" : NULL,
              control_socket_name(&server->observers), NULL);
}
