/* The warning of a server at its start that its send buffers are too small for datagrams to
 * neighbours that do not answer. */

#include "wmem.h"

#include <string.h>

TestSuite(long_send_buffer_warning, .fini = wmem_end, .timeout = 60);

static const char WARNING[] = "clients that vanish from the network may delay the replies";
static const char SMALL[] = "212992", LARGE[] = "1048576"; /* the default of the kernel; 1 MiB */

static void enter_netns_with_wmem_max(const char *wmem_max)
{
    wmem_set(wmem_max);
    netns_enter();
}

/* The log is written by a thread of its own: its line `ready` follows all warnings of the start. */
static const char *start_and_read_log(struct server *server, const char *listen)
{
    server_start(server, "[admission]\npolicy = open\n", "-l", listen, NULL);
    server_await_log(server, " info ready ");
    return server_log(server);
}

Test(long_send_buffer_warning, is_logged_for_a_server_without_capabilities)
{
    struct server server = {.owner = WMEM_UNPRIVILEGED_UID, .wrapper = wmem_unprivileged_wrapper};
    struct server loopback = {.owner = WMEM_UNPRIVILEGED_UID, .wrapper = wmem_unprivileged_wrapper};
    const char *log;

    enter_netns_with_wmem_max(SMALL);
    log = start_and_read_log(&server, "0.0.0.0:0");
    harness_contains("the log", log, WARNING);
    harness_contains("the log", log, "net.core.wmem_max");
    /* Loopback has no neighbours. */
    log = start_and_read_log(&loopback, "127.0.0.1:0");
    expect(strstr(log, WARNING) == NULL, "expected no warning: %s", log);
    server_stop(&server);
    server_stop(&loopback);
}

Test(long_send_buffer_warning, is_not_logged_where_wmem_max_is_a_mebibyte)
{
    struct server server = {.owner = WMEM_UNPRIVILEGED_UID, .wrapper = wmem_unprivileged_wrapper};
    const char *log;

    enter_netns_with_wmem_max(LARGE);
    log = start_and_read_log(&server, "0.0.0.0:0");
    expect(strstr(log, WARNING) == NULL, "expected no warning: %s", log);
    server_stop(&server);
}

Test(long_send_buffer_warning, is_not_logged_for_root)
{
    struct server server = {0};
    const char *log;

    enter_netns_with_wmem_max(SMALL);
    log = start_and_read_log(&server, "0.0.0.0:0");
    expect(strstr(log, WARNING) == NULL, "expected no warning: %s", log);
    server_stop(&server);
}
