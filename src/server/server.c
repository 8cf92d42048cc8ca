#include "server/server.h"

#include "os/log/error_message.h"
#include "os/log/log.h"
#include "server/config/config_load.h"
#include "server/server_signals.h"
#include "server/server_start.h"
#include "server/server_stop.h"
#include "server/upgrade/predecessor.h"
#include "server/upgrade/successor.h"

#include <stdlib.h>

/* Returns the exit status of the process. */
static int run(struct server *server)
{
    server_signals_hold_reload();
    service_manager_init(&server->manager);
    predecessor_init(&server->predecessor, SERVER_STOP_SIGNALS);
    if (successor_init(server) != 0)
        return EXIT_FAILURE;
    if (config_load(&server->files, server->options) != 0) {
        if (server->successor.is_one)
            successor_fail(server, server->files.error_count > 0
                                       ? server->files.errors[0]
                                       : "it has no memory for its configuration");
        service_manager_connect(&server->manager);
        service_manager_fail(&server->manager, "the configuration has errors", 0);
        service_manager_disconnect(&server->manager);
        service_manager_free(&server->manager);
        config_files_free(&server->files);
        return EXIT_CONFIGURATION;
    }
    server->config = server->files.config;
    server->files.config = NULL;
    log_setup("udpsrv", server->config->log.level, server->config->log.format,
              server->config->log.target);
    if (!server->successor.is_one)
        service_manager_connect(&server->manager);

    int error = server_start(server);
    if (error != 0 && server->successor.is_one && server->running_workers == 0)
        successor_fail(server, NULL);
    if (error != 0 && server->running_workers > 0)
        server_stop(server);
    if (server->running_workers > 0 && loop_run_until_stopped(server->loop) != 0)
        server_exit_at_once(server, "the event loop failed");
    if (error == 0)
        server_log_final_counters(server);
    server_free(server);
    log_close();
    return error == 0 && server->ready_error == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* The server whose ready line has no reader: the thread that waits for it uses this memory until
 * the process ends. */
static struct server *volatile waiting;

int server_run(const struct server_options *options)
{
    struct server *server = calloc(1, sizeof *server); /* too large for a stack */
    if (server == NULL) {
        print_error("out of memory", "free some memory", "starting");
        return EXIT_FAILURE;
    }
    server->options = options;
    int status = run(server);
    if (server->ready_line.thread != NULL)
        waiting = server;
    else
        free(server);
    return status;
}
