/* A server with a state file that is stopped or killed and started again. */

#define HARNESS_INTERNAL
#include "restart.h"

#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

void restart_isolate(void)
{
    if (geteuid() == 0)
        netns_enter();
}

const char *restart_address(void)
{
    const char *text = harness_privileged_address();
    return harness_format("%.*s:3000", (int)strcspn(text, ":"), text);
}

static const char *config_text(const struct restart *restart, const char *config)
{
    const char *text = "[server]\n";
    for (size_t i = 0; i < restart->listen_count; i++)
        text = harness_format("%slisten = %s\n", text, restart->listen[i]);
    return harness_format("%s[state]\nfile = %s\ninterval = 1s\n%s", text, restart->state, config);
}

/* Prepares another start in the same directory. */
static void reset(struct restart *restart)
{
    const char *dir = restart->server.dir;
    if (restart->server.control != 0)
        close(restart->server.control);
    restart->server = (struct server){.dir = dir, .prepare = restart->prepare};
}

static void start(struct restart *restart, const char *config)
{
    reset(restart);
    server_start(&restart->server, config_text(restart, config), NULL);
}

void restart_prepare(struct restart *restart, const char *listen)
{
    *restart = (struct restart){.state = harness_path("state"), .listen = {listen}};
    restart->listen_count = 1;
}

void restart_expect_no_start(struct restart *restart, const char *config, const char *text)
{
    reset(restart);
    struct result result = server_try(&restart->server, config_text(restart, config), NULL);
    if (result.status != 1)
        harness_fail("expected the start to fail with status 1, it was %d", result.status);
    if (strstr(result.err, text) == NULL)
        harness_fail("expected '%s' in %s", text, result.err);
}

void restart_begin(struct restart *restart, const char *config, ...)
{
    va_list more;
    *restart = (struct restart){.state = harness_path("state")};
    va_start(more, config);
    for (const char *listen; (listen = va_arg(more, const char *)) != NULL;)
        restart->listen[restart->listen_count++] = listen;
    va_end(more);
    unlink(restart->state);
    start(restart, config);
    for (size_t i = 0; i < restart->server.listeners; i++)
        restart->listen[i] = endpoint_text(&restart->server.at[i]);
}

void restart_again(struct restart *restart, const char *config)
{
    start(restart, config);
}

void restart_stop_and_start(struct restart *restart, const char *config)
{
    server_stop(&restart->server);
    start(restart, config);
}

uint64_t restart_snapshot(const struct restart *restart)
{
    struct stat found;
    if (stat(restart->state, &found) != 0)
        return 0;
    return (uint64_t)found.st_mtim.tv_sec * 1000000000u + (uint64_t)found.st_mtim.tv_nsec;
}

uint64_t restart_await_snapshot(const struct restart *restart, uint64_t snapshot)
{
    int64_t deadline = harness_now_ms() + HARNESS_DEADLINE_MS;
    uint64_t now;
    while ((now = restart_snapshot(restart)) == snapshot || now == 0) {
        if (harness_now_ms() > deadline)
            harness_fail("expected another %s", restart->state);
        harness_wait_ms(1);
    }
    return now;
}

void restart_expect_balance(struct restart *restart)
{
    static const char *const ends[] = {"left",   "moved",          "expired",
                                       "kicked", "streams_closed", "streams_slow"};
    const char *stats = server_ask(&restart->server, "stats");
    int64_t sum = answer_integer(stats, "clients");
    expect_balance("stats", stats);
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        sum += answer_integer(stats, ends[i]);
    if (sum != answer_integer(stats, "joined"))
        harness_fail("expected joined to be %lld: %s", (long long)sum, stats);
}

static int64_t ms_of(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t restart_wall_ms(void)
{
    return ms_of(CLOCK_REALTIME);
}

int64_t restart_boot_ms(void)
{
    return ms_of(CLOCK_BOOTTIME);
}
