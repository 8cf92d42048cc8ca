/* Whether a server says at its start that the kernel gives it too little room for datagrams to
 * neighbours that don't answer. */

#include "wmem.h"

#include <string.h>

TestSuite(long_send_room, .fini = wmem_end, .timeout = 60);

static const char WARNING[] = "clients that vanish from the network may delay the replies";
static const char SMALL[] = "212992", LARGE[] = "1048576"; /* a kernel's default; 1 MiB */

static void enter_with(const char *wmem_max)
{
    wmem_set(wmem_max);
    netns_enter();
}

static const char *log_of_start(struct server *server, const char *listen)
{
    server_start(server, "[admission]\npolicy = open\n", "-l", listen, NULL);
    return server_log(server);
}

Test(long_send_room, of_too_little_is_told_where_no_capability_helps)
{
    struct server server = {.owner = WMEM_NOBODY, .wrapper = wmem_as_nobody};
    struct server local = {.owner = WMEM_NOBODY, .wrapper = wmem_as_nobody};
    const char *log;

    enter_with(SMALL);
    log = log_of_start(&server, "0.0.0.0:0");
    harness_contains("the log", log, WARNING);
    harness_contains("the log", log, "net.core.wmem_max");
    /* Loopback has no neighbours. */
    log = log_of_start(&local, "127.0.0.1:0");
    expect(strstr(log, WARNING) == NULL, "expected no warning: %s", log);
    server_stop(&server);
    server_stop(&local);
}

Test(long_send_room, is_enough_where_the_host_allows_a_mebibyte)
{
    struct server server = {.owner = WMEM_NOBODY, .wrapper = wmem_as_nobody};
    const char *log;

    enter_with(LARGE);
    log = log_of_start(&server, "0.0.0.0:0");
    expect(strstr(log, WARNING) == NULL, "expected no warning: %s", log);
    server_stop(&server);
}

Test(long_send_room, is_enough_for_root_whatever_the_host_allows)
{
    struct server server = {0};
    const char *log;

    enter_with(SMALL);
    log = log_of_start(&server, "0.0.0.0:0");
    expect(strstr(log, WARNING) == NULL, "expected no warning: %s", log);
    server_stop(&server);
}
