/* The cost of an idle server: no wake-ups except for the sweep, and little memory. */

#include "harness.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

TestSuite(system_idle, .fini = harness_end, .timeout = 60);

/* The number after "name:" in a status file of /proc. */
static int64_t status_integer(const char *path, const char *name)
{
    FILE *file = fopen(path, "re");
    char line[256];
    long long value = -1;

    expect(file != NULL, "expected to read %s", path);
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':')
            value = strtoll(line + strlen(name) + 1, NULL, 10);
    }
    fclose(file);
    expect(value >= 0, "expected '%s' in %s", name, path);
    return value;
}

/* The voluntary context switches of all threads of a process: one for each wake-up. */
static int64_t wait_count(pid_t pid)
{
    const char *tasks = harness_format("/proc/%d/task", (int)pid);
    DIR *directory = opendir(tasks);
    int64_t waits = 0;

    expect(directory != NULL, "expected to list %s", tasks);
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        if (entry->d_name[0] != '.')
            waits += status_integer(harness_format("%s/%s/status", tasks, entry->d_name),
                                    "voluntary_ctxt_switches");
    }
    closedir(directory);
    return waits;
}

Test(system_idle, wakes_up_only_for_the_sweep)
{
    enum { SWEEP_MS = 100, ELAPSED_MS = 3000, SLACK = 5 };
    struct server server = {0};
    int udp = udp_open("127.0.0.1");
    int64_t waits, start, elapsed;

    if (harness_sanitized())
        cr_skip_test("sanitizers have threads of their own");
    server_start(&server, "[clients]\nsweep = 100ms\n", "-l", "127.0.0.1:0", NULL);
    udp_ask(udp, &server.at[0], "hi", "audi");
    ctl_ok(&server, "status", NULL);
    start = harness_now_ms();
    waits = wait_count(server.process.pid);
    harness_wait_ms(ELAPSED_MS);
    waits = wait_count(server.process.pid) - waits;
    elapsed = harness_now_ms() - start;
    expect(waits <= elapsed / SWEEP_MS + SLACK && waits >= ELAPSED_MS / SWEEP_MS / 2,
           "expected about %d wake-ups, one every %d ms, there were %lld in %lld ms",
           ELAPSED_MS / SWEEP_MS, SWEEP_MS, (long long)waits, (long long)elapsed);
    server_stop(&server);
}

Test(system_idle, needs_less_than_16_megabytes_for_a_few_clients)
{
    enum { CLIENTS = 50, LIMIT_KB = 16 << 10 };
    struct server server = {0};
    int64_t resident_kb;

    if (harness_sanitized())
        cr_skip_test("sanitizers take memory of their own");
    server_start(&server, NULL, "-l", "127.0.0.1:0", NULL);
    for (int i = 0; i < CLIENTS; i++)
        udp_send_from_new_client(&server.at[0]);
    server_await_stat(&server, "joined", CLIENTS);
    harness_equal("max", json_integer(ctl_ok(&server, "status", "--json", NULL), "max"), 1000000);
    ctl_ok(&server, "broadcast", "news", NULL);
    resident_kb =
        status_integer(harness_format("/proc/%d/status", (int)server.process.pid), "VmHWM");
    expect(resident_kb < LIMIT_KB, "expected less than %d kB of memory, it has taken %lld",
           LIMIT_KB, (long long)resident_kb);
    server_stop(&server);
}
