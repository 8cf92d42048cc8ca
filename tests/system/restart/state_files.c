/* State files that are not used, or only in part: damaged, of others, too old, of clients whose ttl
 * has passed, or with clients twice. */

#include "hellos.h"
#include "restart.h"

#include "state/state_contents.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

TestSuite(system_state_files, .init = restart_isolate, .fini = harness_end, .timeout = 60);

#define BASE "[reply]\nmessage = yes\n[clients]\nttl = 60s\n"

static struct restart restart;
static uint8_t bytes[1 << 16];
static size_t size;

static int join(void)
{
    int udp = udp_open("127.0.0.1");
    udp_ask(udp, &restart.server.at[0], "hi", "yes");
    return udp;
}

static void read_state(const char *path)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = read(file, bytes, sizeof bytes);
    expect(file >= 0 && got >= 0, "expected to read %s", path);
    close(file);
    size = (size_t)got;
}

static void write_state(void)
{
    FILE *file;
    unlink(restart.state);
    file = fopen(restart.state, "we");
    expect(file != NULL && fwrite(bytes, 1, size, file) == size && fclose(file) == 0 &&
               chmod(restart.state, 0600) == 0,
           "expected to write %s", restart.state);
}

static const char *aside(void)
{
    return harness_format("%s.bad", restart.state);
}

/* Expects that the server that has just started did not use the file: one line with the reason, the
 * file kept aside, no clients, no counts; and that it serves, and writes a file that is used. */
static void expect_not_used(const char *reason)
{
    struct stat found;
    const char *line = server_await_log(&restart.server, "cannot restore the clients");
    harness_contains("the line", line, harness_format("reason=\"%s\"", reason));
    harness_contains("the line", line, restart.state);
    harness_contains("the line", line, "advice=");
    harness_equal("lines", (int64_t)text_count(server_log(&restart.server), " warning "), 1);
    expect(lstat(aside(), &found) == 0, "expected %s", aside());
    harness_equal("clients", server_stat(&restart.server, "clients"), 0);
    harness_equal("received", server_stat(&restart.server, "received"), 0);
    harness_equal("joined", server_stat(&restart.server, "joined"), 0);
    join();
    restart_stop_and_start(&restart, BASE);
    harness_equal("clients", server_stat(&restart.server, "clients"), 1);
}

/* Starts a server that has a client, and stops it. */
static void make_file(void)
{
    restart_begin(&restart, BASE, restart_address(), NULL);
    join();
    server_stop(&restart.server);
    read_state(restart.state);
}

/* Expects that the changed bytes are refused, and kept aside as they are. */
static void expect_bytes_refused(const char *reason)
{
    static uint8_t written[sizeof bytes];
    size_t written_size = size;
    memcpy(written, bytes, size);
    write_state();
    restart_again(&restart, BASE);
    read_state(aside());
    expect(size == written_size && memcmp(bytes, written, size) == 0,
           "expected the bytes of the file in %s", aside());
    expect_not_used(reason);
    server_stop(&restart.server);
    read_state(restart.state);
}

Test(system_state_files, that_are_damaged_or_of_others_are_reported_and_kept_aside)
{
    enum { VERSION_AT = 12 };
    make_file();
    size /= 2;
    expect_bytes_refused("it ends too early");
    size = 0;
    expect_bytes_refused("it ends too early");
    bytes[size / 2] ^= 0x10;
    expect_bytes_refused("a block of it is damaged: its checksum is wrong");
    memset(bytes + size - 20, 0, 20);
    expect_bytes_refused("a block of it is damaged: its checksum is wrong");
    memcpy(bytes, "[server]\nlisten = 127.0.0.1\n", 28);
    expect_bytes_refused("it is no state file of udpsrv");
    bytes[VERSION_AT] = STATE_VERSION + 1;
    expect_bytes_refused("it is of another version of udpsrv");
    bytes[size++] = 0;
    expect_bytes_refused("something follows its last block");
}

Test(system_state_files, that_others_can_write_are_reported_and_kept_aside)
{
    make_file();
    expect(chmod(restart.state, 0660) == 0, "expected to change the mode");
    restart_again(&restart, BASE);
    expect_not_used("its group or others can write it");
    server_stop(&restart.server);
}

Test(system_state_files, of_another_user_are_reported_and_kept_aside)
{
    make_file();
    if (chmod(restart.state, 0644) != 0 || chown(restart.state, 12345, (gid_t)-1) != 0)
        cr_skip_test("only root can give a file away");
    restart_again(&restart, BASE);
    expect_not_used("it belongs to another user, who can change it");
    server_stop(&restart.server);
}

/* ---- what cannot be a state file ---- */

static void expect_no_lock(void)
{
    const char *lock = harness_format("%s.lock", restart.state);
    expect(access(lock, F_OK) != 0, "expected no %s", lock);
}

/* Expects that the server does not start, and that nothing was done to what is at the path. */
static void expect_foreign(const char *why)
{
    struct stat before, after;
    expect(lstat(restart.state, &before) == 0, "expected to find %s", restart.state);
    restart_expect_no_start(
        &restart, BASE,
        harness_format("cannot use the state file file=%s reason=\"%s\"", restart.state, why));
    expect(lstat(restart.state, &after) == 0 && before.st_ino == after.st_ino &&
               before.st_mode == after.st_mode && before.st_mtim.tv_sec == after.st_mtim.tv_sec &&
               before.st_mtim.tv_nsec == after.st_mtim.tv_nsec,
           "expected it to stay as it was");
    expect(access(aside(), F_OK) != 0, "expected no %s", aside());
}

Test(system_state_files, that_are_symbolic_links_prevent_the_start)
{
    make_file();
    const char *other = harness_path("other");
    expect(rename(restart.state, other) == 0 && symlink(other, restart.state) == 0,
           "expected to make a link");
    uint64_t snapshot = restart_snapshot(&restart);
    expect_foreign("it is a symbolic link");
    expect(restart_snapshot(&restart) == snapshot, "expected %s to stay", other);
    expect(unlink(restart.state) == 0 && rename(other, restart.state) == 0, "expected to undo it");
    restart_again(&restart, BASE);
    harness_equal("clients", server_stat(&restart.server, "clients"), 1);
    server_stop(&restart.server);
}

Test(system_state_files, that_are_no_regular_files_prevent_the_start)
{
    static const char why[] = "it is not a regular file";
    restart_prepare(&restart, restart_address());
    expect(mkdir(restart.state, 0700) == 0, "expected to make a directory");
    expect_foreign(why);
    expect_no_lock();
    expect(rmdir(restart.state) == 0 && mkfifo(restart.state, 0600) == 0, "expected a FIFO");
    expect_foreign(why); /* at once: nobody writes to it */
    expect(unlink(restart.state) == 0, "expected to remove it");
    if (mknod(restart.state, S_IFCHR | 0600, makedev(1, 3)) == 0) { /* /dev/null, only by root */
        expect_foreign(why);
        unlink(restart.state);
    }
    expect_no_lock();
    restart_again(&restart, BASE);
    server_stop(&restart.server);
}

Test(system_state_files, that_are_devices_of_the_host_get_no_lock_beside_them)
{
    restart_prepare(&restart, restart_address());
    restart.state = "/dev/null";
    expect_foreign("it is not a regular file");
    expect_no_lock();
}

Test(system_state_files, with_unproven_clients_lose_these_under_cookie_and_keep_the_counts)
{
    make_file();
    restart_again(&restart, BASE "[admission]\npolicy = cookie\n");
    const char *line = server_await_log(&restart.server, "cannot restore the clients");
    harness_contains("the line", line,
                     "they have not proven their addresses, which admission.policy demands now");
    harness_equal("clients", server_stat(&restart.server, "clients"), 0);
    harness_equal("joined", server_stat(&restart.server, "joined"), 1);
    harness_equal("expired", server_stat(&restart.server, "expired"), 1);
    restart_expect_balance(&restart);
    expect(access(aside(), F_OK) != 0, "expected no %s", aside());
    server_stop(&restart.server);
}

/* ---- files with times of the past and of the future ---- */

/* The times of a file, as of now. */
static struct state_time times_now(void)
{
    return (struct state_time){(uint64_t)restart_wall_ms(), (uint64_t)restart_boot_ms()};
}

/* The boot id of this host, as in a file. */
static void read_boot_id(uint8_t id[STATE_BOOT_ID_BYTES])
{
    char text[64] = "";
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
    size_t digits = 0;
    expect(file != NULL && fgets(text, sizeof text, file) != NULL, "expected a boot id");
    fclose(file);
    for (const char *at = text; *at != '\0' && digits < 2 * STATE_BOOT_ID_BYTES; at++)
        if (isxdigit((unsigned char)*at)) {
            int digit = isdigit((unsigned char)*at) ? *at - '0' : *at - 'a' + 10;
            id[digits / 2] = (uint8_t)(id[digits / 2] << 4 | digit);
            digits++;
        }
    expect(digits == 2 * STATE_BOOT_ID_BYTES, "expected 32 digits in %s", text);
}

/* A client that sends from a socket. */
static struct state_client client_of(int udp, uint64_t join_number, uint32_t left_ms)
{
    struct endpoint name = udp_name(udp);
    struct state_client client = {.source = {.family = ADDR_IPV4, .ip = {127, 0, 0, 1}},
                                  .join_number = join_number,
                                  .left_ms = left_ms,
                                  .received = 1};
    client.source.port = endpoint_port(&name);
    return client;
}

static struct state_client named(struct state_client client, const char *name)
{
    expect(device_name_set(&client.name, name, strlen(name)) == NULL, "expected a name");
    return client;
}

static void begin_file(struct state_server *server)
{
    server->listener_count = 1;
    strcpy(server->listeners[0], restart.listen[0]);
    state_contents_write_preamble(bytes);
    size = STATE_PREAMBLE_BYTES;
    size += state_server_write(server, bytes + size, sizeof bytes - size);
}

static void add_clients(const struct state_time *copied, const struct state_client *clients,
                        size_t count)
{
    struct state_writer block;
    state_block_begin(&block, bytes + size, sizeof bytes - size, STATE_BLOCK_CLIENTS);
    state_time_put(&block, copied);
    for (size_t i = 0; i < count; i++)
        expect(state_client_put(&block, &clients[i]), "expected room for a client");
    size += state_block_end(&block);
}

static void end_file(size_t clients)
{
    struct state_end end = {.clients = clients, .last_job = 7};
    end.counters.joined = end.counters.silent = clients;
    size += state_end_write(&end, bytes + size, sizeof bytes - size);
    write_state();
}

/* Writes a file of clients of the first listener, as of that time, that have left_ms until they
 * expire. server has the boot id, or 0: another boot. */
static void write_file_of(struct state_server server, const int *udp, const uint32_t *left_ms,
                          size_t count)
{
    begin_file(&server);
    for (size_t i = 0; i < count; i++) {
        struct state_client client = client_of(udp[i], i, left_ms[i]);
        add_clients(&server.begun, &client, 1);
    }
    end_file(count);
}

/* Writes one of another boot, as of age_ms ago by the wall clock. */
static void write_clients(const int *udp, const uint32_t *left_ms, size_t count, int64_t age_ms)
{
    struct state_server server = {.begun = times_now()};
    server.begun.wall_ms -= (uint64_t)age_ms;
    write_file_of(server, udp, left_ms, count);
}

enum { HOUR_MS = 3600000 };

static void prepare_clients(int *udp, size_t count)
{
    restart_prepare(&restart, restart_address());
    for (size_t i = 0; i < count; i++)
        udp[i] = udp_open("127.0.0.1");
}

Test(system_state_files, that_are_older_than_max_age_are_not_used)
{
    static const uint32_t left_ms[] = {UINT32_MAX};
    int udp[1];
    prepare_clients(udp, 1);
    write_clients(udp, left_ms, 1, HOUR_MS + 1000);
    restart_again(&restart, BASE);
    expect_not_used("it is older than state.max-age");
    server_stop(&restart.server);
    write_clients(udp, left_ms, 1, HOUR_MS + 1000);
    restart_again(&restart, BASE "[state]\nmax-age = 2h\n");
    harness_equal("clients", server_stat(&restart.server, "clients"), 1);
    server_stop(&restart.server);
    write_clients(udp, left_ms, 1, HOUR_MS - 15000);
    restart_again(&restart, BASE);
    harness_equal("clients", server_stat(&restart.server, "clients"), 1);
    server_stop(&restart.server);
}

Test(system_state_files, have_clients_that_expired_while_the_server_was_down)
{
    static const uint32_t left_ms[] = {1000, 99000, 160000};
    int udp[3];
    prepare_clients(udp, 3);
    write_clients(udp, left_ms, 3, 100000);
    restart_again(&restart, BASE);
    harness_equal("clients", server_stat(&restart.server, "clients"), 1);
    harness_equal("expired", server_stat(&restart.server, "expired"), 2);
    const char *line = server_await_log(&restart.server, "restored the clients");
    harness_contains("the line", line, "clients=1 expired=2 without_listener=0 without_place=0 ");
    int64_t age_s = text_integer(line, "age_s");
    expect(age_s >= 100 && age_s < 150, "expected an age of 100 s, it is %lld", (long long)age_s);
    ctl_ok(&restart.server, "broadcast", "text", NULL);
    udp_expect(udp[2], &restart.server.at[0], "text");
    udp_expect_nothing(udp[0], "a message to an expired client");
    udp_expect_nothing(udp[1], "a message to an expired client");
    restart_expect_balance(&restart);
    server_stop(&restart.server);
}

Test(system_state_files, whose_client_has_little_time_left_lose_it_then)
{
    static const uint32_t left_ms[] = {2000, 160000};
    int udp[2];
    prepare_clients(udp, 2);
    int64_t started = restart_wall_ms();
    write_clients(udp, left_ms, 2, 1000);
    restart_again(&restart, BASE "sweep = 10ms\n");
    server_await_stat(&restart.server, "expired", 1);
    int64_t elapsed = restart_wall_ms() - started;
    expect(elapsed >= 1000 - 1,
           "expected it to live for the rest of its ttl, it expired after %lld",
           (long long)elapsed);
    harness_equal("clients", server_stat(&restart.server, "clients"), 1);
    server_stop(&restart.server);
}

/* The clock was set back: no time has passed. */
Test(system_state_files, of_the_future_have_clients_that_keep_their_rest)
{
    static const uint32_t left_ms[] = {30000};
    int udp[1];
    prepare_clients(udp, 1);
    write_clients(udp, left_ms, 1, -24 * (int64_t)HOUR_MS);
    restart_again(&restart, BASE);
    harness_equal("clients", server_stat(&restart.server, "clients"), 1);
    udp_ask(udp[0], &restart.server.at[0], "hi", "yes");
    const char *job = ctl_ok(&restart.server, "--json", "broadcast", "text", NULL);
    harness_equal("the id", json_integer(job, "id"), 8);
    server_stop(&restart.server);
}

/* ---- files of this boot ---- */

/* Writes a file of this boot, as of BOOT_AGE_MS ago by CLOCK_BOOTTIME, and of wall_age_ms ago by
 * the wall clock. */
enum { BOOT_AGE_MS = 5000 };

static void write_clients_of_this_boot(const int *udp, const uint32_t *left_ms, size_t count,
                                       int64_t wall_age_ms)
{
    struct state_server server = {.begun = times_now()};
    if (server.begun.boot_ms < BOOT_AGE_MS)
        cr_skip_test("the host was started just now");
    server.begun.wall_ms -= (uint64_t)wall_age_ms;
    server.begun.boot_ms -= BOOT_AGE_MS;
    read_boot_id(server.boot_id);
    write_file_of(server, udp, left_ms, count);
}

Test(system_state_files, of_this_boot_are_used_whatever_the_wall_clock_says)
{
    static const uint32_t left_ms[] = {BOOT_AGE_MS - 1000, BOOT_AGE_MS + 60000};
    static const int64_t wall_age_ms[] = {-24 * (int64_t)HOUR_MS, 0, 100000, 24 * (int64_t)HOUR_MS};
    int udp[2];
    prepare_clients(udp, 2);
    for (size_t i = 0; i < sizeof wall_age_ms / sizeof wall_age_ms[0]; i++) {
        write_clients_of_this_boot(udp, left_ms, 2, wall_age_ms[i]);
        restart_again(&restart, BASE);
        harness_equal("clients", server_stat(&restart.server, "clients"), 1);
        harness_equal("expired", server_stat(&restart.server, "expired"), 1);
        udp_ask(udp[1], &restart.server.at[0], "hi", "yes");
        harness_equal("joined", server_stat(&restart.server, "joined"), 2);
        server_stop(&restart.server);
    }
}

Test(system_state_files, of_this_boot_have_their_age_by_its_clock)
{
    static const uint32_t left_ms[] = {60000};
    int udp[1];
    prepare_clients(udp, 1);
    write_clients_of_this_boot(udp, left_ms, 1, 0);
    restart_again(&restart, BASE "[state]\nmax-age = 2s\n");
    expect_not_used("it is older than state.max-age");
    server_stop(&restart.server);
}

/* ---- clients and names that come twice ---- */

Test(system_state_files, with_a_client_or_name_twice_have_what_the_later_record_says)
{
    enum { LEFT_MS = 60000, CLIENTS = 4 };
    int udp[CLIENTS];
    prepare_clients(udp, CLIENTS);
    struct state_server server = {.begun = times_now(), .names = NAMES_TRUSTED};
    struct state_client again = client_of(udp[0], 10, LEFT_MS);
    again.received = 9;
    const struct state_client first[] = {named(client_of(udp[0], 1, LEFT_MS), "lamp"),
                                         named(client_of(udp[1], 2, LEFT_MS), "gate"),
                                         named(client_of(udp[2], 3, LEFT_MS), "door")};
    const struct state_client later[] = {again, named(client_of(udp[3], 11, LEFT_MS), "gate"),
                                         named(client_of(udp[2], 3, LEFT_MS), "window")};
    begin_file(&server);
    add_clients(&server.begun, first, 3);
    add_clients(&server.begun, later, 3);
    end_file(6);
    restart_again(&restart, BASE "names = trusted\nnames-max = 3\n");
    harness_equal("clients", server_stat(&restart.server, "clients"), 3);
    restart_expect_balance(&restart);
    static const char *const names[CLIENTS] = {"", NULL, "window", "gate"};
    for (int i = 0; i < CLIENTS; i++) {
        const struct endpoint at = udp_name(udp[i]);
        struct result result = ctl(&restart.server, "--json", "client", endpoint_text(&at), NULL);
        harness_equal("the status", result.status, names[i] == NULL);
        if (names[i] != NULL)
            cr_assert_str_eq(json_text(result.out, "name"), names[i]);
        if (i == 0)
            harness_equal("received", json_integer(result.out, "received"), 9);
    }
    harness_equal("lamp", ctl(&restart.server, "client", "@lamp", NULL).status, 1);
    harness_equal("door", ctl(&restart.server, "client", "@door", NULL).status, 1);
    udp_ask(udp[1], &restart.server.at[0], "hi", "yes");
    hello_ask(udp[1], &restart.server.at[0], "the third"); /* the place of "lamp" is free */
    ctl_ok(&restart.server, "send", "@gate", "text", NULL);
    udp_expect(udp[3], &restart.server.at[0], "text");
    server_stop(&restart.server);
}
