#include "client/server_frames.h"

#include <string.h>

_Static_assert((int)FRAME_COOKIE_BYTES == (int)COOKIE_BYTES &&
                   (int)FRAME_MAC_BYTES == (int)DEVICE_MAC_BYTES,
               "a hello has room for the cookie and the code");

static const uint64_t NS_PER_MS = 1000000;

void server_frames_init(struct server_frames *frames, const struct server_frames_setting *setting,
                        uint64_t seed)
{
    *frames = (struct server_frames){.setting = *setting};
    prng_init(&frames->prng, seed);
    server_frames_reset(frames);
}

void server_frames_reset(struct server_frames *frames)
{
    hello_schedule_init(&frames->hello, frames->setting.policy);
    message_window_clear(&frames->window);
    memset(frames->cookie, 0, sizeof frames->cookie);
}

static size_t name_size(const struct server_frames *frames)
{
    return frames->setting.name != NULL ? strlen(frames->setting.name) : 0;
}

/* ---- Received frames ---- */

/* Returns when the confirmation of a message is due that was received at now_ns. */
static uint64_t draw_due_ns(struct server_frames *frames, uint8_t leisure, uint64_t now_ns)
{
    if (!frames->setting.confirms)
        return UINT64_MAX;
    uint64_t leisure_ns = leisure * FRAME_LEISURE_UNIT_MS * NS_PER_MS;
    return now_ns + (uint64_t)(prng_uniform(&frames->prng) * (double)leisure_ns);
}

static enum server_frames_kind receive_message(struct server_frames *frames,
                                               const struct frame *frame, uint64_t now_ns)
{
    uint64_t due_ns = draw_due_ns(frames, frame->leisure, now_ns);
    hello_schedule_frame_came(&frames->hello, now_ns);
    if (message_window_add(&frames->window, frame->job, due_ns))
        return SERVER_FRAMES_MESSAGE;
    frames->repeated++;
    return SERVER_FRAMES_HANDLED;
}

/* An answer that comes twice, or to no hello, is not reported. */
static enum server_frames_kind receive_named(struct server_frames *frames, uint64_t now_ns)
{
    bool open = server_frames_await_answer(frames);
    if (open)
        hello_schedule_answered(&frames->hello, now_ns);
    hello_schedule_frame_came(&frames->hello, now_ns);
    return open ? SERVER_FRAMES_NAMED : SERVER_FRAMES_HANDLED;
}

/* Returns whether a hello is the one that this client has sent: only an echo service returns it. */
static bool is_own_hello(const struct server_frames *frames, const struct frame *hello)
{
    bool frames_flag = hello->flags & FRAME_HELLO_FRAMES;
    return frames->hello.tries > 0 && frames_flag == frames->setting.frames &&
           hello->size == name_size(frames) &&
           (hello->size == 0 || memcmp(hello->body, frames->setting.name, hello->size) == 0);
}

enum server_frames_kind server_frames_receive(struct server_frames *frames, const uint8_t *bytes,
                                              size_t size, uint64_t now_ns, struct frame *frame)
{
    *frame = frame_read(bytes, size);
    switch (frame->type) {
    case FRAME_MESSAGE:
        return receive_message(frames, frame, now_ns);
    case FRAME_NAMED:
        return receive_named(frames, now_ns);
    case FRAME_HELLO:
        if (!is_own_hello(frames, frame))
            return SERVER_FRAMES_OTHER;
        hello_schedule_end(&frames->hello);
        return SERVER_FRAMES_FOREIGN;
    default:
        return SERVER_FRAMES_OTHER;
    }
}

/* ---- The registration ---- */

void server_frames_registered(struct server_frames *frames, uint64_t now_ns)
{
    hello_schedule_registered(&frames->hello, now_ns);
}

void server_frames_suspect_restart(struct server_frames *frames)
{
    hello_schedule_rejoin(&frames->hello);
}

void server_frames_challenged(struct server_frames *frames, const uint8_t cookie[COOKIE_BYTES],
                              uint64_t now_ns)
{
    memcpy(frames->cookie, cookie, COOKIE_BYTES);
    bool for_hello =
        frames->setting.key != NULL && hello_schedule_challenged(&frames->hello, now_ns);
    if (!for_hello)
        hello_schedule_rejoin(&frames->hello);
    hello_schedule_frame_came(&frames->hello, now_ns);
}

/* ---- Frames to be sent ---- */

uint64_t server_frames_due_ns(const struct server_frames *frames)
{
    uint64_t hello_ns = hello_schedule_due_ns(&frames->hello);
    uint64_t confirmation_ns = message_window_due_ns(&frames->window);
    return hello_ns < confirmation_ns ? hello_ns : confirmation_ns;
}

size_t server_frames_take_confirmation(struct server_frames *frames, uint64_t now_ns,
                                       uint8_t out[SERVER_FRAMES_BYTES_MAX])
{
    uint64_t job;
    if (!message_window_take_due(&frames->window, now_ns, &job))
        return 0;
    frames->confirmed++;
    return frame_write_confirm(out, job);
}

/* Without a challenge the cookie is zero, which gets one where a proof is needed. */
static size_t write_hello(const struct server_frames *frames, uint8_t out[SERVER_FRAMES_BYTES_MAX])
{
    const struct server_frames_setting *setting = &frames->setting;
    struct device_name name;
    uint8_t mac[DEVICE_MAC_BYTES];
    if (setting->key == NULL || device_name_set(&name, setting->name, name_size(frames)) != NULL)
        return frame_write_hello(out, setting->frames, setting->name, name_size(frames));
    device_key_mac(setting->key, frames->cookie, &name, mac);
    return frame_write_keyed_hello(out, setting->frames, frames->cookie, mac, name.bytes,
                                   name.size);
}

size_t server_frames_take_due(struct server_frames *frames, uint64_t now_ns,
                              uint8_t out[SERVER_FRAMES_BYTES_MAX], bool *gave_up)
{
    enum hello_step step = hello_schedule_step(&frames->hello, now_ns);
    *gave_up = step == HELLO_GIVE_UP;
    if (step == HELLO_SEND)
        return write_hello(frames, out);
    return server_frames_take_confirmation(frames, now_ns, out);
}

bool server_frames_await_answer(const struct server_frames *frames)
{
    return hello_schedule_due_ns(&frames->hello) != UINT64_MAX;
}

bool server_frames_is_known(const struct server_frames *frames)
{
    return frames->hello.known;
}

bool server_frames_lack_answer(const struct server_frames *frames)
{
    return frames->setting.policy == HELLO_ASKED && !frames->hello.known;
}
