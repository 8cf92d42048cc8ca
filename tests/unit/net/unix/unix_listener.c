/* Listening Unix sockets: mode and owner of the file, stale files, the lock, attacks by links. */
#include "net/unix/unix_listener.h"

#include "forbidden_call.h"
#include "net/unix/unix_client.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct identity stay = {(uid_t)-1, (gid_t)-1};

/* A directory of the test, which is its working directory. */
static char test_directory[] = "/tmp/udpsrv-test-XXXXXX";

static void enter(void)
{
    cr_assert_neq(mkdtemp(test_directory), NULL);
    cr_assert_eq(chdir(test_directory), 0);
}

static void leave(void)
{
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", test_directory);
    cr_assert_eq(chdir("/"), 0);
    cr_assert_eq(system(command), 0);
}

TestSuite(unix_listener, .init = enter, .fini = leave);

static int listen_at(const char *path)
{
    int fd = unix_listener_open(path, 0660, &stay);
    cr_assert_geq(fd, 0, "%s", strerror(-fd));
    return fd;
}

static bool exists(const char *path)
{
    struct stat found;
    return lstat(path, &found) == 0;
}

static int count_files(void)
{
    DIR *directory = opendir(".");
    int count = 0;
    cr_assert_neq(directory, NULL);
    for (const struct dirent *at; (at = readdir(directory));)
        count += at->d_name[0] != '.';
    closedir(directory);
    return count;
}

/* Makes a socket file whose server has ended without removing it. */
static void leave_stale(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    cr_assert_eq(listen(fd, 1), 0);
    close(fd);
}

Test(unix_listener, has_its_mode_whatever_the_umask_and_leaves_no_other_file)
{
    static const mode_t masks[] = {0, 022, 0777};
    for (size_t i = 0; i < sizeof masks / sizeof *masks; i++) {
        struct stat found;
        umask(masks[i]);
        int listener = listen_at("s");
        cr_assert_eq(stat("s", &found), 0);
        cr_assert(S_ISSOCK(found.st_mode));
        cr_assert_eq(found.st_mode & 07777, 0660);
        cr_assert_eq(count_files(), 1);
        cr_assert_eq(umask(masks[i]), masks[i]);
        unix_listener_close_and_remove(listener, "s");
        cr_assert_eq(count_files(), 0);
    }
}

Test(unix_listener, has_the_group_that_it_was_given)
{
    struct stat found;
    if (geteuid() != 0)
        cr_skip("only root can give files to any group");
    int listener = unix_listener_open("s", 0640, &(struct identity){(uid_t)-1, 54321});
    cr_assert_geq(listener, 0);
    cr_assert_eq(stat("s", &found), 0);
    cr_assert_eq(found.st_gid, 54321);
    cr_assert_eq(found.st_mode & 07777, 0640);
    unix_listener_close_and_remove(listener, "s");
}

Test(unix_listener, needs_no_permission_to_change_the_owner_that_its_file_has)
{
    const struct identity others = {(uid_t)-1, 54321};
    const struct identity own = {geteuid(), getegid()};
    if (!forbid_call(SYS_fchownat))
        cr_skip("this host has no seccomp: %s", strerror(errno));
    cr_expect_eq(unix_listener_open("s", 0660, &others), -EPERM);
    int listener = unix_listener_open("s", 0660, &own);
    cr_assert_geq(listener, 0);
    unix_listener_close_and_remove(listener, "s");
    listener = unix_listener_open("s", 0660, &stay);
    cr_assert_geq(listener, 0);
    unix_listener_close_and_remove(listener, "s");
}

Test(unix_listener, socket_of_a_live_server_is_not_replaced)
{
    int listener = listen_at("s");
    cr_assert_eq(unix_listener_open("s", 0660, &stay), -EADDRINUSE);
    int client = unix_client_connect("s", 1000);
    cr_assert_geq(client, 0);
    close(client);
    unix_listener_close_and_remove(listener, "s");
}

Test(unix_listener, socket_of_a_live_server_with_a_full_backlog_is_not_replaced)
{
    int clients[200], count = 0;
    int listener = listen_at("s");
    do
        clients[count] = unix_client_connect("s", 1);
    while (clients[count] >= 0 && ++count < 200);
    cr_assert_lt(count, 200);
    cr_assert_eq(unix_listener_open("s", 0660, &stay), -EADDRINUSE);
    while (count > 0)
        close(clients[--count]);
    unix_listener_close_and_remove(listener, "s");
}

Test(unix_listener, stale_socket_file_is_replaced)
{
    leave_stale("s");
    int listener = listen_at("s");
    int client = unix_client_connect("s", 1000);
    cr_assert_geq(client, 0);
    close(client);
    unix_listener_close_and_remove(listener, "s");
}

Test(unix_listener, file_of_another_kind_is_not_changed)
{
    close(open("s", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    leave_stale("target");
    cr_assert_eq(symlink("target", "link"), 0);
    cr_assert_eq(unix_listener_open("s", 0660, &stay), -EEXIST);
    cr_assert_eq(unix_listener_open("link", 0660, &stay), -EEXIST);
    cr_assert_eq(unix_listener_open(".", 0660, &stay), -EEXIST);
    cr_assert_eq(count_files(), 3);
}

Test(unix_listener, path_must_fit_and_its_directory_exist)
{
    char path[110];
    memset(path, 'x', sizeof path);
    path[108] = '\0';
    cr_assert_eq(unix_listener_open(path, 0660, &stay), -ENAMETOOLONG);
    cr_assert_eq(unix_client_connect(path, 1000), -ENAMETOOLONG);
    path[107] = '\0';
    int listener = listen_at(path);
    cr_assert(exists(path));
    unix_listener_close_and_remove(listener, path);
    cr_assert_not(exists(path));
    cr_assert_eq(unix_listener_open("no/such/directory/s", 0660, &stay), -ENOENT);
    cr_assert_eq(unix_listener_open("", 0660, &stay), -ENOENT);
}

Test(unix_listener, close_leaves_the_file_of_a_new_server)
{
    int old = listen_at("s");
    cr_assert_eq(unlink("s"), 0);
    int young = listen_at("s");
    unix_listener_close_and_remove(old, "s");
    int client = unix_client_connect("s", 1000);
    cr_assert_geq(client, 0);
    close(client);
    unix_listener_close_and_remove(young, "s");
    cr_assert_not(exists("s"));
}

Test(unix_listener, close_leaves_a_file_of_another_kind)
{
    int listener = listen_at("s");
    cr_assert_eq(unlink("s"), 0);
    close(open("s", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    unix_listener_close_and_remove(listener, "s");
    cr_assert(exists("s"));
}

Test(unix_listener, only_a_file_without_a_listener_is_stale)
{
    leave_stale("s");
    int listener = listen_at("live");
    close(open("file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    unix_listener_remove_stale("s");
    unix_listener_remove_stale("live");
    unix_listener_remove_stale("file");
    unix_listener_remove_stale("nothing");
    cr_assert_not(exists("s"));
    cr_assert(exists("live"));
    cr_assert(exists("file"));
    cr_assert_eq(count_files(), 2, "no lock is left");
    unix_listener_close_and_remove(listener, "live");
}

Test(unix_listener, lock_file_that_a_crash_left_is_no_obstacle)
{
    close(open("s.lock", O_CREAT | O_RDWR | O_CLOEXEC, 0600));
    int listener = listen_at("s");
    cr_assert_eq(count_files(), 1);
    unix_listener_close_and_remove(listener, "s");
}

/* ---- A directory of an untrusted user ---- */

Test(unix_listener, lock_of_another_process_is_waited_for_only_some_time, .timeout = 20)
{
    int held = open("s.lock", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    cr_assert_eq(flock(held, LOCK_EX), 0);
    cr_assert_eq(unix_listener_open("s", 0660, &stay), -EALREADY);
    cr_assert_eq(count_files(), 1, "only the holder removes the lock");
    close(held);
    unix_listener_close_and_remove(listen_at("s"), "s");
}

Test(unix_listener, release_of_the_lock_ends_the_wait_at_once, .timeout = 20)
{
    int held = open("s.lock", O_CREAT | O_RDWR | O_CLOEXEC, 0600), started[2];
    char byte;
    cr_assert_eq(flock(held, LOCK_EX), 0);
    cr_assert_eq(pipe(started), 0);
    pid_t starter = fork();
    if (starter == 0) {
        close(started[0]);
        _exit(write(started[1], "", 1) == 1 && unix_listener_open("s", 0660, &stay) >= 0 ? 0 : 1);
    }
    cr_assert_eq(read(started[0], &byte, 1), 1);
    cr_assert_eq(unlink("s.lock"), 0);
    close(held);
    int status;
    cr_assert_eq(waitpid(starter, &status, 0), starter);
    cr_assert_eq(status, 0);
}

Test(unix_listener, lock_is_neither_a_link_nor_a_pipe_nor_a_directory, .timeout = 20)
{
    cr_assert_eq(symlink("victim", "s.lock"), 0);
    cr_expect_eq(unix_listener_open("s", 0660, &stay), -EEXIST);
    cr_expect_not(exists("victim"));
    cr_assert_eq(unlink("s.lock"), 0);
    cr_assert_eq(mkfifo("s.lock", 0600), 0);
    cr_expect_eq(unix_listener_open("s", 0660, &stay), -EEXIST);
    cr_assert_eq(unlink("s.lock"), 0);
    cr_assert_eq(mkdir("s.lock", 0700), 0);
    cr_expect_eq(unix_listener_open("s", 0660, &stay), -EEXIST);
    cr_expect_eq(count_files(), 1);
}

/* Replaces each socket file by a prepared link as soon as there is one. */
static void replace_sockets(int reports)
{
    struct stat found;
    for (;;) {
        unlink("ready");
        if (symlink("victim", "ready") != 0 || write(reports, "", 1) != 1)
            _exit(1);
        while (lstat("s", &found) != 0 || !S_ISSOCK(found.st_mode))
            ;
        rename("ready", "s");
    }
}

/* Root listens repeatedly in the directory of an attacker; the file that the attacker links to must
 * not change. */
Test(unix_listener, target_of_a_link_in_its_place_keeps_its_mode_and_owner, .timeout = 60)
{
    enum { ROUNDS = 600 };
    const struct identity owner = {geteuid() == 0 ? 54321 : getuid(), getgid()};
    int reports[2];
    char byte;
    close(open("victim", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    cr_assert_eq(pipe(reports), 0);
    pid_t attacker = fork();
    if (attacker == 0)
        replace_sockets(reports[1]);
    for (int round = 0; round < ROUNDS; round++) {
        struct stat found;
        cr_assert_eq(read(reports[0], &byte, 1), 1);
        int listener = unix_listener_open("s", 0666, &owner);
        if (listener >= 0)
            close(listener);
        cr_assert_eq(stat("victim", &found), 0);
        cr_assert_eq(found.st_mode & 07777, 0600, "round %d", round);
        cr_assert_eq(found.st_uid, geteuid(), "round %d", round);
        /* The attacker may have been too late: waits until it has replaced the file. */
        while (lstat("s", &found) == 0 && S_ISSOCK(found.st_mode))
            ;
        unlink("s");
    }
    kill(attacker, SIGKILL);
    waitpid(attacker, NULL, 0);
}

/* Waits for the start, listens, reports whether it could, and ends when done is closed. */
static void race(int start, int reports, int done)
{
    char byte;
    cr_assert_eq(read(start, &byte, 1), 0);
    int listener;
    do /* -EALREADY: another one has held the lock for too long */
        listener = unix_listener_open("s", 0660, &stay);
    while (listener == -EALREADY);
    byte = listener >= 0 ? 'y' : listener == -EADDRINUSE ? 'n' : '?';
    if (write(reports, &byte, 1) != 1 || read(done, &byte, 1) != 0)
        _exit(1);
    _exit(0);
}

Test(unix_listener, of_many_that_start_at_once_one_succeeds)
{
    enum { ROUNDS = 30, RACERS = 8 };
    for (int round = 0; round < ROUNDS; round++) {
        int start[2], reports[2], done[2];
        pid_t racers[RACERS];
        char answers[RACERS + 1] = {0};
        int winners = 0;
        unlink("s");
        if (round % 2)
            leave_stale("s");
        cr_assert(pipe(start) == 0 && pipe(reports) == 0 && pipe(done) == 0);
        for (int i = 0; i < RACERS; i++) {
            racers[i] = fork();
            if (racers[i] == 0) {
                close(start[1]);
                close(done[1]);
                race(start[0], reports[1], done[0]);
            }
        }
        close(start[1]);
        for (int i = 0; i < RACERS; i++)
            cr_assert_eq(read(reports[0], &answers[i], 1), 1);
        for (int i = 0; i < RACERS; i++)
            winners += answers[i] == 'y';
        cr_assert_eq(winners, 1, "round %d: %s", round, answers);
        cr_assert_eq(strchr(answers, '?'), NULL, "round %d: %s", round, answers);
        cr_assert_eq(count_files(), 1);
        close(done[1]);
        for (int i = 0; i < RACERS; i++)
            waitpid(racers[i], NULL, 0);
        close(start[0]);
        close(reports[0]);
        close(reports[1]);
        close(done[0]);
    }
}

Test(unix_listener, accepts_connections_and_never_waits)
{
    char byte;
    int listener = listen_at("s");
    cr_assert_eq(unix_listener_accept(listener), -EAGAIN);
    int client = unix_client_connect("s", 1000);
    int server = unix_listener_accept(listener);
    cr_assert_geq(server, 0);
    cr_assert_eq(recv(server, &byte, 1, 0), -1);
    cr_assert_eq(errno, EAGAIN);
    cr_assert_eq(unix_client_write_all(client, "x", 1), 0);
    cr_assert_eq(recv(server, &byte, 1, 0), 1);
    close(client);
    close(server);
    unix_listener_close_and_remove(listener, "s");
}
