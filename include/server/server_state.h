#ifndef SERVER_SERVER_STATE_H
#define SERVER_SERVER_STATE_H

#include "admission/device_key.h"
#include "os/log/stdout_line.h"
#include "os/loop/mailbox.h"
#include "os/loop/timer.h"
#include "os/process/privilege.h"
#include "server/admission/admission_updates.h"
#include "server/broadcast/broadcast_jobs.h"
#include "server/config/config_files.h"
#include "server/config/effective_config.h"
#include "server/control/commands/command_table.h"
#include "server/control/control_socket_file.h"
#include "server/events/subscriptions.h"
#include "server/listen/interface_events.h"
#include "server/listen/startup_sockets.h"
#include "server/manager/service_manager.h"
#include "server/metrics/metrics_server.h"
#include "server/names/name_decisions.h"
#include "server/offload/kernel_offload.h"
#include "server/offload/offload_withdrawal.h"
#include "server/options.h"
#include "server/publish/publish_queue.h"
#include "server/state/handed_clients.h"
#include "server/state/state_snapshots.h"
#include "server/upgrade/upgrade_state.h"
#include "server/workers/worker_pool.h"

#include <stdbool.h>
#include <stdint.h>

/* Everything that the server owns, for the modules of its start and end (server/server_start,
 * server_stop, server_signals, ready_line). Used by the main thread. */
struct server {
    const struct server_options *options;
    struct config_files_result files;   /* that the configuration was read from */
    struct config *config;              /* that the server was started with */
    struct effective_config *effective; /* with what reloads have changed */
    struct identity identity;           /* server.user and server.group */

    uint64_t started_wall_ms; /* of the first process, if upgrades have followed */
    struct service_manager manager;
    struct passed_sockets passed;       /* by the manager, and not yet taken over */
    struct inherited_sockets inherited; /* from the process before, during an upgrade */
    struct names_key names_key;         /* only under clients.names = keyed */
    size_t worker_count;                /* to be started */
    struct startup_sockets sockets;
    uint32_t stream_files; /* for how many streams there are descriptors */
    struct kernel_offload offload;
    struct offload_withdrawal withdrawal; /* of its clients, for an upgrade */
    struct reply *reply;
    struct admission_updates *admission;
    struct admission_rules rules; /* in use */
    struct loop *loop;
    struct mailbox *mailbox; /* of the main thread */
    struct workers workers;
    struct subscriptions *subscriptions;
    struct name_decisions *names; /* NULL: clients.names = off */
    struct jobs *jobs;
    struct publish_queue *publishes;
    struct publish_gaps gaps;
    struct command_context commands;
    struct control_socket control, observers;
    struct metrics_server *metrics; /* NULL: no metrics.listen */
    struct interface_events *interfaces;
    struct state_snapshots *snapshots; /* NULL: no state.file */

    struct stdout_line ready_line;
    int ready_error; /* -errno of writing the ready line, or 0 */

    struct predecessor predecessor; /* the upgrade of this process */
    struct successor successor;     /* the one that has started it */
    struct handed_clients *handed;  /* what the predecessor has shared; NULL: there is none */
    int state_lock;                 /* of the state file, from the predecessor; 0: none */
    size_t reloads;                 /* that have not ended */

    bool stopping;
    uint64_t signalled_ms;  /* when the first SIGTERM or SIGINT was received, or 0 */
    size_t running_workers; /* that were started and have not stopped yet */
    struct loop_timer stop_timeout;
    struct final_report { /* a worker's last call */
        struct worker_call call;
        struct server *server;
        struct stats stats;
        uint32_t clients, streams;
    } * final_reports; /* by worker */
};

#endif
