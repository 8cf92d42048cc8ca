/* Tests of address/transport: prefixes and paths. */
#include "address/transport.h"

#include <criterion/criterion.h>
#include <string.h>

Test(transport, is_split_off_the_text_of_an_address)
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

Test(transport, a_socket_path_is_absolute_short_and_without_blanks)
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
