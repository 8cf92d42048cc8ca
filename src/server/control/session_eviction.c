#include "server/control/session_eviction.h"

#include "server/control/control_sessions.h"

static bool is_idle(const struct control_session *session)
{
    return !session->running;
}

/* Whether the session is in the middle of a long answer that its peer does not read. */
static bool is_stuck(const struct control_session *session)
{
    return session->running && session->resume && framed_stream_is_backed_up(session->stream);
}

/* Returns the least recently used session of that kind. */
static struct control_session *longest(const struct control *control,
                                       bool (*is_kind)(const struct control_session *))
{
    struct control_session *found = NULL;
    for (size_t i = 0; i < control->count; i++) {
        struct control_session *session = control->sessions[i];
        if (is_kind(session) && (!found || session->last_used < found->last_used))
            found = session;
    }
    return found;
}

bool session_eviction_close_idle(const struct control *control,
                                 const struct control_session *newcomer, const char *why)
{
    struct control_session *idle = longest(control, is_idle), *stuck = longest(control, is_stuck);
    if (stuck && (!idle || idle == newcomer))
        control_session_detach(stuck);
    else if (idle)
        control_session_close_with_error(idle, why);
    return stuck || idle;
}

static bool is_running(const struct control_session *session)
{
    return session->running;
}

bool session_eviction_close_any(const struct control *control, const char *why)
{
    if (session_eviction_close_idle(control, NULL, why))
        return true;
    struct control_session *running = longest(control, is_running);
    if (running)
        control_session_detach(running);
    return running != NULL;
}

bool control_is_busy(const struct control_session *session)
{
    const struct control *control = session->control;
    size_t running = 0;
    for (size_t i = 0; i < control->count; i++)
        running += control->sessions[i]->running;
    return running > CONTROL_SESSIONS_MAX - CONTROL_SESSIONS_RESERVED;
}
