/* The metrics: the values, the resources, and who may read them. */

#include "harness.h"
#include "http.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(system_metrics, .fini = harness_end, .timeout = 60);

#define METRICS "[metrics]\nlisten = 127.0.0.1:0\n"

Test(system_metrics, have_the_values_of_udpctl_stats)
{
    struct server server = {0};
    server_start(&server, METRICS "[server]\nworkers = 2\n", "-l", "127.0.0.1:0", "-l",
                 "tcp:127.0.0.1:0", NULL);
    const char *address = http_address(&server);
    static const char *const CARS[] = {"audi", "toyota", "bmw"};
    for (int i = 0; i < 20; i++)
        udp_ask(udp_open("127.0.0.1"), &server.at[0], "hi", CARS[i % 3]);
    int stream = stream_open(server.others[0]);
    stream_write_text(stream, "hi\n");
    stream_line(stream);
    ctl_ok(&server, "broadcast", "news", NULL);
    const char *metrics = http_get(address, "/metrics").body;
    const char *stats = ctl_ok(&server, "--json", "stats", NULL);
    harness_equal("replied",
                  metric(metrics, "udpsrv_datagrams_received_total{outcome=\"replied\"}"),
                  json_integer(stats, "replied"));
    harness_equal("replied", json_integer(stats, "replied"), 21);
    harness_equal("clients", metric(metrics, "udpsrv_clients"), 21);
    harness_equal("streams", metric(metrics, "udpsrv_streams"), 1);
    harness_equal("joined", metric(metrics, "udpsrv_clients_joined_total"), 21);
    harness_equal("broadcasts", metric(metrics, "udpsrv_broadcasts_total"), 1);
    harness_equal("copies", metric(metrics, "udpsrv_copies_total{result=\"sent\"}"), 21);
    harness_equal("both workers",
                  metric(metrics, "udpsrv_worker_datagrams_received_total{worker=\"0\"}") +
                      metric(metrics, "udpsrv_worker_datagrams_received_total{worker=\"1\"}"),
                  21);
    harness_equal("the most clients", metric(metrics, "udpsrv_clients_max"), 1000000);
    server_stop(&server);
}

Test(system_metrics, have_the_process_and_the_snapshots)
{
    struct server server = {0};
    server_start(
        &server,
        harness_format(METRICS "[state]\nfile = %s\ninterval = 1s\n", harness_path("state")), "-l",
        "127.0.0.1:0", NULL);
    const char *address = http_address(&server), *metrics;
    do {
        metrics = http_get(address, "/metrics").body;
    } while (metric(metrics, "udpsrv_snapshot_duration_seconds_count") == 0);
    harness_equal("failures", metric(metrics, "udpsrv_snapshots_failed_total"), 0);
    expect(metric(metrics, "udpsrv_snapshot_last_written_timestamp_seconds") >=
               metric(metrics, "udpsrv_start_time_seconds"),
           "expected a time of the last snapshot");
    expect(metric(metrics, "process_resident_memory_bytes") > 1000000, "expected memory");
    expect(metric(metrics, "process_start_time_seconds") > 1700000000, "expected a time");
    server_stop(&server);
}

/* Without snapshots, for which the server opens files at any time. */
Test(system_metrics, have_the_number_of_open_files)
{
    struct server server = {0};
    server_start(&server, METRICS, "-l", "127.0.0.1:0", NULL);
    /* The connection of the request is one of them. */
    int connection = stream_open(http_address(&server));
    http_send(connection, "GET", "/metrics");
    const char *metrics = http_read(connection, true).body;
    harness_equal("files", metric(metrics, "process_open_fds"), server_files(&server));
    server_stop(&server);
}

Test(system_metrics, count_sweeps)
{
    struct server server = {0};
    server_start(&server, METRICS "[clients]\nsweep = 10ms\n", "-l", "127.0.0.1:0", NULL);
    const char *address = http_address(&server), *metrics;
    do {
        metrics = http_get(address, "/metrics").body;
    } while (metric(metrics, "udpsrv_sweep_duration_seconds_count") < 3);
    harness_equal("all buckets",
                  metric(metrics, "udpsrv_sweep_duration_seconds_bucket{le=\"+Inf\"}"),
                  metric(metrics, "udpsrv_sweep_duration_seconds_count"));
    server_stop(&server);
}

Test(system_metrics, have_the_counts_of_the_last_confirmed_broadcast)
{
    struct server server = {0};
    int udp = udp_open("127.0.0.1");
    server_start(&server, METRICS, "-l", "127.0.0.1:0", NULL);
    const char *address = http_address(&server);
    udp_ask(udp, &server.at[0], "hi", "audi");
    ctl_ok(&server, "broadcast", "--confirm", "--within", "1s", "news", NULL);
    const char *metrics = http_get(address, "/metrics").body;
    harness_equal("plain", metric(metrics, "udpsrv_last_confirmed_job_clients{result=\"plain\"}"),
                  1);
    harness_equal("silent", metric(metrics, "udpsrv_last_confirmed_job_clients{result=\"silent\"}"),
                  0);
    server_stop(&server);
}

Test(system_metrics, are_in_the_text_format_of_prometheus)
{
    struct server server = {0};
    server_start(&server, METRICS, "-l", "127.0.0.1:0", NULL);
    struct http_response response = http_get(http_address(&server), "/metrics");
    cr_expect_str_eq(http_field(&response, "Content-Type"),
                     "text/plain; version=0.0.4; charset=utf-8");
    cr_expect_str_eq(http_field(&response, "Cache-Control"), "no-store");
    harness_equal("types", (int64_t)text_count(response.body, "# TYPE "),
                  (int64_t)text_count(response.body, "# HELP "));
    cr_expect_eq(response.body[response.size - 1], '\n');
    server_stop(&server);
}

Test(system_metrics, health_is_200_while_the_server_serves)
{
    struct server server = {0};
    server_start(&server, METRICS, "-l", "127.0.0.1:0", NULL);
    struct http_response response = http_get(http_address(&server), "/healthz");
    harness_equal("the status", response.status, 200);
    cr_expect_str_eq(response.body, "serving\n");
    server_stop(&server);
}

Test(system_metrics, are_off_by_default)
{
    struct server server = {0};
    server_start(&server, "", "-l", "127.0.0.1:0", NULL);
    expect(strstr(server_log(&server), "metrics") == NULL, "expected no metrics");
    server_stop(&server);
}

/* Removes what changes between two queries. */
static const char *without_time(const char *json, const char *name)
{
    const char *found = strstr(json, harness_format("\"%s\":", name));
    expect(found != NULL, "expected %s in %s", name, json);
    const char *end = found + strcspn(found, ",}");
    return harness_format("%.*s%s", (int)(found - json), json, end);
}

/* Removes the newlines. */
static const char *in_one_line(const char *json)
{
    const char *text = "";
    for (; *json != '\0'; json += strcspn(json, "\n") + 1)
        text = harness_format("%s%.*s", text, (int)strcspn(json, "\n"), json);
    return text;
}

Test(system_metrics, the_status_has_what_udpctl_prints_as_json)
{
    struct server server = {0};
    int udp = udp_open("127.0.0.1");
    server_start(&server, METRICS "[server]\nworkers = 2\n", "-l", "127.0.0.1:0", NULL);
    const char *address = http_address(&server);
    udp_ask(udp, &server.at[0], "hi", "audi");
    ctl_ok(&server, "broadcast", "--to", "127.0.0.0/8", "--idle-max", "1m", "news", NULL);
    ctl_ok(&server, "broadcast", "--confirm", "--within", "1s", "more", NULL);
    struct http_response response = http_get(address, "/status.json");
    cr_expect_str_eq(http_field(&response, "Content-Type"), "application/json");
    const char *body = without_time(response.body, "uptime_s");
    const char *const commands[] = {"status", "stats", "jobs"};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        const char *printed = ctl_ok(&server, "--json", commands[i], NULL);
        if (i == 0)
            printed = without_time(printed, "uptime_s");
        harness_contains(commands[i], body,
                         harness_format("\"%s\":%s", commands[i], in_one_line(printed)));
    }
    harness_contains("the listener", body,
                     harness_format("\"listeners\":[{\"address\":\"%s\",\"state\":\"open\"}]",
                                    endpoint_text(&server.at[0])));
    harness_contains("the second worker", body, "{\"worker\":1,");
    server_stop(&server);
}

/* ---- the live page ---- */

Test(system_metrics, the_page_and_its_parts_have_a_strict_policy)
{
    static const struct {
        const char *path, *type;
    } parts[] = {{"/", "text/html; charset=utf-8"},
                 {"/live.css", "text/css; charset=utf-8"},
                 {"/live.js", "text/javascript; charset=utf-8"}};
    struct server server = {0};
    server_start(&server, METRICS, "-l", "127.0.0.1:0", NULL);
    const char *address = http_address(&server);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        struct http_response response = http_get(address, parts[i].path);
        harness_equal(parts[i].path, response.status, 200);
        cr_expect_str_eq(http_field(&response, "Content-Type"), parts[i].type);
        cr_expect_str_eq(http_field(&response, "Content-Security-Policy"),
                         "default-src 'none'; script-src 'self'; style-src 'self'; connect-src "
                         "'self'; img-src data:; base-uri 'none'; form-action 'none'; "
                         "frame-ancestors 'none'");
    }
    server_stop(&server);
}

Test(system_metrics, the_page_loads_nothing_from_elsewhere)
{
    struct server server = {0};
    server_start(&server, METRICS, "-l", "127.0.0.1:0", NULL);
    const char *address = http_address(&server);
    const char *page = http_get(address, "/").body;
    harness_contains("the style sheet", page, "href=\"live.css\"");
    harness_contains("the script", page, "src=\"live.js\"");
    const char *const parts[] = {page, http_get(address, "/live.css").body,
                                 http_get(address, "/live.js").body};
    for (size_t i = 0; i < 3; i++) {
        harness_equal("addresses", (int64_t)text_count(parts[i], "://"),
                      (int64_t)text_count(parts[i], "'http://www.w3.org/2000/svg'"));
        expect(strstr(parts[i], "innerHTML") == NULL, "expected that texts are no markup");
    }
    server_stop(&server);
}

/* ---- addresses ---- */

Test(system_metrics, are_served_at_a_unix_socket_whose_file_ends_with_the_server)
{
    struct server server = {0};
    const char *path = harness_path("metrics");
    struct stat file;
    server_start(&server, harness_format("[metrics]\nlisten = unix:%s\n", path), "-l",
                 "127.0.0.1:0", NULL);
    int connection = stream_open(http_address(&server));
    stream_write_text(connection, "GET /healthz HTTP/1.1\r\nHost: example.org\r\n\r\n");
    harness_equal("the status", http_read(connection, true).status, 200);
    harness_equal("the file", stat(path, &file), 0);
    harness_equal("its mode", file.st_mode & 0777, 0666);
    server_stop(&server);
    expect(stat(path, &file) != 0, "expected that %s is removed", path);
}

Test(system_metrics, a_unix_socket_is_removed_by_a_second_signal)
{
    struct server server = {0};
    const char *path = harness_path("metrics");
    struct stat file;
    server_start(&server, harness_format("[metrics]\nlisten = unix:%s\n", path), "-l",
                 "127.0.0.1:0", NULL);
    server_kill(&server);
    harness_equal("the file", stat(path, &file), 0);
    /* The next server replaces what a killed one has left. */
    server_start(&server, harness_format("[metrics]\nlisten = unix:%s\n", path), "-l",
                 "127.0.0.1:0", NULL);
    server_stop(&server);
}

Test(system_metrics, an_address_that_is_in_use_ends_the_start)
{
    struct server server = {0}, other = {0};
    server_start(&server, METRICS, "-l", "127.0.0.1:0", NULL);
    const char *address = http_address(&server) + strlen("tcp:");
    struct result result = server_try(&other, harness_format("[metrics]\nlisten = %s\n", address),
                                      "-l", "127.0.0.1:0", NULL);
    harness_equal("the status", result.status, 1);
    harness_contains("the error", result.err, "cannot serve metrics");
    harness_contains("the error", result.err, address);
    server_stop(&server);
}

Test(system_metrics, an_exposed_address_without_allow_is_refused)
{
    struct server server = {0};
    struct result result =
        server_try(&server, "[metrics]\nlisten = 0.0.0.0:0\n", "-l", "127.0.0.1:0", NULL);
    harness_equal("the status", result.status, 78);
    harness_contains("the error", result.err, ":2:1: other hosts can reach 0.0.0.0:0");
    harness_contains("the error", result.err, "'allow = 192.0.2.0/24'");
}

/* ---- who may read them ---- */

Test(system_metrics, on_loopback_the_host_must_be_an_address_or_localhost)
{
    struct server server = {0};
    server_start(&server, METRICS, "-l", "127.0.0.1:0", NULL);
    const char *address = http_address(&server);
    const char *const hosts[] = {"localhost",   "127.0.0.1:9300",        "[::1]",
                                 "example.org", "localhost.example.org", ""};
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        int connection = stream_open(address);
        stream_write_text(connection,
                          harness_format("GET /metrics HTTP/1.1\r\nHost: %s\r\n\r\n", hosts[i]));
        harness_equal(hosts[i], http_read(connection, true).status, i < 3 ? 200 : 421);
        close(connection);
    }
    server_stop(&server);
}

Test(system_metrics, only_the_addresses_of_allow_may_read_them)
{
    struct server server = {0};
    server_start(&server, "[metrics]\nlisten = 0.0.0.0:0\nallow = 127.0.0.2, 192.0.2.0/24\n", "-l",
                 "127.0.0.1:0", NULL);
    const char *port = strrchr(http_address(&server), ':');
    struct http_response response = http_raw(harness_format("tcp:127.0.0.1%s", port), "");
    harness_equal("the status", response.status, 403);
    cr_expect_str_eq(response.body, "this address is not in metrics.allow\n");
    server_stop(&server);
}

Test(system_metrics, beyond_loopback_any_host_is_served)
{
    struct server server = {0};
    server_start(&server, "[metrics]\nlisten = 0.0.0.0:0\nallow = 127.0.0.0/8\n", "-l",
                 "127.0.0.1:0", NULL);
    const char *port = strrchr(http_address(&server), ':');
    int connection = stream_open(harness_format("tcp:127.0.0.1%s", port));
    stream_write_text(connection, "GET /healthz HTTP/1.1\r\nHost: example.org\r\n\r\n");
    harness_equal("the status", http_read(connection, true).status, 200);
    server_stop(&server);
}

Test(system_metrics, a_reload_changes_allow_also_for_open_connections)
{
    struct server server = {0};
    server_start(&server, METRICS "allow = 127.0.0.0/8\n", "-l", "127.0.0.1:0", NULL);
    const char *address = http_address(&server);
    int connection = stream_open(address);
    http_send(connection, "GET", "/healthz");
    harness_equal("before", http_read(connection, true).status, 200);
    server_configure(&server, METRICS "allow = 192.0.2.0/24\n");
    ctl_ok(&server, "reload", NULL);
    http_send(connection, "GET", "/healthz");
    harness_equal("after", http_read(connection, true).status, 403);
    harness_equal("a new one", http_raw(address, "").status, 403);
    server_configure(&server, METRICS);
    ctl_ok(&server, "reload", NULL);
    harness_equal("again", http_get(address, "/healthz").status, 200);
    server_stop(&server);
}

Test(system_metrics, a_reload_keeps_the_list_while_other_hosts_reach_the_address)
{
    struct server server = {0};
    server_start(&server, "[metrics]\nlisten = 0.0.0.0:0\nallow = 127.0.0.0/8\n", "-l",
                 "127.0.0.1:0", NULL);
    server_configure(&server, "[metrics]\nlisten = 127.0.0.1:0\n");
    struct result result = ctl(&server, "reload", NULL);
    harness_equal("the status", result.status, 1);
    harness_contains("the error", result.err, "metrics.allow is missing");
    server_stop(&server);
}

Test(system_metrics, a_changed_address_needs_a_restart)
{
    struct server server = {0};
    server_start(&server, METRICS, "-l", "127.0.0.1:0", NULL);
    server_configure(&server, "[metrics]\nlisten = [::1]:0\n");
    harness_contains("the answer", ctl_ok(&server, "reload", NULL), "metrics.listen");
    server_stop(&server);
}
