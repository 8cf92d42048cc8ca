#include "server/admission/cookie_rotation.h"

#include "os/log/log.h"
#include "os/process/clock.h"
#include "os/process/random.h"

#include <errno.h>
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
    if (rotation->is_continued)
        loop_timer_every(&rotation->timer, COOKIE_ROTATION_MS);
    rotation->is_continued = false;
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

static void put_secret(const struct cookie_secret *secret, struct handover_writer *writer)
{
    handover_put64(writer, secret->begin.v0);
    handover_put64(writer, secret->begin.v1);
    handover_put64(writer, secret->begin.v2);
    handover_put64(writer, secret->begin.v3);
    handover_put64(writer, secret->from_ms);
}

static void get_secret(struct cookie_secret *secret, struct handover_reader *reader)
{
    secret->begin.v0 = handover_get64(reader);
    secret->begin.v1 = handover_get64(reader);
    secret->begin.v2 = handover_get64(reader);
    secret->begin.v3 = handover_get64(reader);
    secret->from_ms = handover_get64(reader);
}

void cookie_rotation_hand_over(const struct cookie_rotation *rotation,
                               struct handover_writer *writer)
{
    put_secret(&rotation->secrets.current, writer);
    put_secret(&rotation->secrets.previous, writer);
}

int cookie_rotation_take_over(struct cookie_rotation *rotation, struct handover_reader *reader)
{
    struct cookie_secrets secrets;
    get_secret(&secrets.current, reader);
    get_secret(&secrets.previous, reader);
    if (reader->failed)
        return -EPROTO;
    uint64_t due_ms = secrets.current.from_ms + COOKIE_ROTATION_MS, now_ms = clock_now_ms();
    rotation->secrets = secrets;
    rotation->is_continued = true;
    /* A time that has passed is at once: 0 would unset the timer. */
    loop_timer_once(&rotation->timer, due_ms > now_ms ? (due_ms - now_ms) * 1000000 : 1);
    return 0;
}
