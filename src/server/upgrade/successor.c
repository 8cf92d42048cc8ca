#include "server/upgrade/successor.h"

#include "base/version.h"
#include "os/log/error_message.h"
#include "os/log/log.h"
#include "os/process/child_process.h"
#include "os/process/clock.h"
#include "os/process/immediate_exit.h"
#include "os/process/privilege.h"
#include "server/startup_error.h"
#include "server/upgrade/client_takeover.h"
#include "server/upgrade/take_over.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The predecessor ends an upgrade earlier. */
enum { WAIT_MS = 60000 };

int successor_init(struct server *server)
{
    struct successor *successor = &server->successor;
    int channel = child_process_take_descriptor(SUCCESSOR_VARIABLE);
    successor->channel = -1;
    if (channel == -ENOENT)
        return 0;
    /* What it gets by the channel must not be read by other processes of its user. */
    int error = privilege_protect_memory();
    if (error == 0)
        error = channel >= 0 ? handover_channel_adopt(channel) : channel;
    if (error != 0) {
        print_error(strerror(-error),
                    "unset it: udpsrv itself sets it for the program of an upgrade",
                    "reading the environment variable " SUCCESSOR_VARIABLE);
        return error;
    }
    successor->channel = channel;
    successor->is_one = true;
    log_keep_last_error();
    service_manager_take_over(&server->manager, -1);
    return 0;
}

static int report_channel(int error)
{
    if (error == -EPIPE)
        error = -ECANCELED; /* its text is not of pipes */
    return startup_error_report("cannot take over from the running server", "its channel", error,
                                "look at its log");
}

/* Receives a package, and has it read. */
static int read_package(struct server *server,
                        int (*take)(struct server *server, struct handover_reader *reader))
{
    struct handover_package package;
    int error =
        handover_package_receive(server->successor.channel, &package, clock_now_ms() + WAIT_MS);
    if (error != 0)
        return report_channel(error);
    struct handover_reader reader = {.bytes = package.bytes,
                                     .size = package.size,
                                     .descriptors = package.descriptors,
                                     .descriptor_count = package.count};
    error = take(server, &reader);
    handover_package_free(&package);
    return error;
}

int successor_receive(struct server *server)
{
    int error = server->successor.is_one ? read_package(server, take_over_first) : 0;
    if (server->successor.is_one && error == 0)
        new_socket_files_report(server->successor.channel, server->config, &server->inherited);
    return error;
}

/* The predecessor has left, after it had notified the service manager of this process. */
static void on_left(void *state, unsigned events)
{
    (void)events;
    struct server *server = state;
    loop_remove(&server->successor.handler);
    handover_channel_close(server->successor.channel);
    server->successor.channel = -1;
    service_manager_ready(&server->manager);
}

int successor_take_over(struct server *server)
{
    struct handover_message message;
    int channel = server->successor.channel;
    if (!server->successor.is_one)
        return 0;
    bool copies_clients = server->handed == NULL || !server->handed->keeps_memory;
    /* The loop runs only when this process serves. */
    int error =
        loop_add(server->loop, &server->successor.handler, channel, LOOP_READ, on_left, server);
    if (error == 0)
        error = handover_channel_send(
            channel, copies_clients ? HANDOVER_READY_TO_COPY : HANDOVER_READY, UDPSRV_VERSION);
    if (error != 0)
        return report_channel(error);
    error = read_package(server, take_over_second);
    if (error != 0)
        return error;
    error = handover_channel_send(channel, HANDOVER_STARTED, NULL);
    if (error == 0)
        error = handover_channel_receive(channel, &message, clock_now_ms() + WAIT_MS);
    if (error == 0 && message.kind != HANDOVER_GO)
        error = -EPROTO;
    if (error != 0)
        return report_channel(error);
    client_takeover_end(server);
    error = handover_channel_send(channel, HANDOVER_TAKEN, NULL);
    /* If the predecessor has ended since, only this process can serve. */
    return error == 0 || error == -EPIPE ? 0 : report_channel(error);
}

void successor_serve(struct server *server)
{
    /* They may have changed since the first package was written. */
    interface_events_check(server->interfaces);
    /* If the predecessor has ended meanwhile, the event of the channel shows it. */
    handover_channel_send(server->successor.channel, HANDOVER_SERVING, NULL);
}

_Noreturn void successor_fail(struct server *server, const char *reason)
{
    char last[LOG_LAST_ERROR_BYTES];
    if (reason == NULL)
        reason = log_last_error(last);
    handover_channel_send(server->successor.channel, HANDOVER_FAILED, reason);
    log_close();
    exit_immediately(EXIT_FAILURE);
}
