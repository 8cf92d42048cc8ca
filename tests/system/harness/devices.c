/* Clients that confirm messages: see devices.h. */
#define HARNESS_INTERNAL
#include "devices.h"

#include "frames.h"

#include <string.h>

enum { HELLO = 8, NUMBER = 8, MESSAGE_HEAD = DEVICE_MESSAGE_HEAD };

/* ---- devices ---- */

void device_send_hello(int udp, const struct endpoint *server)
{
    uint8_t bytes[64];

    frame_send(udp, server, HELLO, NULL, "\x01");
    harness_equal("the bytes of a named", udp_receive(udp, bytes, sizeof bytes, NULL), 6);
}

int device_join(const struct server *server)
{
    int udp = udp_open("127.0.0.1");

    udp_send_text(udp, &server->at[0], "hi");
    device_send_hello(udp, &server->at[0]);
    return udp;
}

uint64_t receive_message(int udp, const char **text)
{
    uint8_t bytes[256];
    uint64_t number = 0;
    ssize_t size = udp_receive(udp, bytes, sizeof bytes, NULL);

    expect(size >= MESSAGE_HEAD && memcmp(bytes, "\0UDP\x06", FRAME_HEAD) == 0,
           "expected a message frame");
    for (int i = 0; i < NUMBER; i++)
        number = number << 8 | bytes[FRAME_HEAD + i];
    *text = harness_format("%.*s", (int)size - MESSAGE_HEAD, (const char *)bytes + MESSAGE_HEAD);
    harness_equal("the bytes of a text", size, MESSAGE_HEAD + (ssize_t)strlen(*text));
    return number;
}

uint64_t expect_message(int udp, const char *text)
{
    const char *got;
    uint64_t number = receive_message(udp, &got);

    expect(strcmp(got, text) == 0, "expected '%s', got '%s'", text, got);
    return number;
}

void confirm(int udp, const struct endpoint *server, uint64_t number)
{
    uint8_t bytes[FRAME_HEAD + NUMBER] = "\0UDP\x07";

    for (int i = 0; i < NUMBER; i++)
        bytes[FRAME_HEAD + i] = (uint8_t)(number >> (8 * (NUMBER - 1 - i)));
    udp_send(udp, server, bytes, sizeof bytes);
}

void confirm_message(int udp, const struct endpoint *server, const char *text)
{
    confirm(udp, server, expect_message(udp, text));
}

/* ---- jobs ---- */

int64_t job_count(const struct server *server, int job, const char *name)
{
    const char *row = ctl_ok(server, "job", harness_format("%d", job), "--json", NULL);

    return strstr(row, harness_format("\"%s\":", name)) != NULL ? json_integer(row, name) : -1;
}

bool job_is(const struct server *server, int job, const char *state)
{
    struct result row = ctl(server, "job", harness_format("%d", job), "--json", NULL);

    return row.status == 0 && strcmp(json_text(row.out, "state"), state) == 0;
}

void await_job(const struct server *server, int job, const char *state)
{
    for (int64_t end = harness_now_ms() + HARNESS_DEADLINE_MS; !job_is(server, job, state);) {
        expect(harness_now_ms() < end, "expected job %d to be %s", job, state);
        harness_wait_ms(5);
    }
}

void expect_tally(const struct server *server, int job, int confirmed, int silent, int plain)
{
    const char *row = ctl_ok(server, "job", harness_format("%d", job), "--json", NULL);

    harness_equal("confirmed", json_integer(row, "confirmed"), confirmed);
    harness_equal("silent", json_integer(row, "silent"), silent);
    harness_equal("plain", json_integer(row, "plain"), plain);
    harness_equal("the targets", json_integer(row, "targets"),
                  confirmed + silent + plain + json_integer(row, "skipped"));
}

bool is_listed(const char *list, int udp)
{
    struct endpoint name = udp_name(udp);

    return strstr(list, harness_format("127.0.0.1:%d ", endpoint_port(&name))) != NULL;
}

const char *list_clients(const struct server *server, int job, const char *which)
{
    return ctl_ok(server, "job", harness_format("%d", job), which, NULL);
}
