#include "server/control/command_log.h"

#include "os/log/log.h"
#include "os/process/clock.h"
#include "server/control/control_state.h"
#include "text/printable.h"

#include <stdio.h>
#include <string.h>

enum { SHOWN_BYTES = 64 /* of a command's first argument, in the log */ };

/* The credentials of a peer as text. */
struct peer_text {
    char uid[24], gid[24], pid[24];
};

static void write_peer(const struct control_session *session, struct peer_text *text)
{
    snprintf(text->uid, sizeof text->uid, "%lu", (unsigned long)session->peer.uid);
    snprintf(text->gid, sizeof text->gid, "%lu", (unsigned long)session->peer.gid);
    snprintf(text->pid, sizeof text->pid, "%ld", (long)session->peer.pid);
}

static void log_line(const struct control_session *session, enum config_log_level level,
                     const char *name, const struct log_pair *own_pairs, size_t own_count)
{
    struct peer_text peer;
    struct log_pair pairs[COMMAND_LOG_PAIRS_MAX + 4] = {{"name", name}};
    size_t count = 1;
    write_peer(session, &peer);
    for (size_t i = 0; i < own_count; i++)
        pairs[count++] = own_pairs[i];
    pairs[count++] = (struct log_pair){"uid", peer.uid};
    pairs[count++] = (struct log_pair){"gid", peer.gid};
    pairs[count++] = (struct log_pair){"pid", peer.pid};
    log_pairs(level, session->control->options.role->command, pairs, count);
}

void command_log_write_pairs(const struct control_session *session, const char *name,
                             const struct log_pair *pairs, size_t count)
{
    log_line(session, LOG_LEVEL_INFO, name, pairs, count);
}

void command_log_write_refused(const struct control_session *session,
                               const struct control_command *command)
{
    struct peer_text peer;
    write_peer(session, &peer);
    log_limited(LOG_KIND_OBSERVER_COMMAND_REFUSED, clock_now_ms(), "refused an observer's command",
                "name", command->name, "uid", peer.uid, "gid", peer.gid, "pid", peer.pid, "reason",
                "the observers' socket does not have this command", "advice",
                "permit this user to use the control socket, or find out why it tries", NULL);
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
