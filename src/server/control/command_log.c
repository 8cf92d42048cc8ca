#include "server/control/command_log.h"

#include "os/log/log.h"
#include "server/control/control_state.h"
#include "text/printable.h"

#include <stdio.h>
#include <string.h>

enum { SHOWN_BYTES = 64 /* of a command's first argument, in the log */ };

static void log_line(const struct control_session *session, enum config_log_level level,
                     const char *name, const struct log_pair *own_pairs, size_t own_count)
{
    char uid[24], gid[24], pid[24];
    struct log_pair pairs[COMMAND_LOG_PAIRS_MAX + 4] = {{"name", name}};
    size_t count = 1;
    snprintf(uid, sizeof uid, "%lu", (unsigned long)session->peer.uid);
    snprintf(gid, sizeof gid, "%lu", (unsigned long)session->peer.gid);
    snprintf(pid, sizeof pid, "%ld", (long)session->peer.pid);
    for (size_t i = 0; i < own_count; i++)
        pairs[count++] = own_pairs[i];
    pairs[count++] = (struct log_pair){"uid", uid};
    pairs[count++] = (struct log_pair){"gid", gid};
    pairs[count++] = (struct log_pair){"pid", pid};
    log_pairs(level, "an operator's command", pairs, count);
}

void command_log_write_pairs(const struct control_session *session, const char *name,
                             const struct log_pair *pairs, size_t count)
{
    log_line(session, LOG_LEVEL_INFO, name, pairs, count);
}

void command_log_write(const struct control_session *session, const struct control_command *command,
                       const char *arguments)
{
    char on[SHOWN_BYTES];
    printable_ascii(on, sizeof on, arguments, strcspn(arguments, " \t"));
    if (command->log != COMMAND_LOGS_ITSELF)
        log_line(session, command->log == COMMAND_CHANGES ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG,
                 command->name, &(struct log_pair){"argument", on}, 1);
}
