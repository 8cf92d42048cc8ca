#include "server/control/commands/job_lines.h"

#include "server/control/control_sessions.h"

#include <inttypes.h>

void job_lines_write_confirmations(struct control_session *session, const struct job_report *report)
{
    const struct {
        const char *key;
        uint64_t value;
    } lines[] = {{"confirmed", report->confirmed},
                 {"silent", report->silent},
                 {"plain", report->plain},
                 {"rounds", report->rounds},
                 {"datagrams", report->datagrams}};
    for (size_t i = 0; report->is_confirmed && i < sizeof lines / sizeof lines[0]; i++)
        control_line(session, lines[i].key, "%" PRIu64, lines[i].value);
}
