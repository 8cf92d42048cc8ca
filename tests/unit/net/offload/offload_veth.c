#include "net/offload/offload.h"

#include "handover_fixture.h"
#include "net/offload/offload_handover.h"
#include "net/offload/offload_state.h"
#include "netns_fixture.h"
#include "no_netlink.h"
#include "offload_fixture.h"
#include "veth_fixture.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* The offload on one end of a veth pair (near), and real sockets in the network namespace of the
 * other one (far): what the kernel makes of the frames that the program returns. */

TestSuite(offload_veth, .timeout = 60);

static struct offload *offload_on_veth_or_skip(void)
{
    veth_or_skip();
    return offload_or_skip(16, 2);
}

/* A client in the namespace of far, which the program may answer for, and the server's socket. */
struct connection {
    int client, server;
};

static struct connection connect_pair(struct offload *offload, bool six)
{
    const struct sockaddr_storage name = socket_name(six ? NEAR6 : NEAR4, 3000);
    struct connection pair = {.server = bound_socket(six ? NEAR6 : NEAR4, 3000)};
    struct addr source = {.family = six ? ADDR_IPV6 : ADDR_IPV4, .port = 4000};
    struct addr local = {.scope = if_nametoindex("near"), .family = source.family, .port = 3000};

    enter_far();
    pair.client = bound_socket(six ? FAR6 : FAR4, 4000);
    cr_assert_eq(connect(pair.client, (const struct sockaddr *)&name, sizeof name), 0);
    enter_near();
    inet_pton(name.ss_family, six ? FAR6 : FAR4, source.ip);
    inet_pton(name.ss_family, six ? NEAR6 : NEAR4, local.ip);
    cr_assert_eq(offload_update_ingress(offload), 0);
    offload_records(offload)[six] =
        (struct offload_record){.seen = offload_seen(1, 9), .generation = 1};
    const struct offload_client entry = {six, 0, 9};
    cr_assert_eq(offload_add(offload, &source, &local, &entry), 0);
    return pair;
}

/* The first datagrams may be lost while the interfaces come up. Returns the size, -1: none came. */
static ssize_t exchange(const struct connection *pair, int receiver, const char *request,
                        size_t size, char *reply, size_t room)
{
    struct pollfd poller = {.fd = receiver, .events = POLLIN};

    for (int i = 0; i < 100; i++) {
        send(pair->client, request, size, 0);
        if (poll(&poller, 1, 100) == 1)
            return recv(receiver, reply, room, 0);
    }
    return -1;
}

/* A request that is sent again may be answered twice, so replies of former ones are skipped. */
static void expect_exchange(const struct connection *pair, const char *request, const char *reply)
{
    char text[2000];
    ssize_t size = -1;

    for (int i = 0; i < 100; i++) {
        size = exchange(pair, pair->client, request, strlen(request), text, sizeof text);
        if (size == (ssize_t)strlen(reply) && memcmp(text, reply, strlen(reply)) == 0)
            break;
    }
    cr_assert_eq(size, (ssize_t)strlen(reply), "%zd", size);
    cr_assert_arr_eq(text, reply, strlen(reply));
    cr_assert_eq(recv(pair->server, text, sizeof text, MSG_DONTWAIT), -1,
                 "the server's socket received it, too");
}

static bool is_attached(const struct offload *offload, size_t number)
{
    uint32_t program;
    int attached = offload_is_attached(offload, number, &program);
    cr_assert_eq(program != 0, attached == 1);
    return attached == 1;
}

static void set(struct offload *offload, enum offload_reply reply)
{
    offload_workers(offload)[0] = (struct offload_worker){
        .settings = offload_settings(1, reply, 0, 400), .ttl_ms = UINT64_C(1) << 40};
}

/* The kernel accepts a reply only if its lengths and checksums are right. */
static void replies_arrive(enum offload_mode mode)
{
    struct offload *offload = offload_on_veth_or_skip();
    static const uint8_t MESSAGE[] = "toyota";

    cr_assert_eq(offload_set_message(offload, 0, 0, MESSAGE, 6), 0);
    offload_rotations(offload)[0] = (struct offload_rotation){.count = 1, .max_bytes = 6};
    cr_assert_eq(offload_attach(offload, "near", mode), 0);
    cr_assert(is_attached(offload, 0));
    if (mode == OFFLOAD_GENERIC)
        complete_checksums_of_far();
    for (int six = 0; six <= 1; six++) {
        const struct connection pair = connect_pair(offload, six);
        set(offload, OFFLOAD_ROTATE);
        expect_exchange(&pair, "car?", "toyota");
        expect_exchange(&pair, "a request that is longer than the reply", "toyota");
        set(offload, OFFLOAD_ECHO);
        expect_exchange(&pair, "x", "x");
        expect_exchange(&pair, "an echo of an odd size.", "an echo of an odd size.");
        cr_assert_geq(offload_records(offload)[six].received, 4);
    }
    cr_assert_geq(offload_count(offload, 0, OFFLOAD_REPLIED), 8);
    offload_close(offload);
}

Test(offload_veth, replies_arrive_with_right_checksums)
{
    replies_arrive(OFFLOAD_NATIVE);
}

Test(offload_veth, replies_arrive_in_generic_mode)
{
    replies_arrive(OFFLOAD_GENERIC);
}

Test(offload_veth, what_is_passed_on_arrives_at_the_socket)
{
    struct offload *offload = offload_on_veth_or_skip();
    char text[100];

    cr_assert_eq(offload_attach(offload, "near", OFFLOAD_NATIVE), 0);
    set(offload, OFFLOAD_ECHO);
    for (int six = 0; six <= 1; six++) {
        const struct connection pair = connect_pair(offload, six);
        cr_assert_eq(exchange(&pair, pair.server, "\0UDP\4nonce", 10, text, sizeof text), 10);
        cr_assert_arr_eq(text, "\0UDP\4nonce", 10);
    }
    cr_assert_geq(offload_count(offload, 0, OFFLOAD_PASSED_FRAME), 2);
    cr_assert_eq(offload_count(offload, 0, OFFLOAD_REPLIED), 0);
    offload_close(offload);
}

/* The word of near in the table of the interfaces; 0: it is not there. */
static uint64_t ingress_of_near(const struct offload *offload)
{
    const struct offload_ingress *ingress = offload->memory[TABLE_INGRESS];
    for (size_t i = 0; i < OFFLOAD_INGRESS_MAX; i++)
        if (offload_ingress_index(ingress->interfaces[i]) == if_nametoindex("near"))
            return ingress->interfaces[i];
    return 0;
}

Test(offload_veth, the_interfaces_are_those_of_the_host)
{
    struct offload *offload = offload_on_veth_or_skip();
    const uint32_t near = if_nametoindex("near");

    cr_assert_eq(offload_attach(offload, "near", OFFLOAD_NATIVE), 0);
    cr_assert_not(offload_receives_by(offload, near));
    cr_assert_eq(offload_update_ingress(offload), 0);
    cr_assert(offload_receives_by(offload, near));
    cr_assert_eq(ingress_of_near(offload), offload_ingress_word(near, near, 1500, false));
    ip("ip link set near mtu 1300");
    cr_assert_eq(offload_update_ingress(offload), 0);
    cr_assert_eq(ingress_of_near(offload), offload_ingress_word(near, near, 1300, false));
    ip("ip link add bridge type bridge && ip link set near master bridge");
    cr_assert_eq(offload_update_ingress(offload), 0);
    cr_assert(offload_receives_by(offload, if_nametoindex("bridge")));
    cr_assert_not(offload_receives_by(offload, near));
    ip("ip link del near");
    cr_assert_eq(offload_update_ingress(offload), 0);
    cr_assert_not(offload_receives_by(offload, if_nametoindex("bridge")));
    offload_close(offload);
}

Test(offload_veth, the_interfaces_stay_as_they_are_while_they_cannot_be_read)
{
    struct offload *offload = offload_on_veth_or_skip();
    const uint32_t near = if_nametoindex("near");

    cr_assert_eq(offload_attach(offload, "near", OFFLOAD_GENERIC), 0);
    cr_assert_eq(offload_update_ingress(offload), 0);
    ip("ip link set near mtu 1300");
    if (!forbid_netlink())
        cr_skip("this host has no seccomp: %s", strerror(errno));
    cr_assert_eq(offload_update_ingress(offload), -EAFNOSUPPORT);
    cr_assert_eq(ingress_of_near(offload), offload_ingress_word(near, near, 1500, true));
    offload_close(offload);
}

Test(offload_veth, the_number_of_the_program_is_the_one_that_ip_shows)
{
    struct offload *offload = offload_on_veth_or_skip();
    uint32_t program;
    char command[100];

    cr_assert_eq(offload_attach(offload, "near", OFFLOAD_NATIVE), 0);
    cr_assert_eq(offload_is_attached(offload, 0, &program), 1);
    snprintf(command, sizeof command, "ip link show near | grep -qw 'prog/xdp id %" PRIu32 "'",
             program);
    ip(command);
    offload_close(offload);
}

Test(offload_veth, is_not_attached_any_more_once_the_interface_is_deleted)
{
    struct offload *offload = offload_on_veth_or_skip();

    cr_assert_eq(offload_attach(offload, "near", OFFLOAD_NATIVE), 0);
    cr_assert(is_attached(offload, 0));
    ip("ip link set near down && ip link set near up");
    cr_assert(is_attached(offload, 0));
    ip("ip link del near");
    cr_assert_not(is_attached(offload, 0));
    offload_close(offload);
}

/* Attaches the program in a process of its own, which then waits to be killed. */
static pid_t attach_in_child(struct offload *offload)
{
    int pipes[2];
    char byte;

    cr_assert_eq(pipe(pipes), 0);
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        byte = offload_attach(offload, "near", OFFLOAD_NATIVE) == 0 ? 'y' : 'n';
        if (write(pipes[1], &byte, 1) == 1)
            pause();
        _exit(1);
    }
    close(pipes[1]);
    cr_assert_eq(read(pipes[0], &byte, 1), 1);
    cr_assert_eq(byte, 'y');
    close(pipes[0]);
    return child;
}

static void wait_a_millisecond(void)
{
    const struct timespec millisecond = {.tv_nsec = 1000000};

    nanosleep(&millisecond, NULL);
}

Test(offload_veth, is_detached_when_its_process_is_killed)
{
    struct offload *offload = offload_on_veth_or_skip();
    pid_t child = attach_in_child(offload);
    const int second = offload_attach(offload, "near", OFFLOAD_NATIVE);

    cr_assert(second == -EBUSY || second == -EEXIST, "%s", strerror(-second));
    cr_assert_eq(kill(child, SIGKILL), 0);
    cr_assert_eq(waitpid(child, NULL, 0), child);
    /* The kernel may detach it a moment after the process has ended. */
    const uint64_t until_ms = offload_now_ms() + 20000;
    int again = -EBUSY;
    while (again != 0 && offload_now_ms() < until_ms) {
        again = offload_attach(offload, "near", OFFLOAD_NATIVE);
        if (again != 0)
            wait_a_millisecond();
    }
    cr_assert_eq(again, 0, "%s", strerror(-again));
    offload_close(offload);
}

/* ---- links ---- */

static uint64_t next_hop_by(unsigned interface, const uint8_t ethernet[6])
{
    uint64_t next_hop = (uint64_t)(uint16_t)interface << 48;

    for (size_t i = 0; i < 6; i++)
        next_hop |= (uint64_t)ethernet[i] << (8 * i);
    return next_hop;
}

static void set_far_address(const char *command)
{
    enter_far();
    ip(command);
    enter_near();
}

Test(offload_veth, a_client_has_the_link_that_its_last_datagram_came_by)
{
    static const uint8_t FIRST[] = {2, 0, 0, 0, 0x77, 1}, SECOND[] = {2, 0, 0, 0, 0x77, 2};
    struct offload *offload = offload_on_veth_or_skip();
    const unsigned near = if_nametoindex("near");

    cr_assert_eq(offload_attach(offload, "near", OFFLOAD_NATIVE), 0);
    set(offload, OFFLOAD_ECHO);
    for (int six = 0; six <= 1; six++) {
        set_far_address("ip link set far address 02:00:00:00:77:01");
        const struct connection pair = connect_pair(offload, six);
        const uint64_t *next_hop = &offload_records(offload)[six].next_hop;
        cr_assert_eq(*next_hop, 0);
        expect_exchange(&pair, "x", "x");
        cr_assert_eq(*next_hop, next_hop_by(near, FIRST));
        set_far_address("ip link set far address 02:00:00:00:77:02");
        expect_exchange(&pair, "y", "y");
        cr_assert_eq(*next_hop, next_hop_by(near, SECOND));
    }
    offload_close(offload);
}

/* The kernel notices that a carrier has come or gone a moment later. */
static void expect_link(const struct offload *offload, bool expected, struct offload_link *link)
{
    const uint64_t until_ms = offload_now_ms() + 20000;

    while (offload_link(offload, 0, link) != expected && offload_now_ms() < until_ms)
        wait_a_millisecond();
    cr_assert_eq(offload_link(offload, 0, link), expected);
}

Test(offload_veth, a_link_has_index_mtu_and_ethernet_address)
{
    static const uint8_t ETHERNET[] = {2, 0, 0, 0, 0x55, 0x66};
    struct offload *offload = offload_on_veth_or_skip();
    struct offload_link link;

    ip("ip link set near address 02:00:00:00:55:66 && ip link set near mtu 1400");
    cr_assert_not(offload_link(offload, 0, &link), "it is not attached");
    cr_assert_eq(offload_attach(offload, "near", OFFLOAD_NATIVE), 0);
    expect_link(offload, true, &link);
    cr_assert_eq(link.index, if_nametoindex("near"));
    cr_assert_eq(link.mtu, 1400);
    cr_assert_arr_eq(link.ethernet, ETHERNET, sizeof ETHERNET);
    cr_assert_not(offload_link(offload, 1, &link), "it does not exist");
    ip("ip link set near mtu 1300");
    expect_link(offload, true, &link);
    cr_assert_eq(link.mtu, 1300);
    ip("ip link set near name other");
    expect_link(offload, true, &link);
    cr_assert_eq(link.index, if_nametoindex("other"));
    offload_close(offload);
}

Test(offload_veth, there_is_no_link_in_generic_mode)
{
    struct offload *offload = offload_on_veth_or_skip();
    struct offload_link link;

    cr_assert_eq(offload_attach(offload, "near", OFFLOAD_GENERIC), 0);
    cr_assert(is_attached(offload, 0));
    cr_assert_not(offload_link(offload, 0, &link));
    offload_close(offload);
}

Test(offload_veth, there_is_no_link_while_the_interface_is_down)
{
    struct offload *offload = offload_on_veth_or_skip();
    struct offload_link link;

    cr_assert_eq(offload_attach(offload, "near", OFFLOAD_NATIVE), 0);
    expect_link(offload, true, &link);
    ip("ip link set near down");
    expect_link(offload, false, &link);
    ip("ip link set near up");
    expect_link(offload, true, &link);
    set_far_address("ip link set far down");
    expect_link(offload, false, &link); /* it has no carrier */
    offload_close(offload);
}

Test(offload_veth, there_is_no_link_once_the_interface_is_deleted)
{
    struct offload *offload = offload_on_veth_or_skip();
    struct offload_link link;

    cr_assert_eq(offload_attach(offload, "near", OFFLOAD_NATIVE), 0);
    expect_link(offload, true, &link);
    ip("ip link del near");
    cr_assert_not(offload_link(offload, 0, &link));
    offload_close(offload);
}

static void expect_link_in_another_process(enum offload_mode mode, bool expected)
{
    struct offload *offload = offload_on_veth_or_skip(), *taken;
    struct handover_writer writer = {.size = 0};
    struct offload_link link;

    cr_assert_eq(offload_attach(offload, "near", mode), 0);
    expect_link(offload, expected, &link);
    handover_begin(&writer, 1);
    offload_hand_over(offload, &writer);
    handover_end(&writer);
    struct handover_reader reader = handover_received(&writer);
    cr_assert_eq(offload_take_over(&taken, &reader), 0);
    cr_assert(handover_is_at_end(&reader));
    offload_close(offload);
    cr_assert(is_attached(taken, 0));
    expect_link(taken, expected, &link);
    handover_forget(&reader);
    handover_writer_free(&writer);
    offload_close(taken);
}

Test(offload_veth, a_link_stays_one_in_another_process)
{
    expect_link_in_another_process(OFFLOAD_NATIVE, true);
}

Test(offload_veth, generic_mode_has_no_link_in_another_process)
{
    expect_link_in_another_process(OFFLOAD_GENERIC, false);
}
