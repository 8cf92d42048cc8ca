#include "server/admission/cookie_rotation.h"

#include "os/log/log.h"
#include "os/process/clock.h"
#include "os/process/random.h"

#include <string.h>

int cookie_rotation_init(struct cookie_rotation *rotation)
{
    struct siphash_key key;
    int error = random_fill(&key, sizeof key);
    if (error != 0)
        return error;
    *rotation = (struct cookie_rotation){.secrets = cookie_secrets_new(&key, clock_now_ms())};
    return 0;
}

static void rotate(void *state)
{
    struct cookie_rotation *rotation = state;
    struct siphash_key key;
    int error = random_fill(&key, sizeof key);
    if (error != 0) {
        key = cookie_secrets_derive_key(&rotation->secrets);
        log_event(LOG_LEVEL_WARNING, "cannot get random bytes for a new cookie secret", "reason",
                  strerror(-error), "advice",
                  "the new secret is derived from the old one; nothing needs to be done unless "
                  "this is logged again each minute",
                  NULL);
    }
    cookie_secrets_rotate(&rotation->secrets, &key, clock_now_ms());
    rotation->on_minute(rotation->state);
}

int cookie_rotation_start(struct cookie_rotation *rotation, struct loop *loop,
                          void (*on_minute)(void *state), void *state)
{
    rotation->on_minute = on_minute;
    rotation->state = state;
    int error = loop_timer_open(loop, &rotation->timer, rotate, rotation);
    if (error == 0)
        loop_timer_every(&rotation->timer, COOKIE_ROTATION_MS);
    return error;
}

void cookie_rotation_stop(struct cookie_rotation *rotation)
{
    loop_timer_close(&rotation->timer);
}
