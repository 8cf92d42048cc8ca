/* Restarts with clients whose addresses have an interface, whose number another boot may have given
 * to another one. */

#include "restart.h"

#include "base/crc32c.h"
#include "state/state_block.h"
#include "state/state_contents.h"
#include "state/state_server.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

TestSuite(system_restart_interfaces, .fini = harness_end, .timeout = 60);

#define BASE "[reply]\nmessage = yes\n[clients]\nttl = 60s\n[admission]\npolicy = open\n"

/* By where they send from and to. */
enum { LINK_LOCAL, TO_LINK_LOCAL, GLOBAL, CLIENTS };
static const struct {
    const char *from, *to;
} clients[CLIENTS] = {
    [LINK_LOCAL] = {"fe80::1%lo", "[fe80::2%lo]:3000"},
    [TO_LINK_LOCAL] = {"fd07::1", "[fe80::2%lo]:3000"},
    [GLOBAL] = {"fd07::1", "[fd07::2]:3000"},
};

static struct restart restart;
static int udp[CLIENTS];

static void begin(void)
{
    if (geteuid() != 0)
        cr_skip_test("only root can add addresses");
    netns_enter();
    netns_shell("for address in fe80::1/64 fe80::2/64 fd07::1/128 fd07::2/128; do "
                "ip address add $address dev lo nodad; done");
    netns_await_ipv6();
    restart_prepare(&restart, "[::]:3000");
    restart_again(&restart, BASE);
    for (int i = 0; i < CLIENTS; i++) {
        struct endpoint to = endpoint_of(clients[i].to);
        udp[i] = udp_open(clients[i].from);
        udp_ask(udp[i], &to, "hi", "yes");
    }
}

/* A message reaches the client from the address that it sent to. */
static void expect_message(int i)
{
    const struct endpoint to = endpoint_of(clients[i].to);
    udp_expect(udp[i], &to, "text");
}

/* Changes the boot id in the state file, as if the host had been started again. */
static void change_boot_id(void)
{
    enum { BLOCK_AT = STATE_PREAMBLE_BYTES, CHECKSUM_AT = 4, BOOT_ID_AT = 16 };
    static uint8_t bytes[1 << 16];
    int file = open(restart.state, O_RDWR | O_CLOEXEC);
    ssize_t size = read(file, bytes, sizeof bytes);
    expect(size > 100, "expected to read %s", restart.state);
    uint8_t *block = bytes + BLOCK_AT, *body = block + STATE_BLOCK_HEAD_BYTES;
    size_t body_size = (size_t)block[1] | (size_t)block[2] << 8 | (size_t)block[3] << 16;
    body[BOOT_ID_AT] ^= 1;
    uint32_t checksum = crc32c_add(crc32c_add(0, block, CHECKSUM_AT), body, body_size);
    for (int i = 0; i < 4; i++)
        block[CHECKSUM_AT + i] = (uint8_t)(checksum >> 8 * i);
    expect(pwrite(file, bytes, (size_t)size, 0) == size && close(file) == 0, "expected to write %s",
           restart.state);
}

Test(system_restart_interfaces, have_the_same_numbers_in_the_same_boot)
{
    begin();
    restart_stop_and_start(&restart, BASE);
    harness_equal("clients", server_stat(&restart.server, "clients"), CLIENTS);
    ctl_ok(&restart.server, "broadcast", "text", NULL);
    for (int i = 0; i < CLIENTS; i++)
        expect_message(i);
    server_stop(&restart.server);
}

Test(system_restart_interfaces, of_another_boot_lose_the_clients_that_need_their_numbers)
{
    begin();
    server_stop(&restart.server);
    change_boot_id();
    restart_again(&restart, BASE);
    harness_contains("the log", server_await_log(&restart.server, "restored the clients"),
                     "clients=1 expired=0 without_listener=2 without_place=0 ");
    ctl_ok(&restart.server, "broadcast", "text", NULL);
    expect_message(GLOBAL);
    udp_expect_nothing(udp[LINK_LOCAL], "a message to a client of another boot's interface");
    udp_expect_nothing(udp[TO_LINK_LOCAL], "a message from another boot's interface");
    restart_expect_balance(&restart);
    server_stop(&restart.server);
}
