/* Tests of the addresses of Redis. */
#include "redis/redis_url.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

TestSuite(redis_url, .timeout = 10);

static void expect_host(const char *text, const char *host, uint16_t port, uint32_t db)
{
    struct redis_url url;
    const char *wrong = redis_url_parse(&url, text);
    cr_assert_null(wrong, "%s: %s", text, wrong);
    cr_expect_str_eq(url.host, host);
    cr_expect_eq(url.port, port);
    cr_expect_eq(url.db, db);
}

Test(redis_url, reads_a_host_a_port_and_a_database)
{
    expect_host("redis://redis.example", "redis.example", 6379, 0);
    expect_host("redis://redis.example/", "redis.example", 6379, 0);
    expect_host("redis://10.0.0.1:6380/15", "10.0.0.1", 6380, 15);
    expect_host("redis://[2001:db8::1]/3", "2001:db8::1", 6379, 3);
    expect_host("redis://[fe80::1%eth0]:1/0", "fe80::1%eth0", 1, 0);
}

Test(redis_url, reads_the_path_of_a_socket)
{
    struct redis_url url;
    cr_assert_null(redis_url_parse(&url, "unix:/run/redis/redis.sock"));
    cr_expect_str_eq(url.path, "/run/redis/redis.sock");
    cr_expect_str_eq(url.host, "");
}

Test(redis_url, refuses_what_is_wrong_with_the_reason)
{
    static const char *const rows[][2] = {
        {"", "it must be redis://"},
        {"localhost:6379", "it must be redis://"},
        {"http://localhost", "it must be redis://"},
        {"redis://", "no host"},
        {"redis://:6379", "no host"},
        {"redis://a:0", "port"},
        {"redis://a:65536", "port"},
        {"redis://a:99999999999999999999", "port"},
        {"redis://a:x", "port"},
        {"redis://a/x", "database"},
        {"redis://a/10000", "database"},
        {"redis://a/1/2", "must be redis://"},
        {"redis://[::1", "not closed"},
        {"redis://[::1]x", "redis://HOST"},
        {"redis://:secret@a", "a password on a command line"},
        {"redis://user:secret@a", "a password on a command line"},
        {"rediss://a", "TLS is not supported"},
        {"unix:run", "begins with a slash"},
        {"unix:", "begins with a slash"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct redis_url url;
        const char *wrong = redis_url_parse(&url, rows[i][0]);
        cr_assert_not_null(wrong, "%s", rows[i][0]);
        cr_expect_not_null(strstr(wrong, rows[i][1]), "%s: %s", rows[i][0], wrong);
    }
}

Test(redis_url, refuses_what_is_too_long)
{
    struct redis_url url;
    char text[400];
    snprintf(text, sizeof text, "redis://%0255d", 1);
    cr_expect_null(redis_url_parse(&url, text));
    snprintf(text, sizeof text, "redis://%0256d", 1);
    cr_expect_not_null(redis_url_parse(&url, text));
    snprintf(text, sizeof text, "unix:/%0106d", 1);
    cr_expect_null(redis_url_parse(&url, text));
    snprintf(text, sizeof text, "unix:/%0107d", 1);
    cr_expect_not_null(redis_url_parse(&url, text));
}
