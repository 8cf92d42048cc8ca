#ifndef SERVER_UPGRADE_UPGRADE_STATE_H
#define SERVER_UPGRADE_UPGRADE_STATE_H

#include "base/handover.h"
#include "config/config.h"
#include "net/unix/handover_channel.h"
#include "os/loop/event_loop.h"
#include "os/loop/timer.h"
#include "os/process/child_process.h"
#include "os/process/memory.h"
#include "os/process/program_path.h"
#include "server/upgrade/new_socket_files.h"
#include "server/upgrade/upgrade_report.h"

#include <stdbool.h>

/* The state of an upgrade, as a part of the server (server/server_state), for the modules of this
 * folder. */

struct server;

typedef void predecessor_callback(struct server *server);

/* Of the process that hands over (server/upgrade/predecessor). */
struct predecessor {
    char path[PATH_MAX]; /* of the program, as it was at the start; "": it could not be found */
    bool is_running;     /* an upgrade has begun and not ended */
    bool was_ready;      /* the successor was, and is to take over */
    bool wants_reload;   /* one was asked for since the upgrade has begun, by SIGHUP */
    char version[HANDOVER_TEXT_BYTES]; /* of the successor that is ready */
    bool is_closed; /* the successor has closed the channel; its end is awaited */
    struct child_process successor;
    int channel;
    struct loop_handler handler;
    struct loop_timer timer;
    struct handover_writer writer;
    struct new_socket_files new_files; /* of the successor */
    struct shared_memory copy; /* of the clients, if the successor cannot use their memory */
    struct handover_sending sending;
    uint64_t renewals;   /* of sockets, when the first package was written */
    bool copies_clients; /* the successor needs that */
    bool is_sending;     /* the first package */
    upgrade_callback *done;
    void *done_state;
    predecessor_callback *ended; /* NULL: the end of the successor is not awaited */
    const int *stop_signals;     /* 0 ends the list */
    struct {
        bool reload, stop;
    } has_forwarded; /* signals to the successor */
};

/* Of the process that takes over (server/upgrade/successor). */
struct successor {
    bool is_one; /* this process was started by an upgrade */
    /* By the predecessor's number of a listener: the number here, NO_LISTENER if it has none with
     * that address. Known during the second package. */
    uint8_t listeners[CONFIG_LISTEN_MAX];
    int channel;
    struct loop_handler handler;
};

#endif
