/* Tests of hello, confirmations and names as a client handles them. The bytes of the frames are
 * those of docs/protocol.md, not of wire/frame. */
#include "client/server_frames.h"

#include <criterion/criterion.h>

#include <string.h>

#define SECOND_NS   UINT64_C(1000000000)
#define BYTES(text) (const uint8_t *)(text), sizeof(text) - 1

/* Job 7, leisure 500 ms, "news"; job 8 without leisure. */
#define NEWS      "\0UDP\6\0\0\0\0\0\0\0\7\5news"
#define AT_ONCE   "\0UDP\6\0\0\0\0\0\0\0\10\0now"
#define CONFIRM_7 "\0UDP\7\0\0\0\0\0\0\0\7"
#define NAMED     "\0UDP\11\0"
#define HELLO     "\0UDP\10\1"

static const uint8_t COOKIE[COOKIE_BYTES] = {"0123456789abcdef"};

/* The key of "lamp-7", and its hello with that cookie; both are of docs/protocol.md. */
static const uint8_t LAMP_KEY[DEVICE_KEY_BYTES] = {
    0xca, 0x2c, 0xc0, 0x1d, 0x8c, 0xed, 0x1e, 0xbf, 0x20, 0x42, 0x5c, 0x59, 0x6e, 0xbb, 0x32, 0x99,
    0x43, 0xeb, 0x3b, 0x7d, 0xf0, 0xa2, 0x77, 0x03, 0x8f, 0x98, 0x39, 0x7b, 0xa1, 0x2f, 0x20, 0xa1};
#define LAMP_HELLO                     \
    "\0UDP\10\3"                       \
    "0123456789abcdef"                 \
    "\x5a\xca\xf3\xba\xb9\xbb\x15\x39" \
    "\x15\x5e\x95\x91\xb1\xa9\xf3\x3d" \
    "lamp-7"

static struct server_frames frames;

static void begin_with(enum hello_policy policy, bool confirms, const char *name)
{
    const struct server_frames_setting setting = {policy, confirms, confirms, name, NULL};
    server_frames_init(&frames, &setting, 1);
}

static void begin(void)
{
    begin_with(HELLO_ASKED, true, NULL);
}

static enum server_frames_kind receive(const uint8_t *bytes, size_t size, uint64_t now_ns)
{
    struct frame frame;
    return server_frames_receive(&frames, bytes, size, now_ns, &frame);
}

/* Expects that this frame, and no give-up, is the next thing due at now_ns. */
static void expect_due(uint64_t now_ns, const uint8_t *bytes, size_t size)
{
    uint8_t out[SERVER_FRAMES_BYTES_MAX];
    bool gave_up;
    cr_assert_eq(server_frames_take_due(&frames, now_ns, out, &gave_up), size);
    cr_assert_not(gave_up);
    cr_assert_arr_eq(out, bytes, size);
}

static void expect_none_due(uint64_t now_ns)
{
    uint8_t out[SERVER_FRAMES_BYTES_MAX];
    bool gave_up;
    cr_assert_eq(server_frames_take_due(&frames, now_ns, out, &gave_up), 0);
    cr_assert_not(gave_up);
}

TestSuite(server_frames, .init = begin, .timeout = 10);

Test(server_frames, leaves_all_else_to_the_caller)
{
    cr_assert_eq(receive(BYTES("audi"), 1), SERVER_FRAMES_OTHER);
    cr_assert_eq(receive(BYTES(""), 1), SERVER_FRAMES_OTHER);
    cr_assert_eq(receive(BYTES("\0UDP"), 1), SERVER_FRAMES_OTHER);
    cr_assert_eq(receive(BYTES("\0UDP\1"
                               "0123456789abcdef"),
                         1),
                 SERVER_FRAMES_OTHER);
    cr_assert_eq(receive(BYTES("\0UDP\5"), 1), SERVER_FRAMES_OTHER);
    cr_assert_eq(receive(BYTES("\0UDP\6\0\0\0\0\0\0\0\7"), 1), SERVER_FRAMES_OTHER,
                 "a message without a leisure is no frame");
    cr_assert_eq(receive(BYTES(CONFIRM_7), 1), SERVER_FRAMES_OTHER);
    expect_none_due(UINT64_MAX - 1);
}

Test(server_frames, shows_the_payload_of_a_message_once)
{
    struct frame frame;
    cr_assert_eq(server_frames_receive(&frames, BYTES(NEWS), 1, &frame), SERVER_FRAMES_MESSAGE);
    cr_assert_eq(frame.job, 7);
    cr_assert_eq(frame.size, 4);
    cr_assert_arr_eq(frame.body, "news", 4);
    cr_assert_eq(receive(BYTES(NEWS), 2), SERVER_FRAMES_HANDLED);
    cr_assert_eq(receive(BYTES(AT_ONCE), 3), SERVER_FRAMES_MESSAGE);
    cr_assert_eq(frames.repeated, 1);
}

Test(server_frames, confirms_within_the_leisure)
{
    uint64_t due_ns;
    receive(BYTES(NEWS), SECOND_NS);
    due_ns = server_frames_due_ns(&frames);
    cr_assert(due_ns >= SECOND_NS && due_ns < SECOND_NS + SECOND_NS / 2);
    expect_none_due(due_ns - 1);
    expect_due(due_ns, BYTES(CONFIRM_7));
    expect_none_due(UINT64_MAX - 1);
    cr_assert_eq(frames.confirmed, 1);
}

Test(server_frames, confirms_at_once_without_a_leisure)
{
    receive(BYTES(AT_ONCE), 5);
    expect_due(5, BYTES("\0UDP\7\0\0\0\0\0\0\0\10"));
}

Test(server_frames, spreads_the_confirmations_of_different_clients_over_the_leisure)
{
    const struct server_frames_setting setting = {
        .policy = HELLO_ASKED, .frames = true, .confirms = true};
    uint64_t first = 0, last = 0;
    for (uint64_t seed = 1; seed <= 1000; seed++) {
        server_frames_init(&frames, &setting, seed);
        receive(BYTES(NEWS), 0);
        uint64_t due_ns = server_frames_due_ns(&frames);
        first += due_ns < SECOND_NS / 20;
        last += due_ns >= SECOND_NS / 2 - SECOND_NS / 20;
    }
    /* A tenth each: 100, with a standard deviation of 9.5. */
    cr_assert(first > 50 && first < 150, "%d in the first tenth", (int)first);
    cr_assert(last > 50 && last < 150, "%d in the last tenth", (int)last);
}

Test(server_frames, confirms_a_repeated_message_again)
{
    receive(BYTES(NEWS), 0);
    expect_due(SECOND_NS, BYTES(CONFIRM_7));
    receive(BYTES(NEWS), 2 * SECOND_NS);
    expect_due(3 * SECOND_NS, BYTES(CONFIRM_7));
    cr_assert_eq(frames.confirmed, 2);
}

Test(server_frames, confirms_all_that_was_shown_at_the_end_of_a_session)
{
    uint8_t out[SERVER_FRAMES_BYTES_MAX];
    receive(BYTES(NEWS), 0);
    receive(BYTES(AT_ONCE), 0);
    cr_assert_eq(server_frames_take_confirmation(&frames, UINT64_MAX - 1, out), 13);
    cr_assert_eq(server_frames_take_confirmation(&frames, UINT64_MAX - 1, out), 13);
    cr_assert_eq(server_frames_take_confirmation(&frames, UINT64_MAX - 1, out), 0);
}

Test(server_frames, confirms_nothing_unless_it_is_wanted)
{
    begin_with(HELLO_NEVER, false, NULL);
    cr_assert_eq(receive(BYTES(NEWS), 1), SERVER_FRAMES_MESSAGE);
    cr_assert_eq(receive(BYTES(NEWS), 2), SERVER_FRAMES_HANDLED);
    server_frames_registered(&frames, 3);
    expect_none_due(UINT64_MAX - 1);
}

Test(server_frames, says_hello_with_the_flag_and_the_name_that_are_wanted)
{
    server_frames_registered(&frames, 1);
    expect_due(1, BYTES(HELLO));
    begin_with(HELLO_ASKED, true, "pump 4");
    server_frames_registered(&frames, 1);
    expect_due(1, BYTES("\0UDP\10\1pump 4"));
    begin_with(HELLO_ASKED, false, "pump 4");
    server_frames_registered(&frames, 1);
    expect_due(1, BYTES("\0UDP\10\0pump 4"));
}

Test(server_frames, says_hello_of_its_own_accord_and_again_after_a_challenge)
{
    begin_with(HELLO_UNASKED, true, NULL);
    server_frames_registered(&frames, 1);
    expect_due(1, BYTES(HELLO));
    server_frames_registered(&frames, 2);
    server_frames_challenged(&frames, COOKIE, 3);
    expect_none_due(UINT64_MAX - 1);
    server_frames_registered(&frames, 4);
    expect_due(4, BYTES(HELLO));
}

Test(server_frames, reports_an_answer_once)
{
    server_frames_registered(&frames, 1);
    cr_assert(server_frames_lack_answer(&frames));
    expect_due(1, BYTES(HELLO));
    cr_assert(server_frames_await_answer(&frames));
    cr_assert_eq(receive(BYTES(NAMED), 2), SERVER_FRAMES_NAMED);
    cr_assert_not(server_frames_await_answer(&frames));
    cr_assert_not(server_frames_lack_answer(&frames));
    cr_assert_eq(receive(BYTES(NAMED), 3), SERVER_FRAMES_HANDLED);
}

Test(server_frames, hides_an_answer_that_it_has_not_asked_for)
{
    begin_with(HELLO_NEVER, false, NULL);
    cr_assert_eq(receive(BYTES(NAMED), 2), SERVER_FRAMES_HANDLED);
}

Test(server_frames, gives_the_refusal_of_a_name_to_the_caller)
{
    struct frame frame;
    begin_with(HELLO_ASKED, true, "pump");
    server_frames_registered(&frames, 1);
    expect_due(1, BYTES("\0UDP\10\1pump"));
    cr_assert_eq(server_frames_receive(&frames, BYTES("\0UDP\11\2"), 2, &frame),
                 SERVER_FRAMES_NAMED);
    cr_assert_eq(frame.status, 2);
    cr_assert_eq(frame.size, 0);
}

Test(server_frames, gives_up_once)
{
    uint8_t out[SERVER_FRAMES_BYTES_MAX];
    bool gave_up;
    server_frames_registered(&frames, 0);
    for (uint64_t i = 0; i < 3; i++)
        expect_due(i * SECOND_NS, BYTES(HELLO));
    cr_assert_eq(server_frames_take_due(&frames, 3 * SECOND_NS, out, &gave_up), 0);
    cr_assert(gave_up);
    expect_none_due(UINT64_MAX - 1);
    cr_assert(server_frames_lack_answer(&frames));
    cr_assert_not(server_frames_is_known(&frames));
}

Test(server_frames, does_not_lack_an_answer_that_came_before_the_client_joined_anew)
{
    server_frames_registered(&frames, 1);
    expect_due(1, BYTES(HELLO));
    receive(BYTES(NAMED), 2);
    server_frames_suspect_restart(&frames);
    cr_assert(server_frames_is_known(&frames));
    cr_assert_not(server_frames_lack_answer(&frames));
}

Test(server_frames, asks_for_frames_and_confirms_none_if_so_set)
{
    const struct server_frames_setting setting = {.policy = HELLO_ASKED, .frames = true};
    server_frames_init(&frames, &setting, 1);
    server_frames_registered(&frames, 1);
    expect_due(1, BYTES(HELLO));
    receive(BYTES(NAMED), 2);
    cr_assert_eq(receive(BYTES(NEWS), 3), SERVER_FRAMES_MESSAGE);
    cr_assert_eq(receive(BYTES(NEWS), 4), SERVER_FRAMES_HANDLED);
    expect_none_due(UINT64_MAX - 1);
}

Test(server_frames, says_no_more_to_a_service_that_returns_its_hello)
{
    server_frames_registered(&frames, 1);
    cr_assert_eq(receive(BYTES(HELLO), 1), SERVER_FRAMES_OTHER, "none was sent yet");
    expect_due(1, BYTES(HELLO));
    cr_assert_eq(receive(BYTES("\0UDP\10\1other"), 2), SERVER_FRAMES_OTHER);
    cr_assert_eq(receive(BYTES("\0UDP\10\0"), 2), SERVER_FRAMES_OTHER);
    cr_assert_eq(receive(BYTES(HELLO), 2), SERVER_FRAMES_FOREIGN);
    expect_none_due(UINT64_MAX - 1);
}

Test(server_frames, says_hello_again_after_a_challenge_or_a_suspected_restart)
{
    server_frames_registered(&frames, 1);
    expect_due(1, BYTES(HELLO));
    receive(BYTES(NAMED), 2);
    server_frames_challenged(&frames, COOKIE, 3);
    expect_none_due(3);
    server_frames_registered(&frames, 4);
    expect_due(4, BYTES(HELLO));
    receive(BYTES(NAMED), 5);
    server_frames_suspect_restart(&frames);
    expect_none_due(6);
    server_frames_registered(&frames, 7);
    expect_due(7, BYTES(HELLO));
}

static void begin_keyed(void)
{
    const struct server_frames_setting setting = {HELLO_ASKED, true, true, "lamp-7", LAMP_KEY};
    server_frames_init(&frames, &setting, 1);
}

Test(server_frames, proves_its_name_with_the_cookie_of_the_last_challenge)
{
    begin_keyed();
    server_frames_challenged(&frames, (const uint8_t *)"an older cookie.", 1);
    server_frames_challenged(&frames, COOKIE, 1);
    expect_none_due(1);
    server_frames_registered(&frames, 2);
    expect_due(2, BYTES(LAMP_HELLO));
    cr_assert_eq(receive(BYTES(LAMP_HELLO), 3), SERVER_FRAMES_FOREIGN, "of an echo service");
}

/* A server that has registered a client with this address before does not challenge a request. */
Test(server_frames, asks_for_a_cookie_by_a_hello_without_one)
{
    uint8_t out[SERVER_FRAMES_BYTES_MAX];
    bool gave_up;
    begin_keyed();
    server_frames_registered(&frames, 1);
    cr_assert_eq(server_frames_take_due(&frames, 1, out, &gave_up), sizeof LAMP_HELLO - 1);
    cr_assert_arr_eq(out, "\0UDP\10\3\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 22);
    server_frames_challenged(&frames, COOKIE, 2);
    expect_due(2, BYTES(LAMP_HELLO));
    cr_assert_eq(receive(BYTES("\0UDP\11\1lamp-7"), 3), SERVER_FRAMES_NAMED);
    expect_none_due(UINT64_MAX - 1);
}

Test(server_frames, has_no_cookie_of_one_server_for_another)
{
    uint8_t out[SERVER_FRAMES_BYTES_MAX];
    bool gave_up;
    begin_keyed();
    server_frames_challenged(&frames, COOKIE, 1);
    server_frames_reset(&frames);
    server_frames_registered(&frames, 1);
    cr_assert_eq(server_frames_take_due(&frames, 1, out, &gave_up), sizeof LAMP_HELLO - 1);
    cr_assert_eq(out[6], 0);
}

Test(server_frames, shows_a_message_once_also_if_the_client_has_joined_anew)
{
    cr_assert_eq(receive(BYTES(NEWS), 1), SERVER_FRAMES_MESSAGE);
    server_frames_suspect_restart(&frames);
    server_frames_challenged(&frames, COOKIE, 2);
    cr_assert_eq(receive(BYTES(NEWS), 3), SERVER_FRAMES_HANDLED);
}

Test(server_frames, knows_nothing_of_one_server_at_another)
{
    receive(BYTES(NEWS), 1);
    server_frames_registered(&frames, 1);
    expect_due(1, BYTES(HELLO));
    server_frames_reset(&frames);
    expect_none_due(UINT64_MAX - 1);
    cr_assert_eq(receive(BYTES(NEWS), 2), SERVER_FRAMES_MESSAGE);
}
