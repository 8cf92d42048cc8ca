/* The state file while the server is upgraded: one process at a time writes it. */

#include "restart.h"
#include "upgrade.h"

#include <stdio.h>
#include <string.h>

TestSuite(system_upgrade_state_file, .init = restart_isolate, .fini = harness_end, .timeout = 60);

static struct restart restart;

static void start(void)
{
    upgrade_install();
    restart_begin(&restart, "", restart_address(), NULL);
    restart_stop_and_start(&restart, "");
}

Test(system_upgrade_state_file, the_new_process_writes_it)
{
    start();
    upgrade(&restart.server);
    uint64_t snapshot = restart_snapshot(&restart);
    restart_await_snapshot(&restart, snapshot);
    expect(strstr(server_log(&restart.server), "cannot write the state file") == NULL,
           "expected no warning: %s", server_log(&restart.server));
    server_stop(&restart.server);
}

Test(system_upgrade_state_file, it_stays_locked)
{
    struct server other = {.dir = NULL};
    start();
    upgrade(&restart.server);
    upgrade(&restart.server);
    struct result result = server_try(&other, harness_format("[state]\nfile = %s\n", restart.state),
                                      "-l", "127.0.0.1:0", NULL);
    harness_equal("the status", result.status, 1);
    harness_contains("the log", result.err, "another server has it");
    server_stop(&restart.server);
}

Test(system_upgrade_state_file, after_an_upgrade_that_failed_the_old_process_writes_it)
{
    start();
    upgrade_put_script("await PACKAGE; send READY 1; await PACKAGE; exit 1");
    for (int i = 0; i < 3; i++)
        upgrade_expect_refusal(&restart.server, "ended while it took over");
    uint64_t snapshot = restart_snapshot(&restart);
    restart_await_snapshot(&restart, snapshot);
    server_stop(&restart.server);
}

Test(system_upgrade_state_file, a_new_process_with_another_file_locks_that_one)
{
    struct server other = {.dir = NULL};
    const char *path = harness_path("another");
    start();
    const char *address = restart.listen[0];
    server_configure(&restart.server,
                     harness_format("[server]\nlisten = %s\n[state]\nfile = %s\ninterval = 1s\n",
                                    address, path));
    upgrade(&restart.server);
    struct result result =
        server_try(&other, harness_format("[state]\nfile = %s\n", path), "-l", "127.0.0.1:0", NULL);
    harness_contains("the log", result.err, "another server has it");
    result = server_try(&other, harness_format("[state]\nfile = %s\n", restart.state), "-l",
                        "127.0.0.1:0", "-t", NULL);
    harness_equal("the status of the check", result.status, 0);
    server_stop(&restart.server);
}
