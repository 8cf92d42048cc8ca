/* `udpctl events`: what happens to clients, broadcasts and the configuration. */

#include "frames.h"
#include "harness.h"
#include "subscriber.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TestSuite(system_events, .fini = harness_end, .timeout = 120);

static const char *name_of(int socket)
{
    struct endpoint name = {.size = sizeof name.sockaddr};
    getsockname(socket, (struct sockaddr *)&name.sockaddr, &name.size);
    return harness_format("%s", endpoint_text(&name));
}

/* Expects the event of a datagram client, with its address and listener and nothing else. */
static void expect_event(struct subscriber *subscriber, const struct server *server, int udp,
                         const char *kind, const char *reason)
{
    const char *rest = harness_format(" %s address=%s %slistener=%s", kind, name_of(udp), reason,
                                      endpoint_text(&server->at[0]));
    const char *line = subscriber_expect(subscriber, rest, NULL);
    cr_assert_str_eq(strstr(line, rest), rest);
}

static const char SILENT[] = "[admission]\npolicy = open\n[reply]\nmode = none\n";

/* ---- datagram clients ---- */

Test(system_events, reports_clients_that_join_leave_and_are_kicked)
{
    struct server server = {0};
    struct subscriber subscriber;
    server_start(&server, SILENT, "-l", "127.0.0.1:0", NULL);
    subscriber_open(&subscriber, &server, "events");
    int udp = udp_open("127.0.0.1");
    udp_send_text(udp, &server.at[0], "hi");
    expect_event(&subscriber, &server, udp, "joined", "");
    udp_send_text(udp, &server.at[0], "hi again");
    frame_send(udp, &server.at[0], 3, NULL, "");
    expect_event(&subscriber, &server, udp, "left", "");
    udp_send_text(udp, &server.at[0], "hi");
    expect_event(&subscriber, &server, udp, "joined", "");
    ctl_ok(&server, "kick", name_of(udp), NULL);
    expect_event(&subscriber, &server, udp, "kicked", "reason=operator ");
    expect(!subscriber_has_input(&subscriber), "expected no other event");
    server_stop(&server);
}

Test(system_events, reports_clients_that_are_refused_and_why)
{
    struct server server = {0};
    struct subscriber subscriber;
    server_start(&server,
                 "[clients]\nmax = 2\n[admission]\npolicy = open\nper-prefix = 1\n[reply]\n"
                 "mode = none\n",
                 "-l", "127.0.0.1:0", NULL);
    subscriber_open(&subscriber, &server, "events kinds=refused");
    int a = udp_open("127.0.0.1"), b = udp_open("127.0.0.1"), c = udp_open("127.1.0.1"),
        d = udp_open("127.2.0.1");
    udp_send_text(a, &server.at[0], "hi");
    udp_send_text(b, &server.at[0], "hi");
    expect_event(&subscriber, &server, b, "refused", "reason=prefix ");
    udp_send_text(c, &server.at[0], "hi");
    udp_send_text(d, &server.at[0], "hi");
    expect_event(&subscriber, &server, d, "refused", "reason=full ");
    server_stop(&server);
}

Test(system_events, reports_clients_that_expire_and_those_that_come_back_before_the_sweep)
{
    struct server server = {0};
    struct subscriber subscriber;
    server_start(&server, "[clients]\nttl = 1s\n[admission]\npolicy = open\n[reply]\nmode = none\n",
                 "-l", "127.0.0.1:0", NULL);
    subscriber_open(&subscriber, &server, "events kinds=expired,rejoined");
    int udp = udp_open("127.0.0.1");
    udp_send_text(udp, &server.at[0], "hi");
    expect_event(&subscriber, &server, udp, "expired", "");
    /* The sweep may come first in one of these turns, and seldom in all. */
    for (const char *line = ""; strstr(line, " rejoined address=") == NULL;) {
        udp_send_text(udp, &server.at[0], "hi");
        harness_wait_ms(1002);
        udp_send_text(udp, &server.at[0], "hi");
        line = subscriber_line(&subscriber);
    }
    server_stop(&server);
}

/* ---- streams ---- */

static void expect_closed(struct subscriber *subscriber, const struct server *server,
                          const char *name, const char *kind, const char *reason)
{
    subscriber_expect(subscriber, harness_format(" %s address=tcp:%s ", kind, name), reason,
                      harness_format(" listener=%s", server->others[0]), NULL);
}

Test(system_events, reports_streams_and_why_they_end)
{
    struct server server = {0};
    struct subscriber subscriber;
    static char longest[3000];
    memset(longest, 'x', sizeof longest - 1);
    server_start(&server, "[server]\nmax-datagram = 1000\nstream-max = 1\n[reply]\nmode = none\n",
                 "-l", "tcp:127.0.0.1:0", NULL);
    subscriber_open(&subscriber, &server, "events");
    int stream = stream_open(server.others[0]);
    const char *name = name_of(stream);
    expect_closed(&subscriber, &server, name, "joined", "");
    const char *refused = name_of(stream_open(server.others[0]));
    expect_closed(&subscriber, &server, refused, "refused", "reason=full");
    close(stream);
    expect_closed(&subscriber, &server, name, "stream_closed", "reason=ended");
    stream = stream_open(server.others[0]);
    name = name_of(stream);
    expect_closed(&subscriber, &server, name, "joined", "");
    stream_write_text(stream, longest);
    expect_closed(&subscriber, &server, name, "stream_closed", "reason=oversize");
    server_stop(&server);
}

Test(system_events, reports_streams_that_are_idle_kicked_or_denied_by_a_reload)
{
    struct server server = {0};
    struct subscriber subscriber;
    server_start(&server, "[server]\nstream-idle = 1s\n[reply]\nmode = none\n", "-l",
                 "tcp:127.0.0.1:0", NULL);
    subscriber_open(&subscriber, &server, "events kinds=expired,kicked");
    int stream = stream_open(server.others[0]);
    expect_closed(&subscriber, &server, name_of(stream), "expired", "");
    stream = stream_open(server.others[0]);
    server_await_clients(&server, 1);
    ctl_ok(&server, "kick", harness_format("tcp:%s", name_of(stream)), NULL);
    expect_closed(&subscriber, &server, name_of(stream), "kicked", "reason=operator");
    stream = stream_open(server.others[0]);
    server_await_clients(&server, 1);
    server_configure(&server, "[admission]\ndeny = 127.0.0.1\n[server]\nstream-idle = 1h\n");
    ctl_ok(&server, "reload", NULL);
    expect_closed(&subscriber, &server, name_of(stream), "kicked", "reason=denied");
    server_stop(&server);
}

Test(system_events, reports_a_stream_that_does_not_read_its_output)
{
    struct server server = {0};
    struct subscriber subscriber;
    static char digits[2 * 60000 + 1];
    memset(digits, 'a', sizeof digits - 1);
    server_start(&server,
                 "[server]\nmax-datagram = 65507\nstream-buffer = 64k\n[reply]\nmode = none\n",
                 "-l", "tcp:127.0.0.1:0", NULL);
    subscriber_open(&subscriber, &server, "events kinds=stream_closed");
    int stream = stream_open(server.others[0]);
    server_await_clients(&server, 1);
    while (!subscriber_has_input(&subscriber))
        server_ask(&server, harness_format("broadcast wait %s", digits));
    expect_closed(&subscriber, &server, name_of(stream), "stream_closed", "reason=slow");
    server_stop(&server);
}

/* ---- the server ---- */

static void expect_end(const char *line, const char *end)
{
    size_t size = strlen(line), length = strlen(end);
    expect(size >= length && strcmp(line + size - length, end) == 0,
           "expected a line that ends in '%s': %s", end, line);
}

/* Sends a broadcast of 5 bytes to one client, with the words of a selector or NULL. Expects its
 * three events, with the selector as their last member or without it. */
static void expect_broadcast(struct server *server, struct subscriber *subscriber, int id,
                             const char *words, const char *member)
{
    server_ask(server, harness_format("broadcast wait %s 68656c6c6f", words ? words : ""));
    const char *kind = harness_format(" job_queued id=%d bytes=5%s", id, member);
    expect_end(subscriber_expect(subscriber, kind, NULL), kind);
    kind = harness_format(" job_started id=%d%s", id, member);
    expect_end(subscriber_expect(subscriber, kind, NULL), kind);
    kind = harness_format(" job_ended id=%d state=done ", id);
    const char *line = subscriber_expect(subscriber, kind, " targets=1 ", " sent=1 ", " failed=0 ",
                                         " skipped=0 ", " duration_ms=", NULL);
    expect((strstr(line, " selector=") != NULL) == (words != NULL), "a selector or none: %s", line);
    expect_end(line, member);
}

Test(system_events, reports_broadcasts_and_reloads_to_every_selector)
{
    struct server server = {0};
    struct subscriber subscriber;
    server_start(&server, SILENT, "-l", "127.0.0.1:0", NULL);
    udp_send_text(udp_open("127.0.0.1"), &server.at[0], "hi");
    server_await_clients(&server, 1);
    subscriber_open(&subscriber, &server, "events to=192.0.2.1");
    expect_broadcast(&server, &subscriber, 1, NULL, "");
    expect_broadcast(&server, &subscriber, 2, "to=127.0.0.0/8  idle-max=3600 to=10.1.2.3",
                     " selector=to=127.0.0.0/8,to=10.1.2.3,idle-max=1h");
    ctl_ok(&server, "reload", NULL);
    subscriber_expect(&subscriber, " reloaded restart=0", NULL);
    server_configure(&server, "[clients]\nmax = 77\n[admission]\npolicy = open\n");
    ctl_ok(&server, "reload", NULL);
    subscriber_expect(&subscriber, " reloaded restart=1", NULL);
    server_stop(&server);
}

Test(system_events, prints_lines_and_objects_of_the_wanted_kinds)
{
    struct server server = {0};
    struct process text, json;
    server_start(&server, SILENT, "-l", "127.0.0.1:0", NULL);
    int udp = udp_open("127.0.0.1");
    const char *const text_argv[] = {"udpctl", "-s", server.socket, "events", NULL};
    const char *const json_argv[] = {"udpctl", "-s",   server.socket, "events",
                                     "--json", "left", "job_ended",   NULL};
    process_start(&text, NULL, text_argv);
    process_start(&json, NULL, json_argv);
    do { /* until both are subscribed */
        udp_send_text(udp, &server.at[0], "hi");
        frame_send(udp, &server.at[0], 3, NULL, "");
        process_pump(&text, 20);
        process_pump(&json, 20);
    } while (text.texts[0].size == 0 || json.texts[0].size == 0);
    /* The first one that was seen may be the end of a client whose beginning was not. */
    udp_send_text(udp, &server.at[0], "hi");
    frame_send(udp, &server.at[0], 3, NULL, "");
    const char *at = endpoint_text(&server.at[0]);
    process_await_text(&text, harness_format("Z joined %s listener=%s\n", name_of(udp), at));
    process_await_text(&json, harness_format("Z\",\"event\":\"left\",\"address\":\"%s\","
                                             "\"listener\":\"%s\"}\n",
                                             name_of(udp), at));
    ctl_ok(&server, "broadcast", "hello", NULL);
    process_await_text(&text, "Z job_queued id=1 bytes=5\n");
    process_await_text(&json,
                       "Z\",\"event\":\"job_ended\",\"id\":1,\"state\":\"done\",\"targets\":");
    ctl_ok(&server, "broadcast", "--to", "192.0.2.0/24", "--idle-max", "90s", "hello", NULL);
    process_await_text(&text, "Z job_queued id=2 bytes=5 selector=to=192.0.2.0/24,idle-max=90s\n");
    process_await_text(&json, ",\"selector\":\"to=192.0.2.0/24,idle-max=90s\"}\n");
    harness_equal("joined", (int64_t)text_count(json.texts[0].data, "joined"), 0);
    process_kill(&text, SIGTERM);
    process_kill(&json, SIGTERM);
    process_wait(&text);
    process_wait(&json);
    server_stop(&server);
}

Test(system_events, accepts_each_kind_that_udpctl_completes)
{
    struct server server = {0};
    struct subscriber subscriber;
    const char *help = run_ok(NULL, "udpctl", "--help", NULL);
    harness_contains("the help", help, "events [KIND]...");
    server_start(&server, SILENT, "-l", "127.0.0.1:0", NULL);
    subscriber_open(&subscriber, &server,
                    "events kinds=joined,rejoined,expired,left,kicked,refused,stream_closed,"
                    "job_queued,job_started,job_ended,reloaded");
    int udp = udp_open("127.0.0.1");
    udp_send_text(udp, &server.at[0], "hi");
    expect_event(&subscriber, &server, udp, "joined", "");
    server_stop(&server);
}

/* ---- many at once ---- */

/* Sends "hi" from the n-th address of a loopback network: a client of its own. */
static void send_from(int udp, const struct endpoint *to, uint32_t n)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(struct in_pktinfo))];
    } control = {.bytes = {0}};
    struct endpoint at = *to;
    struct iovec iov = {(void *)(uintptr_t) "hi", 2};
    struct msghdr message = {.msg_name = &at.sockaddr,
                             .msg_namelen = at.size,
                             .msg_iov = &iov,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = IPPROTO_IP;
    header->cmsg_type = IP_PKTINFO;
    header->cmsg_len = CMSG_LEN(sizeof(struct in_pktinfo));
    struct in_pktinfo info = {.ipi_spec_dst.s_addr = htonl(0x7f100000 + n)};
    memcpy(CMSG_DATA(header), &info, sizeof info);
    expect(sendmsg(udp, &message, 0) == 2, "expected to send from address %u", n);
}

Test(system_events, counts_exactly_when_very_many_clients_expire_at_once)
{
    const uint32_t count = harness_sanitized() ? 10000 : 100000;
    struct server server = {0};
    struct subscriber all, none;
    server_start(&server, SILENT, "-l", "127.0.0.1:0", NULL);
    int many = udp_open("0.0.0.0");
    for (uint32_t i = 1; i <= count; i++) {
        send_from(many, &server.at[0], i);
        if (i % 100 == 0)
            server_await_stat(&server, "received", i);
    }
    server_await_clients(&server, count);
    subscriber_open(&all, &server, "events kinds=expired");
    subscriber_open(&none, &server, "events kinds=left");
    /* Under the cookie policy a client must prove its address: all of them expire. */
    server_configure(&server, "[admission]\npolicy = cookie\n[reply]\nmessage = yes\n");
    ctl_ok(&server, "reload", NULL);
    int udp = udp_open("127.0.0.1");
    frame_join(udp, &server.at[0]);
    subscriber_read_until(&all, count);
    harness_equal("expired", server_stat(&server, "expired"), count);
    harness_equal("listen_lost", server_stat(&server, "listen_lost"), all.lost);
    expect(!subscriber_has_input(&none), "expected nothing for the other subscriber");
    server_stop(&server);
}
