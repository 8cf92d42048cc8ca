/* Tests of address/client_name: names parsed, formatted, compared. */
#include "address/client_name.h"

#include <criterion/criterion.h>

Test(client_name, of_each_transport_is_formatted_as_it_was_parsed)
{
    static const char *const names[] = {
        "192.0.2.1:4000", "[2001:db8::1]:4000", "tcp:192.0.2.1:4000", "tcp:[fe80::1%2]:4000",
        "unix:#1",        "unix:#4294967295"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct client_name name;
        char text[TRANSPORT_TEXT_BYTES];
        cr_assert_null(client_name_parse(&name, NULL, names[i]), "%s", names[i]);
        cr_assert_str_eq(client_name_format(&name, text), names[i]);
    }
}

Test(client_name, of_no_client_is_refused)
{
    static const char *const names[] = {
        "",       "tcp:",    "192.0.2.1", "tcp:192.0.2.1",    "unix:",          "unix:#",
        "unix:7", "unix:#0", "unix:#-1",  "unix:#4294967296", "unix:/run/chat", "udp:1.2.3.4:5"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct client_name name;
        cr_assert_not_null(client_name_parse(&name, NULL, names[i]), "%s", names[i]);
    }
}

Test(client_name, is_ordered_by_transport_then_by_address_or_number)
{
    static const char *const names[] = {"192.0.2.1:4000",  "192.0.2.1:4001",       "[::1]:1",
                                        "tcp:192.0.2.1:1", "tcp:[fe80::1%2]:4000", "unix:#2",
                                        "unix:#10"};
    enum { NAMES = sizeof names / sizeof names[0] };
    struct client_name parsed[NAMES];
    for (int i = 0; i < NAMES; i++)
        cr_assert_null(client_name_parse(&parsed[i], NULL, names[i]));
    for (int i = 0; i < NAMES; i++)
        for (int k = 0; k < NAMES; k++) {
            int by = client_name_compare(&parsed[i], &parsed[k]);
            cr_assert_eq((by > 0) - (by < 0), (i > k) - (i < k), "%s, %s", names[i], names[k]);
        }
}

Test(client_name, has_a_zone_that_the_caller_resolves)
{
    struct client_name name;
    char zone[ADDR_ZONE_BYTES];
    cr_assert_null(client_name_parse(&name, zone, "tcp:[fe80::1%eth0]:4000"));
    cr_assert_str_eq(zone, "eth0");
    cr_assert_null(client_name_parse(&name, zone, "unix:#7"));
    cr_assert_str_eq(zone, "");
    cr_assert_not_null(client_name_parse(&name, NULL, "tcp:[fe80::1%eth0]:4000"));
}
