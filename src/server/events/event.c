#include "server/events/event.h"

const char *event_kind_name(enum event_kind kind)
{
    static const char *const names[EVENT_KINDS] = {
        [EVENT_MESSAGE] = "message",
        [EVENT_JOINED] = "joined",
        [EVENT_REJOINED] = "rejoined",
        [EVENT_EXPIRED] = "expired",
        [EVENT_LEFT] = "left",
        [EVENT_KICKED] = "kicked",
        [EVENT_REFUSED] = "refused",
        [EVENT_MOVED] = "moved",
        [EVENT_STREAM_CLOSED] = "stream_closed",
        [EVENT_JOB_QUEUED] = "job_queued",
        [EVENT_JOB_STARTED] = "job_started",
        [EVENT_JOB_ENDED] = "job_ended",
        [EVENT_RELOADED] = "reloaded",
    };
    return names[kind];
}

const char *event_reason_name(enum event_reason reason)
{
    static const char *const names[] = {
        [EVENT_REASON_NONE] = "",         [EVENT_REASON_FULL] = "full",
        [EVENT_REASON_PREFIX] = "prefix", [EVENT_REASON_OPERATOR] = "operator",
        [EVENT_REASON_DENIED] = "denied", [EVENT_REASON_ENDED] = "ended",
        [EVENT_REASON_SLOW] = "slow",     [EVENT_REASON_OVERSIZE] = "oversize",
    };
    return names[reason];
}
