/* `udpctl bridge` as a process: see bridge_program.h. */
#include "bridge_program.h"

#include <signal.h>
#include <stdarg.h>
#include <string.h>

void bridge_start(struct bridge *bridge, const struct server *server, const struct redis *redis,
                  ...)
{
    const char *argv[HARNESS_ARGUMENTS_MAX] = {"udpctl", "-s",       server->socket,
                                               "bridge", redis->url, "orders"},
               *word;
    va_list words;
    va_start(words, redis);
    for (size_t count = 6; (word = va_arg(words, const char *)) != NULL;)
        argv[count++] = word;
    va_end(words);
    *bridge = (struct bridge){.reported = 0};
    process_start(&bridge->process, NULL, argv);
}

int bridge_connect(struct bridge *bridge, const struct server *server, const struct redis *redis)
{
    bridge_start(bridge, server, redis, "--from", "0", NULL);
    return redis_accept(redis);
}

static const char *rest_of(const struct bridge *bridge)
{
    const char *text = bridge->process.texts[1].data;
    return text != NULL ? text + bridge->reported : "";
}

void bridge_expect(struct bridge *bridge, const char *text)
{
    const char *found, *newline;
    while ((found = strstr(rest_of(bridge), text)) == NULL ||
           (newline = strchr(found, '\n')) == NULL)
        expect(process_pump(&bridge->process, HARNESS_DEADLINE_MS) && bridge->process.pidfd >= 0,
               "expected '%s', got '%s'", text, rest_of(bridge));
    bridge->reported += (size_t)(newline + 1 - rest_of(bridge));
}

void bridge_stop(struct bridge *bridge, const char *counts)
{
    process_kill(&bridge->process, SIGTERM);
    harness_equal("status", process_wait(&bridge->process), 0);
    harness_contains("counts", bridge->process.texts[0].data, counts);
}

void bridge_expect_status(struct bridge *bridge, int status)
{
    int actual = process_wait(&bridge->process);
    expect(actual == status, "expected status %d, got %d: '%s'", status, actual, rest_of(bridge));
}

void bridge_start_server(struct server *server)
{
    server_start(server,
                 harness_format("[server]\nmax-datagram = 65507\n[state]\nfile = %s\n[reply]\n"
                                "mode = none\n[metrics]\nlisten = unix:%s\n",
                                harness_path("state"), harness_path("metrics")),
                 "-l", "127.0.0.1:0", NULL);
}
