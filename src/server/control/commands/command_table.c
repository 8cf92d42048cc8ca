#include "server/control/commands/command_table.h"

#include "server/control/commands/client_commands.h"
#include "server/control/commands/client_listing.h"
#include "server/control/commands/config_command.h"
#include "server/control/commands/job_commands.h"
#include "server/control/commands/send_command.h"
#include "server/control/commands/server_commands.h"
#include "server/control/commands/subscribe_commands.h"
#include "server/control/control_sessions.h"
#include "server/gateway/gateway_session.h"

const struct control_command *command_table_rows(size_t *count)
{
    static const struct control_command table[] = {
        {"help", "", "list these commands", control_command_help, COMMAND_READS,
         COMMAND_FOR_OBSERVERS},
        {"status", "", "show whether the server runs, for how long, and with how many clients",
         control_command_status, COMMAND_READS, COMMAND_FOR_OBSERVERS},
        {"stats", "", "show all counters", control_command_stats, COMMAND_READS,
         COMMAND_FOR_OBSERVERS},
        {"clients", "[SELECTOR...] [LIMIT]", "list the registered clients, or those that match",
         control_command_clients, COMMAND_READS, COMMAND_FOR_OBSERVERS},
        {"count", "[SELECTOR...]", "count the registered clients, or those that match",
         control_command_count, COMMAND_READS, COMMAND_FOR_OPERATORS},
        {"client", "ADDRESS", "show one client", control_command_client, COMMAND_READS,
         COMMAND_FOR_OPERATORS},
        {"kick", "ADDRESS|SELECTOR...", "remove one client, or those that match",
         control_command_kick, COMMAND_LOGS_ITSELF, COMMAND_FOR_OPERATORS},
        {"listen", "[name=NAME] [SELECTOR...]",
         "show what registered clients send, until the session ends", control_command_listen,
         COMMAND_READS, COMMAND_FOR_OPERATORS},
        {"events", "[kinds=KIND,...] [name=NAME] [SELECTOR...]",
         "show what happens to clients, broadcasts and the configuration, until the session ends",
         control_command_events, COMMAND_READS, COMMAND_FOR_OBSERVERS},
        {"gateway", "[events] [SELECTOR...]",
         "show what clients send, and take messages to them, until the session ends",
         control_command_gateway, COMMAND_CHANGES, COMMAND_FOR_OPERATORS},
        {"send", "ADDRESS [confirm [within=TIME]] HEX", "send a datagram to one client",
         control_command_send, COMMAND_CHANGES, COMMAND_FOR_OPERATORS},
        {"broadcast",
         "wait|nowait [key=STREAM:ID [entries-added=N]] [confirm [within=TIME]] [SELECTOR...] HEX",
         "send a datagram to every live client, or to those that match", control_command_broadcast,
         COMMAND_LOGS_ITSELF, COMMAND_FOR_OPERATORS},
        {"jobs", "", "list the broadcasts: ended, running and waiting", control_command_jobs,
         COMMAND_READS, COMMAND_FOR_OBSERVERS},
        {"job", "ID [silent|confirmed]",
         "show a broadcast, or list its clients that have not confirmed it, or have",
         control_command_job, COMMAND_READS, COMMAND_FOR_OBSERVERS},
        {"streams", "[NAME]", "show which entries of publish streams were broadcast last",
         control_command_streams, COMMAND_READS, COMMAND_FOR_OBSERVERS},
        {"cancel", "ID", "cancel a broadcast", control_command_cancel, COMMAND_CHANGES,
         COMMAND_FOR_OPERATORS},
        {"offload", "", "show where the kernel answers for registered clients",
         control_command_offload, COMMAND_READS, COMMAND_FOR_OBSERVERS},
        {"config", "", "show the configuration in effect", control_command_config, COMMAND_READS,
         COMMAND_FOR_OBSERVERS},
        {"reload", "", "read the configuration again", control_command_reload, COMMAND_CHANGES,
         COMMAND_FOR_OPERATORS},
        {"upgrade", "", "have the program that is installed now take over, without a gap",
         control_command_upgrade, COMMAND_CHANGES, COMMAND_FOR_OPERATORS},
        {"stop", "", "stop the server", control_command_stop, COMMAND_CHANGES,
         COMMAND_FOR_OPERATORS},
    };
    *count = sizeof table / sizeof table[0];
    return table;
}
