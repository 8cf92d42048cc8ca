/* State files that are not used, or only in part: damaged, of others, too old, of clients whose ttl
 * has passed; and a file that cannot be written. */

#include "restart.h"

#include "state/state_contents.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(system_state_files, .fini = harness_end, .timeout = 60);

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
    harness_contains("the line", line, "ends in .bad");
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

Test(system_state_files, that_are_symbolic_links_are_reported_and_kept_aside)
{
    make_file();
    const char *other = harness_path("other");
    expect(rename(restart.state, other) == 0 && symlink(other, restart.state) == 0,
           "expected to make a link");
    restart_again(&restart, BASE);
    expect_not_used("it is a symbolic link");
    expect(access(other, F_OK) == 0, "expected %s to stay", other);
    server_stop(&restart.server);
}

Test(system_state_files, whose_path_is_a_directory_leave_that_and_are_not_written)
{
    restart = (struct restart){.state = harness_path("state")};
    restart.listen[restart.listen_count++] = restart_address();
    expect(mkdir(restart.state, 0700) == 0, "expected to make a directory");
    restart_again(&restart, BASE);
    const char *line = server_await_log(&restart.server, "cannot restore the clients");
    harness_contains("the line", line,
                     "reason=\"it is not a regular file\" kept=\"Is a directory\"");
    line = server_await_log(&restart.server, "cannot write the state file");
    harness_contains("the line", line, "reason=\"Is a directory\"");
    join();
    server_stop(&restart.server);
    expect(rmdir(restart.state) == 0, "expected the directory to stay");
}

Test(system_state_files, with_unproven_clients_are_not_used_under_cookie)
{
    make_file();
    restart_again(&restart, BASE "[admission]\npolicy = cookie\n");
    const char *line = server_await_log(&restart.server, "cannot restore the clients");
    harness_contains("the line", line,
                     "its clients have not proven their addresses, which admission.policy demands "
                     "now");
    harness_equal("clients", server_stat(&restart.server, "clients"), 0);
    expect(access(aside(), F_OK) == 0, "expected %s", aside());
    server_stop(&restart.server);
}

/* ---- files with times of the past and of the future ---- */

/* Writes a file of clients of the first listener, as of age_ms ago, that have left_ms until they
 * expire. */
static void write_clients(const int *udp, const uint32_t *left_ms, size_t count, int64_t age_ms)
{
    struct state_server server = {
        .wall_ms = (uint64_t)(restart_wall_ms() - age_ms), .last_job = 7, .listener_count = 1};
    struct state_end end = {.clients = count, .counters = {.joined = count, .silent = count}};
    struct state_writer block;
    strcpy(server.listeners[0], restart.listen[0]);
    state_write_preamble(bytes);
    size = STATE_PREAMBLE_BYTES;
    size += state_server_write(&server, bytes + size, sizeof bytes - size);
    state_block_begin(&block, bytes + size, sizeof bytes - size, STATE_BLOCK_CLIENTS);
    state_put64(&block, server.wall_ms);
    for (size_t i = 0; i < count; i++) {
        struct endpoint name = udp_name(udp[i]);
        struct state_client client = {.source = {.family = ADDR_IPV4, .ip = {127, 0, 0, 1}},
                                      .join_number = i,
                                      .left_ms = left_ms[i],
                                      .received = 1};
        client.source.port = endpoint_port(&name);
        expect(state_client_put(&block, &client), "expected room for a client");
    }
    size += state_block_end(&block);
    size += state_end_write(&end, bytes + size, sizeof bytes - size);
    write_state();
}

enum { HOUR_MS = 3600000 };

static void prepare_clients(int *udp, size_t count)
{
    restart = (struct restart){.state = harness_path("state")};
    restart.listen[restart.listen_count++] = restart_address();
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
    harness_contains("the log", server_log(&restart.server),
                     "restored the clients clients=1 expired=2 without_listener=0 without_place=0 "
                     "age_s=100");
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

/* ---- writing ---- */

Test(system_state_files, that_cannot_be_written_are_reported_once_and_the_server_serves_on)
{
    const char *directory = harness_path("made-later");
    restart = (struct restart){.state = harness_format("%s/state", directory)};
    restart.listen[restart.listen_count++] = restart_address();
    restart_again(&restart, BASE);
    const char *line = server_await_log(&restart.server, "cannot write the state file");
    harness_contains("the line", line, "reason=\"No such file or directory\"");
    harness_contains("the line", line, restart.state);
    join();
    server_stop(&restart.server); /* which tries it again */
    harness_equal("warnings", (int64_t)text_count(server_log(&restart.server), " warning "), 1);
    restart_again(&restart, BASE);
    server_await_log(&restart.server, "cannot write the state file");
    expect(mkdir(directory, 0700) == 0, "expected to make a directory");
    server_await_log(&restart.server, "the state file is written again");
    restart_await_snapshot(&restart, 0);
    server_stop(&restart.server);
}

static const char *config_with_interval(const char *interval)
{
    return harness_format("[server]\nlisten = %s\n[state]\nfile = %s\ninterval = %s\n" BASE,
                          restart.listen[0], restart.state, interval);
}

Test(system_state_files, are_written_each_interval_which_a_reload_changes)
{
    restart_begin(&restart, BASE, restart_address(), NULL);
    uint64_t first = restart_await_snapshot(&restart, 0);
    restart_await_snapshot(&restart, first);
    server_stop(&restart.server);
    unlink(restart.state);
    restart.server = (struct server){.dir = restart.server.dir};
    server_start(&restart.server, config_with_interval("1d"), NULL);
    join();
    expect(restart_snapshot(&restart) == 0, "expected no file before the first interval");
    server_configure(&restart.server, config_with_interval("1s"));
    ctl_ok(&restart.server, "reload", NULL);
    restart_await_snapshot(&restart, 0);
    server_kill(&restart.server);
    restart_again(&restart, BASE);
    harness_equal("clients", server_stat(&restart.server, "clients"), 1);
    server_stop(&restart.server);
}

Test(system_state_files, are_not_written_by_a_start_that_fails)
{
    make_file();
    uint64_t snapshot = restart_snapshot(&restart);
    struct server other = {.socket = harness_path("other")};
    int taken = udp_open(restart.listen[0]);
    struct result result = server_try(&other,
                                      harness_format("[server]\nlisten = %s\n[state]\nfile = %s\n",
                                                     restart.listen[0], restart.state),
                                      NULL);
    expect(result.status != 0, "expected the start to fail");
    expect(restart_snapshot(&restart) == snapshot, "expected the file to stay");
    close(taken);
    restart_again(&restart, BASE);
    harness_equal("clients", server_stat(&restart.server, "clients"), 1);
    server_stop(&restart.server);
}
