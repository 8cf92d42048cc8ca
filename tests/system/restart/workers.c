/* Restarts of several workers: which of them gets a client that is restored. */

#include "../manager/stand_in_manager.h"
#include "restart.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

TestSuite(system_restart_workers, .init = restart_isolate, .fini = harness_end, .timeout = 60);

#define BASE    "[reply]\nmessage = yes\n[clients]\nttl = 60s\n"
#define WORKERS "[server]\nworkers = 4\n"

enum { CLIENTS = 16, NO_FILTER = 99 };

static struct restart restart;
static int clients[CLIENTS];

static void join_all(void)
{
    for (size_t i = 0; i < CLIENTS; i++) {
        if (clients[i] == 0)
            clients[i] = udp_open("127.0.0.1");
        udp_ask(clients[i], &restart.server.at[0], "hi", "yes");
    }
}

/* ---- a kernel that refuses the choice of the worker by the source ---- */

/* The position of the lower half of an argument of a system call. */
static uint32_t low_half_at(size_t argument)
{
    size_t at = offsetof(struct seccomp_data, args) + argument * sizeof(uint64_t);
    return (uint32_t)(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? at : at + 4);
}

/* Simulated by a filter of system calls. */
static void refuse_choice(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_setsockopt, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, low_half_at(2)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SO_ATTACH_REUSEPORT_CBPF, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {.len = sizeof filter / sizeof filter[0], .filter = filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        _exit(NO_FILTER);
}

static void skip_without_filters(void)
{
    static const char *const argv[] = {"true", NULL};
    struct process process;
    process_start(&process, refuse_choice, argv);
    if (process_wait(&process) == NO_FILTER)
        cr_skip_test("this kernel has no filters of system calls");
}

static void expect_warning(void)
{
    const char *line =
        server_await_log(&restart.server, "cannot restore clients with several workers");
    harness_contains("the line", line, restart.state);
    harness_contains("the line", line, "(SO_ATTACH_REUSEPORT_CBPF)");
    harness_contains("the line", line, "error=\"Operation not permitted\"");
    harness_contains("the line", line, "server.workers = 1");
}

Test(system_restart_workers, that_the_kernel_chooses_restore_no_client_and_warn_at_each_start)
{
    skip_without_filters();
    restart_prepare(&restart, restart_address());
    restart.prepare = refuse_choice;
    restart_again(&restart, BASE WORKERS);
    expect_warning(); /* there is no file yet */
    join_all();
    restart_stop_and_start(&restart, BASE WORKERS);
    expect_warning();
    harness_contains("the log", server_await_log(&restart.server, "restored the clients"),
                     "clients=0 expired=0 without_listener=0 without_place=0 without_worker=16 ");
    harness_equal("warnings", (int64_t)text_count(server_log(&restart.server), " warning "), 1);
    harness_equal("clients", server_stat(&restart.server, "clients"), 0);
    restart_expect_balance(&restart);
    join_all();
    harness_equal("clients", server_stat(&restart.server, "clients"), CLIENTS);
    server_stop(&restart.server);
}

Test(system_restart_workers, of_which_there_is_one_need_no_choice)
{
    skip_without_filters();
    restart_prepare(&restart, restart_address());
    restart.prepare = refuse_choice;
    restart_again(&restart, BASE);
    join_all();
    restart_stop_and_start(&restart, BASE);
    harness_equal("clients", server_stat(&restart.server, "clients"), CLIENTS);
    harness_equal("warnings", (int64_t)text_count(server_log(&restart.server), " warning "), 0);
    server_stop(&restart.server);
}

/* ---- sockets that outlive the server ---- */

/* What waits in them was given to workers by another key than the next ones. */
Test(system_restart_workers, with_passed_sockets_have_each_client_once)
{
    enum { PASSED = 3 };
    static const char config[] = BASE "[server]\nworkers = 3\n";
    struct endpoint at = manager_pass_udp(restart_address(), true);
    while (manager_passed(PASSED - 1) < 0)
        manager_pass_udp(endpoint_text(&at), true);
    restart_prepare(&restart, endpoint_text(&at));
    restart.prepare = manager_prepare;
    restart_again(&restart, config);
    join_all();
    for (int round = 0; round < 4; round++) {
        if (round % 2 == 0) {
            restart_await_snapshot(&restart,
                                   restart_await_snapshot(&restart, restart_snapshot(&restart)));
            server_kill(&restart.server);
        } else {
            server_stop(&restart.server);
        }
        for (size_t i = 0; i < CLIENTS; i++)
            udp_send_text(clients[i], &at, "waiting");
        restart_again(&restart, config);
        for (size_t i = 0; i < CLIENTS; i++)
            udp_expect(clients[i], &at, "yes");
        harness_equal("clients", server_stat(&restart.server, "clients"), CLIENTS);
        join_all();
        harness_equal("joined", server_stat(&restart.server, "joined"), CLIENTS);
        ctl_ok(&restart.server, "broadcast", "text", NULL);
        for (size_t i = 0; i < CLIENTS; i++)
            udp_expect(clients[i], &at, "text");
        join_all(); /* and no second copy before the reply */
        restart_expect_balance(&restart);
    }
    server_stop(&restart.server);
}
