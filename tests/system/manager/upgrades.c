/* What a service manager is notified of when the server is upgraded. */

#include "restart.h"
#include "stand_in_manager.h"
#include "upgrade.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

TestSuite(system_manager_upgrades, .fini = harness_end, .timeout = 60);

static struct server server = {.prepare = manager_prepare};

static void start(void)
{
    upgrade_install();
    manager_open(MANAGER_PATH);
    server_start(&server, "[reply]\nmessage = yes\n", "-l", restart_address(), NULL);
    manager_await("READY=1");
}

static void expect_answer(void)
{
    int udp = udp_open("127.0.0.1");
    udp_ask(udp, &server.at[0], "hi", "yes");
}

Test(system_manager_upgrades, the_new_process_is_the_main_one_and_is_ready_then)
{
    start();
    for (int i = 0; i < 2; i++) {
        upgrade(&server);
        const char *main_process = manager_await("MAINPID=");
        harness_equal("the main process", atol(strstr(main_process, "MAINPID=") + 8),
                      server.process.pid);
        manager_await("READY=1");
    }
    server_stop(&server);
    manager_await("STOPPING=1");
}

Test(system_manager_upgrades, the_old_process_waits_until_the_manager_knows_the_new_one)
{
    start();
    manager_fill();
    const char *answer = ctl_ok(&server, "upgrade", "--json", NULL);
    struct pollfd end = {.fd = server.process.pidfd, .events = POLLIN};
    expect(poll(&end, 1, 300) == 0, "expected that it waits for the manager");
    const char *main_process = manager_await("MAINPID=");
    harness_equal("the main process", atol(strstr(main_process, "MAINPID=") + 8),
                  json_integer(answer, "to"));
    upgrade_follow(&server);
    manager_await("READY=1");
    expect_answer();
    server_stop(&server);
}

Test(system_manager_upgrades, signs_of_life_go_on)
{
    manager_set_watchdog_ms(100);
    start();
    manager_await("WATCHDOG=1");
    upgrade(&server);
    manager_await("MAINPID=");
    manager_await("WATCHDOG=1");
    manager_await("WATCHDOG=1");
    server_stop(&server);
}

Test(system_manager_upgrades, of_an_upgrade_that_fails_the_manager_learns_nothing)
{
    start();
    server_configure(&server, "nonsense\n");
    upgrade_expect_failure(&server, "udpsrv.conf:1:1");
    server_configure(&server, "[server]\nuser = nosuchuser\n");
    upgrade_expect_failure(&server, "cannot find server.user");
    process_kill(&server.process, 15);
    while (true) {
        const char *next = manager_await("");
        expect(strstr(next, "MAINPID") == NULL && strstr(next, "not started") == NULL,
               "expected no such notification: %s", next);
        if (strstr(next, "STOPPING=1") != NULL)
            break;
    }
    expect(process_wait(&server.process) == 0, "expected status 0");
}

Test(system_manager_upgrades, sockets_that_the_manager_has_passed_pass_on)
{
    manager_pass_udp(restart_address(), false);
    start();
    expect_answer();
    upgrade(&server);
    expect_answer();
    upgrade(&server);
    expect_answer();
    server_stop(&server);
}
