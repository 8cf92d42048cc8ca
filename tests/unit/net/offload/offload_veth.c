#include "net/offload/bpf_call.h"
#include "netns_fixture.h"
#include "offload_fixture.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
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

static int near_namespace, far_namespace;

TestSuite(offload_veth, .timeout = 60);

static int namespace_of_process(void)
{
    int descriptor = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

    cr_assert_geq(descriptor, 0);
    return descriptor;
}

static void enter(int network_namespace)
{
    cr_assert_eq(setns(network_namespace, CLONE_NEWNET), 0, "%s", strerror(errno));
}

/* A veth end drops the frames that its peer returns (XDP_TX) unless it has a program, too. */
static void pass_all_on_far(void)
{
    static const struct bpf_insn PASS[] = {
        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = XDP_PASS},
        {.code = BPF_JMP | BPF_EXIT},
    };
    int program = bpf_program_load(PASS, 2, "pass", NULL, 0);

    cr_assert_geq(program, 0);
    cr_assert_geq(bpf_link_create(program, if_nametoindex("far"), XDP_FLAGS_DRV_MODE), 0);
}

/* Ends in the namespace of near. */
static struct offload *veth_or_skip(void)
{
    char command[400];

    enter_netns();
    struct offload *offload = offload_or_skip(16, 2);
    near_namespace = namespace_of_process();
    enter_netns();
    far_namespace = namespace_of_process();
    snprintf(command, sizeof command,
             "ip link add far type veth peer name near && "
             "ip link set near netns /proc/%d/fd/%d && "
             "ip addr add 10.99.0.2/24 dev far && ip addr add fd99::2/64 dev far nodad && "
             "ip link set far up",
             (int)getpid(), near_namespace);
    ip(command);
    pass_all_on_far();
    enter(near_namespace);
    ip("ip addr add 10.99.0.1/24 dev near && ip addr add fd99::1/64 dev near nodad && "
       "ip link set near up");
    return offload;
}

static struct sockaddr_storage name_of(const char *text, uint16_t port)
{
    struct sockaddr_storage name = {.ss_family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET};
    struct sockaddr_in *four = (struct sockaddr_in *)&name;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)&name;
    void *at = name.ss_family == AF_INET ? (void *)&four->sin_addr : (void *)&six->sin6_addr;

    cr_assert_eq(inet_pton(name.ss_family, text, at), 1);
    four->sin_port = htons(port); /* at the same place in both */
    return name;
}

static int bound(const char *text, uint16_t port)
{
    const struct sockaddr_storage name = name_of(text, port);
    int descriptor = socket(name.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    cr_assert_geq(descriptor, 0);
    cr_assert_eq(bind(descriptor, (const struct sockaddr *)&name, sizeof name), 0, "%s: %s", text,
                 strerror(errno));
    return descriptor;
}

/* A client in the namespace of far, which the program may answer for, and the server's socket. */
struct connection {
    int client, server;
};

static struct connection connect_pair(struct offload *offload, bool six)
{
    const struct sockaddr_storage name = name_of(six ? "fd99::1" : "10.99.0.1", 3000);
    struct connection pair = {.server = bound(six ? "fd99::1" : "10.99.0.1", 3000)};
    struct addr source = {.family = six ? ADDR_IPV6 : ADDR_IPV4, .port = 4000};
    struct addr local = {.family = source.family, .port = 3000};

    enter(far_namespace);
    pair.client = bound(six ? "fd99::2" : "10.99.0.2", 4000);
    cr_assert_eq(connect(pair.client, (const struct sockaddr *)&name, sizeof name), 0);
    enter(near_namespace);
    inet_pton(name.ss_family, six ? "fd99::2" : "10.99.0.2", source.ip);
    inet_pton(name.ss_family, six ? "fd99::1" : "10.99.0.1", local.ip);
    offload_records(offload)[six] = (struct offload_record){offload_seen(1, 9), 0, 1};
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

static void set(struct offload *offload, enum offload_reply reply)
{
    offload_workers(offload)[0] =
        (struct offload_worker){offload_settings(1, reply, 0, 400), UINT64_C(1) << 40};
}

/* The kernel accepts a reply only if its lengths and checksums are right. */
static void replies_arrive(enum offload_mode mode)
{
    struct offload *offload = veth_or_skip();
    static const uint8_t MESSAGE[] = "toyota";

    cr_assert_eq(offload_set_message(offload, 0, 0, MESSAGE, 6), 0);
    offload_rotations(offload)[0] = (struct offload_rotation){.count = 1, .max_bytes = 6};
    cr_assert_eq(offload_attach(offload, "near", mode), 0);
    cr_assert(offload_is_attached(offload, 0));
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
    struct offload *offload = veth_or_skip();
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

Test(offload_veth, is_not_attached_any_more_once_the_interface_is_deleted)
{
    struct offload *offload = veth_or_skip();

    cr_assert_eq(offload_attach(offload, "near", OFFLOAD_NATIVE), 0);
    cr_assert(offload_is_attached(offload, 0));
    ip("ip link set near down && ip link set near up");
    cr_assert(offload_is_attached(offload, 0));
    ip("ip link del near");
    cr_assert_not(offload_is_attached(offload, 0));
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

Test(offload_veth, is_detached_when_its_process_is_killed)
{
    struct offload *offload = veth_or_skip();
    pid_t child = attach_in_child(offload);
    const int second = offload_attach(offload, "near", OFFLOAD_NATIVE);

    cr_assert(second == -EBUSY || second == -EEXIST, "%s", strerror(-second));
    cr_assert_eq(kill(child, SIGKILL), 0);
    cr_assert_eq(waitpid(child, NULL, 0), child);
    /* The kernel may detach it a moment after the process has ended. */
    const uint64_t until_ms = offload_now_ms() + 20000;
    int again = -EBUSY;
    while (again != 0 && offload_now_ms() < until_ms) {
        const struct timespec millisecond = {.tv_nsec = 1000000};
        again = offload_attach(offload, "near", OFFLOAD_NATIVE);
        if (again != 0)
            nanosleep(&millisecond, NULL);
    }
    cr_assert_eq(again, 0, "%s", strerror(-again));
    offload_close(offload);
}
