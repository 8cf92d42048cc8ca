/* Conversion between struct addr and struct sockaddr. */
#include "net/socket/socket_address.h"

#include "addr_fixture.h"

#include <criterion/criterion.h>

Test(socket_address, is_converted_to_a_sockaddr_and_back)
{
    static const char *const texts[] = {"192.0.2.1:3000", "0.0.0.0:0", "[2001:db8::1]:65535",
                                        "[fe80::1%7]:3000"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct addr addr = address(texts[i]), back;
        union socket_address sockaddr;
        socklen_t size = sockaddr_from_addr(&sockaddr, &addr);
        cr_assert_gt(size, 0);
        cr_assert_eq(addr_from_sockaddr(&back, &sockaddr), size);
        cr_assert(addr_equal(&addr, &back), "%s", texts[i]);
        cr_assert_eq(memcmp(addr.ip, back.ip, sizeof addr.ip), 0);
    }
}

Test(socket_address, of_another_family_is_no_address)
{
    union socket_address sockaddr = {.any = {.sa_family = AF_UNIX}};
    struct addr addr = address("192.0.2.1");
    cr_assert_eq(addr_from_sockaddr(&addr, &sockaddr), 0);
    cr_assert_eq(addr.family, ADDR_NONE);
    cr_assert_eq(sockaddr_from_addr(&sockaddr, &addr), 0);
}
