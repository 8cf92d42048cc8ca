#include "client/hello_schedule.h"

void hello_schedule_init(struct hello_schedule *hello, enum hello_policy policy)
{
    *hello = (struct hello_schedule){.policy = policy, .due_ns = UINT64_MAX};
}

/* Returns whether it is unknown that the service is a udpsrv, and the user has not asked for more
 * than one hello at a time. */
static bool is_cautious(const struct hello_schedule *hello)
{
    return hello->policy == HELLO_UNASKED && !hello->spoken;
}

static void begin(struct hello_schedule *hello, uint64_t now_ns)
{
    bool possible = hello->policy != HELLO_NEVER && hello->registered && !hello->answered &&
                    hello->due_ns == UINT64_MAX && hello->tries < HELLO_SCHEDULE_TRIES;
    bool early = is_cautious(hello) && hello->tries > 0 &&
                 now_ns - hello->last_ns < HELLO_SCHEDULE_RENEWAL_NS;
    if (!possible || early)
        return;
    hello->due_ns = now_ns;
    hello->planned = is_cautious(hello) ? 1 : HELLO_SCHEDULE_TRIES - hello->tries;
}

void hello_schedule_frame_came(struct hello_schedule *hello, uint64_t now_ns)
{
    hello->spoken = true;
    begin(hello, now_ns);
}

void hello_schedule_registered(struct hello_schedule *hello, uint64_t now_ns)
{
    hello->registered = true;
    bool idle = hello->due_ns == UINT64_MAX;
    if (hello->known && idle && now_ns - hello->last_ns >= HELLO_SCHEDULE_RENEWAL_NS) {
        hello->answered = false;
        hello->tries = hello->challenges = 0;
    }
    begin(hello, now_ns);
}

void hello_schedule_rejoin(struct hello_schedule *hello)
{
    hello->registered = hello->answered = false;
    hello->due_ns = UINT64_MAX;
    if (hello->known)
        hello->tries = hello->challenges = 0;
}

/* The hello that is sent again counts as the same try. One that is to be sent again anyway needs no
 * other, if the challenge came twice. */
bool hello_schedule_challenged(struct hello_schedule *hello, uint64_t now_ns)
{
    if (hello->tries + hello->challenges == 0 || hello->due_ns == UINT64_MAX)
        return false;
    if (hello->tries > 0 && hello->challenges < HELLO_SCHEDULE_CHALLENGES) {
        hello->challenges++;
        hello->tries--;
        hello->planned++;
        hello->due_ns = now_ns;
    }
    return true;
}

void hello_schedule_answered(struct hello_schedule *hello, uint64_t now_ns)
{
    hello->answered = hello->known = true;
    hello->last_ns = now_ns;
    hello->tries = hello->challenges = 0;
    hello->due_ns = UINT64_MAX;
}

void hello_schedule_end(struct hello_schedule *hello)
{
    hello->policy = HELLO_NEVER;
    hello->due_ns = UINT64_MAX;
}

enum hello_step hello_schedule_step(struct hello_schedule *hello, uint64_t now_ns)
{
    if (now_ns < hello->due_ns)
        return HELLO_WAIT;
    hello->last_ns = now_ns;
    if (hello->planned == 0) {
        hello->due_ns = UINT64_MAX;
        return HELLO_GIVE_UP;
    }
    hello->planned--;
    hello->tries++;
    hello->due_ns = now_ns + HELLO_SCHEDULE_INTERVAL_NS;
    return HELLO_SEND;
}

uint64_t hello_schedule_due_ns(const struct hello_schedule *hello)
{
    return hello->due_ns;
}
