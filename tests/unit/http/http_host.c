/* Tests of http/http_host: the value of the field Host. */
#include "http/http_host.h"

#include <criterion/criterion.h>
#include <string.h>

Test(http_host, names_and_addresses_with_or_without_a_port_are_valid)
{
    const char *const hosts[] = {
        "", "example.org", "example.org:80", "127.0.0.1:9300", "[::1]", "[::1]:9300", "a_b"};
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
        cr_expect(http_host_is_valid(hosts[i], strlen(hosts[i])), "%s", hosts[i]);
}

Test(http_host, what_ends_a_host_in_a_uri_is_not_valid)
{
    const char *const hosts[] = {"a/b",  "a?b", "a#b",  "user@a",  "a b",
                                 "a\tb", "<a>", "a\\b", "\xc3\xa4"};
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
        cr_expect_not(http_host_is_valid(hosts[i], strlen(hosts[i])), "%s", hosts[i]);
    cr_expect_not(http_host_is_valid("a\0b", 3));
}

Test(http_host, addresses_and_localhost_are_local)
{
    const char *const hosts[] = {
        "127.0.0.1", "127.0.0.1:9300", "[::1]",       "[::1]:9300", "192.0.2.1:9300",
        "localhost", "localhost:9300", "LocalHost:1", "localhost.", "localhost.:9300"};
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
        cr_expect(http_host_is_local(hosts[i]), "%s", hosts[i]);
}

Test(http_host, names_are_not_local_even_if_they_resemble_localhost_or_an_address)
{
    const char *const hosts[] = {"",
                                 "example.org",
                                 "example.org:9300",
                                 "localhost.example.org",
                                 "localhost.example.org:9300",
                                 "localhostexample.org",
                                 "localhost:9300x",
                                 "localhost:123456",
                                 "127.0.0.1.example.org",
                                 "127.0.0.1:9300:1",
                                 "[::1].example.org"};
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
        cr_expect_not(http_host_is_local(hosts[i]), "%s", hosts[i]);
}
