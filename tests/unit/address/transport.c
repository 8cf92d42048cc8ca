#include "address/transport.h"

#include <criterion/criterion.h>
#include <string.h>

Test(transport, splits_off_what_says_how_to_get_there)
{
    enum transport transport;
    cr_assert_str_eq(transport_split("tcp:[::1]:5", &transport), "[::1]:5");
    cr_assert_eq(transport, TRANSPORT_TCP);
    cr_assert_str_eq(transport_split("unix:/run/chat", &transport), "/run/chat");
    cr_assert_eq(transport, TRANSPORT_UNIX);
    cr_assert_str_eq(transport_split("192.0.2.1:5", &transport), "192.0.2.1:5");
    cr_assert_eq(transport, TRANSPORT_UDP);
    cr_assert_str_eq(transport_split("tcp", &transport), "tcp");
    cr_assert_eq(transport, TRANSPORT_UDP);
    cr_assert_str_eq(transport_split("tcp:", &transport), "");
    cr_assert_eq(transport, TRANSPORT_TCP);
}

Test(transport, a_client_of_any_kind_is_written_as_it_is_read)
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

Test(transport, refuses_what_names_no_client)
{
    static const char *const names[] = {
        "",       "tcp:",    "192.0.2.1", "tcp:192.0.2.1",    "unix:",          "unix:#",
        "unix:7", "unix:#0", "unix:#-1",  "unix:#4294967296", "unix:/run/chat", "udp:1.2.3.4:5"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct client_name name;
        cr_assert_not_null(client_name_parse(&name, NULL, names[i]), "%s", names[i]);
    }
}

Test(transport, a_socket_has_an_absolute_path_that_fits_a_list)
{
    char path[TRANSPORT_PATH_BYTES + 1];
    memset(path, 'x', sizeof path);
    path[0] = '/';
    path[TRANSPORT_PATH_BYTES - 1] = '\0';
    cr_assert_null(transport_check_path(path));
    path[TRANSPORT_PATH_BYTES - 1] = 'x';
    path[TRANSPORT_PATH_BYTES] = '\0';
    cr_assert_not_null(transport_check_path(path));
    cr_assert_not_null(transport_check_path("chat"));
    cr_assert_not_null(transport_check_path(""));
    cr_assert_not_null(transport_check_path("/run/my chat"));
    cr_assert_not_null(transport_check_path("/run/chat\n"));
}

Test(transport, a_list_has_datagrams_first_then_tcp_then_unix_in_their_order)
{
    static const char *const names[] = {"192.0.2.1:4000",  "192.0.2.1:4001",       "[::1]:1",
                                        "tcp:192.0.2.1:1", "tcp:[fe80::1%2]:4000", "unix:#2",
                                        "unix:#10"};
    enum { NAMES = sizeof names / sizeof names[0] };
    struct client_name read[NAMES];
    for (int i = 0; i < NAMES; i++)
        cr_assert_null(client_name_parse(&read[i], NULL, names[i]));
    for (int i = 0; i < NAMES; i++)
        for (int k = 0; k < NAMES; k++) {
            int by = client_name_compare(&read[i], &read[k]);
            cr_assert_eq((by > 0) - (by < 0), (i > k) - (i < k), "%s, %s", names[i], names[k]);
        }
}

Test(transport, a_named_zone_is_handed_out)
{
    struct client_name name;
    char zone[ADDR_ZONE_BYTES];
    cr_assert_null(client_name_parse(&name, zone, "tcp:[fe80::1%eth0]:4000"));
    cr_assert_str_eq(zone, "eth0");
    cr_assert_null(client_name_parse(&name, zone, "unix:#7"));
    cr_assert_str_eq(zone, "");
    cr_assert_not_null(client_name_parse(&name, NULL, "tcp:[fe80::1%eth0]:4000"));
}
