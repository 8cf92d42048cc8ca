#ifndef SERVER_METRICS_METRICS_SERVER_H
#define SERVER_METRICS_METRICS_SERVER_H

#include "admission/access_list.h"
#include "config/config.h"
#include "os/loop/event_loop.h"
#include "os/process/privilege.h"
#include "server/listen/inherited_sockets.h"
#include "server/metrics/metrics_query.h"

#include <stdbool.h>

/* The HTTP server of [metrics], in the main thread: who may read what. All functions accept NULL,
 * which is no metrics.listen.
 *
 * - /, with /live.css and /live.js: the live page (server/metrics/page/live_page).
 * - /metrics: the metrics for Prometheus (server/metrics/metrics_text).
 * - /status.json: what udpctl status, stats and jobs print (server/metrics/status_json).
 * - /healthz: 200 while the server serves, 503 before and after that, as for all that needs
 * workers.
 *
 * metrics.allow is checked for each request. On loopback a request must name the server by an
 * address or localhost, since a page of another site could read the answers otherwise
 * (http_host_is_local). */
struct metrics_server;

struct metrics_server_options {
    const struct config *config;  /* that the server is started with */
    const struct identity *owner; /* of the file of a Unix socket */
    /* Of the process before, whose socket is taken if it has the same address: then nothing is
     * accepted before metrics_server_start. NULL: none. */
    struct inherited_sockets *inherited;
};

/* Listens at metrics.listen. Without that *server is NULL. Returns 0 or -errno. */
int metrics_server_open(struct metrics_server **server,
                        const struct metrics_server_options *options);

/* The address that is bound (http_listener_text). server is not NULL. */
const char *metrics_server_text(const struct metrics_server *server);

/* Answers what has arrived while the server starts, without waiting: that it starts. Call it
 * between the steps of the start. */
void metrics_server_poll_start(struct metrics_server *server);

/* The server serves from now on, in its loop: requests for metrics are answered from this source.
 * Connections of the start are closed. Returns 0 or -errno. */
int metrics_server_start(struct metrics_server *server, struct loop *loop,
                         const struct metrics_source *source);

/* Makes the list of a metrics.allow: NULL, which allows every source, if it is empty. Returns 0 or
 * -ENOMEM. */
int metrics_server_make_allow(const struct config_blocks *blocks, struct access_list **allow);

/* Replaces the list in use by one of metrics_server_make_allow, which it takes over. */
void metrics_server_set_allow(struct metrics_server *server, struct access_list *allow);

/* In an upgrade, writes the socket to the record (inherited_sockets_take_over_one). server is not
 * NULL. */
void metrics_server_hand_over(const struct metrics_server *server, struct handover_writer *writer);

/* The server stops: posts no more messages to the workers. /healthz says so until the end. */
void metrics_server_stop(struct metrics_server *server);

/* Closes the sockets, and removes the file of a Unix socket. Call it when no message to a worker is
 * on its way, except at an exit at once. */
void metrics_server_close(struct metrics_server *server);

#endif
