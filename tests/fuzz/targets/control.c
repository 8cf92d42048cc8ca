/* The sockets of operators and of observers: server/control/control_sessions, the command table,
 * its queries, the subscriptions and the gateway, over stubs of the framed stream, of the worker
 * and of the queue of broadcasts (control_peer.h, control_stubs.h).
 *
 * The input is a script. Each line is sent to the session, with any bytes, except those that begin
 * with `!`, which are steps of the peer or of the server (the table below; a letter after `!` is
 * enough). Whatever is pending runs after each line, unless `!hold` was given: then it runs by
 * `!one` and `!run`, and when the session does not read before.
 *
 * Every command must get one complete answer, every request of a gateway one result or error
 * (control_answers.h), no content may break the form of an answer, no session may stop for ever,
 * and no line of an observer may change anything. */
#include "target.h"

#include "control_answers.h"
#include "control_peer.h"
#include "control_stubs.h"

#include <errno.h>
#include <string.h>

enum { FLOOD_LINES = 1200 /* of all floods: more than four batches of a gateway */ };

static bool is_held;
static size_t flood_lines; /* that may still be sent */

/* ---- what is pending ---- */

static void run_pending(void)
{
    while (stub_run_one(0) || peer_report_failure())
        ;
}

/* Runs what is pending, until the session reads: a session that neither reads nor ends then has
 * stopped for ever, unless its answer lasts until the peer leaves. Returns false if it has ended.
 */
static bool wait_until_read(void)
{
    while (peer_is_connected() && !peer_is_read()) {
        if (stub_run_one(0) || peer_report_failure() || peer_read())
            continue;
        must(answers_last());
        peer_leave();
    }
    return peer_is_connected();
}

static void need_connection(void)
{
    if (!wait_until_read())
        stub_connect();
}

static void settle(void)
{
    if (is_held)
        return;
    run_pending();
    if (peer_is_connected())
        answers_check_all_answered();
}

static void send_line(const uint8_t *line, size_t size)
{
    need_connection();
    if (size > CONTROL_COMMAND_BYTES_MAX)
        peer_end_input(-EMSGSIZE);
    else
        peer_send(line, size);
    settle();
}

/* ---- the steps ---- */

static void hold(const uint8_t *rest, size_t size)
{
    (void)rest, (void)size;
    is_held = true;
}

static void run(const uint8_t *rest, size_t size)
{
    (void)rest, (void)size;
    is_held = false;
    settle();
}

/* Its last byte chooses. */
static void run_one(const uint8_t *rest, size_t size)
{
    stub_run_one(size > 0 ? rest[size - 1] : 0);
}

static void stop_reading(const uint8_t *rest, size_t size)
{
    (void)rest, (void)size;
    if (peer_is_connected())
        peer_stop_reading();
}

static void start_reading(const uint8_t *rest, size_t size)
{
    (void)rest, (void)size;
    if (peer_is_connected())
        peer_start_reading();
}

static void message(const uint8_t *rest, size_t size)
{
    stub_publish_message(rest, size);
    settle();
}

static void event(const uint8_t *rest, size_t size)
{
    (void)rest, (void)size;
    stub_publish_event();
    settle();
}

/* Sends a line until the session pauses. */
static void flood(const uint8_t *rest, size_t size)
{
    send_line(rest, size);
    for (; flood_lines > 0 && peer_is_connected() && peer_is_read(); flood_lines--)
        send_line(rest, size);
}

static void end_input(int error)
{
    need_connection();
    peer_end_input(error);
    settle();
}

static void send_too_long(const uint8_t *rest, size_t size)
{
    (void)rest, (void)size;
    end_input(-EMSGSIZE);
}

static void end_within_line(const uint8_t *rest, size_t size)
{
    (void)rest, (void)size;
    end_input(-EPROTO);
}

static void end_after_line(const uint8_t *rest, size_t size)
{
    (void)rest, (void)size;
    end_input(0);
}

static void leave(const uint8_t *rest, size_t size)
{
    (void)rest, (void)size;
    if (peer_is_connected())
        peer_leave();
    settle();
}

static void break_connection(const uint8_t *rest, size_t size)
{
    (void)rest, (void)size;
    if (peer_is_connected())
        peer_break();
}

static void stop(const uint8_t *rest, size_t size)
{
    (void)rest, (void)size;
    stub_stop();
    settle();
}

static const struct {
    char letter;
    void (*run)(const uint8_t *rest, size_t size); /* with what follows the first blank */
} steps[] = {
    {'h', hold},             /* !hold */
    {'r', run},              /* !run */
    {'o', run_one},          /* !one CHOICE */
    {'u', stop_reading},     /* !unread */
    {'d', start_reading},    /* !drain */
    {'m', message},          /* !message PAYLOAD */
    {'e', event},            /* !event */
    {'f', flood},            /* !flood LINE */
    {'l', send_too_long},    /* !long */
    {'p', end_within_line},  /* !partial */
    {'c', end_after_line},   /* !close */
    {'q', leave},            /* !quit */
    {'b', break_connection}, /* !break */
    {'s', stop},             /* !stop */
};

/* ---- the script ---- */

static void run_line(const uint8_t *line, size_t size)
{
    if (size == 0 || line[0] != '!') {
        send_line(line, size);
        return;
    }
    const uint8_t *blank = memchr(line, ' ', size), *end = line + size;
    const uint8_t *rest = blank != NULL ? blank + 1 : end;
    for (size_t i = 0; size > 1 && i < sizeof steps / sizeof steps[0]; i++)
        if (line[1] == (uint8_t)steps[i].letter)
            steps[i].run(rest, (size_t)(end - rest));
}

/* At the end the server stops, whatever is pending by then. */
static void run_script(const uint8_t *bytes, size_t size, const struct control_role *role)
{
    const uint8_t *end = bytes + size;
    is_held = false;
    flood_lines = FLOOD_LINES;
    stub_open(role);
    stub_connect();
    while (bytes < end) {
        const uint8_t *newline = memchr(bytes, '\n', (size_t)(end - bytes));
        const uint8_t *stop = newline != NULL ? newline : end;
        run_line(bytes, (size_t)(stop - bytes));
        bytes = stop + (newline != NULL);
    }
    stub_stop();
    is_held = false;
    settle();
    stub_close();
    must(!peer_is_connected());
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    run_script(bytes, size, &CONTROL_OBSERVERS);
    run_script(bytes, size, &CONTROL_OPERATORS);
    return 0;
}
