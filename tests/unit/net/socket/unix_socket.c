#include "net/socket/unix_socket.h"
#include "net/message/line_stream.h"

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

/* A directory of the test's own, which is its working directory. */
static char reply_mailbox[] = "/tmp/udpsrv-test-XXXXXX";

static void enter(void)
{
    cr_assert_neq(mkdtemp(reply_mailbox), NULL);
    cr_assert_eq(chdir(reply_mailbox), 0);
}

static void leave(void)
{
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", reply_mailbox);
    cr_assert_eq(chdir("/"), 0);
    cr_assert_eq(system(command), 0);
}

TestSuite(unix_socket, .init = enter, .fini = leave);

static int listen_at(const char *path)
{
    int fd = unix_socket_listen(path, 0660, &stay);
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

/* A socket file whose owner has gone without a word. */
static void leave_stale(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    cr_assert_eq(listen(fd, 1), 0);
    close(fd);
}

Test(unix_socket, has_its_mode_whatever_the_umask_and_leaves_no_other_file)
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
        unix_socket_unlisten(listener, "s");
        cr_assert_eq(count_files(), 0);
    }
}

Test(unix_socket, has_the_group_that_it_was_given)
{
    struct stat found;
    if (geteuid() != 0)
        cr_skip("only root can give files to any group");
    int listener = unix_socket_listen("s", 0640, &(struct identity){(uid_t)-1, 54321});
    cr_assert_geq(listener, 0);
    cr_assert_eq(stat("s", &found), 0);
    cr_assert_eq(found.st_gid, 54321);
    cr_assert_eq(found.st_mode & 07777, 0640);
    unix_socket_unlisten(listener, "s");
}

Test(unix_socket, live_owner_is_never_displaced)
{
    int listener = listen_at("s");
    cr_assert_eq(unix_socket_listen("s", 0660, &stay), -EADDRINUSE);
    int client = unix_socket_connect("s", 1000);
    cr_assert_geq(client, 0);
    close(client);
    unix_socket_unlisten(listener, "s");
}

Test(unix_socket, live_owner_whose_backlog_is_full_is_not_displaced)
{
    int clients[200], count = 0;
    int listener = listen_at("s");
    do
        clients[count] = unix_socket_connect("s", 1);
    while (clients[count] >= 0 && ++count < 200);
    cr_assert_lt(count, 200);
    cr_assert_eq(unix_socket_listen("s", 0660, &stay), -EADDRINUSE);
    while (count > 0)
        close(clients[--count]);
    unix_socket_unlisten(listener, "s");
}

Test(unix_socket, stale_one_is_replaced)
{
    leave_stale("s");
    int listener = listen_at("s");
    int client = unix_socket_connect("s", 1000);
    cr_assert_geq(client, 0);
    close(client);
    unix_socket_unlisten(listener, "s");
}

Test(unix_socket, file_of_another_kind_is_left_alone)
{
    close(open("s", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    leave_stale("target");
    cr_assert_eq(symlink("target", "link"), 0);
    cr_assert_eq(unix_socket_listen("s", 0660, &stay), -EEXIST);
    cr_assert_eq(unix_socket_listen("link", 0660, &stay), -EEXIST);
    cr_assert_eq(unix_socket_listen(".", 0660, &stay), -EEXIST);
    cr_assert_eq(count_files(), 3);
}

Test(unix_socket, path_must_fit_and_lead_somewhere)
{
    char path[110];
    memset(path, 'x', sizeof path);
    path[108] = '\0';
    cr_assert_eq(unix_socket_listen(path, 0660, &stay), -ENAMETOOLONG);
    cr_assert_eq(unix_socket_connect(path, 1000), -ENAMETOOLONG);
    path[107] = '\0';
    int listener = listen_at(path);
    cr_assert(exists(path));
    unix_socket_unlisten(listener, path);
    cr_assert_not(exists(path));
    cr_assert_eq(unix_socket_listen("no/such/directory/s", 0660, &stay), -ENOENT);
    cr_assert_eq(unix_socket_listen("", 0660, &stay), -ENOENT);
}

Test(unix_socket, unlisten_leaves_the_file_of_a_new_owner)
{
    int old = listen_at("s");
    cr_assert_eq(unlink("s"), 0);
    int young = listen_at("s");
    unix_socket_unlisten(old, "s");
    int client = unix_socket_connect("s", 1000);
    cr_assert_geq(client, 0);
    close(client);
    unix_socket_unlisten(young, "s");
    cr_assert_not(exists("s"));
}

Test(unix_socket, unlisten_leaves_a_file_of_another_kind)
{
    int listener = listen_at("s");
    cr_assert_eq(unlink("s"), 0);
    close(open("s", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    unix_socket_unlisten(listener, "s");
    cr_assert(exists("s"));
}

Test(unix_socket, lock_that_a_crash_left_is_no_obstacle)
{
    close(open("s.lock", O_CREAT | O_RDWR | O_CLOEXEC, 0600));
    int listener = listen_at("s");
    cr_assert_eq(count_files(), 1);
    unix_socket_unlisten(listener, "s");
}

/* ---- A directory of somebody whom we don't trust ---- */

Test(unix_socket, lock_that_somebody_holds_is_not_waited_for_without_end, .timeout = 20)
{
    int held = open("s.lock", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    cr_assert_eq(flock(held, LOCK_EX), 0);
    cr_assert_eq(unix_socket_listen("s", 0660, &stay), -EALREADY);
    cr_assert_eq(count_files(), 1, "the lock is its owner's to remove");
    close(held);
    unix_socket_unlisten(listen_at("s"), "s");
}

Test(unix_socket, turn_that_ends_is_noticed_at_once, .timeout = 20)
{
    int held = open("s.lock", O_CREAT | O_RDWR | O_CLOEXEC, 0600), tells[2];
    char byte;
    cr_assert_eq(flock(held, LOCK_EX), 0);
    cr_assert_eq(pipe(tells), 0);
    pid_t starter = fork();
    if (starter == 0) {
        close(tells[0]);
        _exit(write(tells[1], "", 1) == 1 && unix_socket_listen("s", 0660, &stay) >= 0 ? 0 : 1);
    }
    cr_assert_eq(read(tells[0], &byte, 1), 1);
    cr_assert_eq(unlink("s.lock"), 0);
    close(held);
    int status;
    cr_assert_eq(waitpid(starter, &status, 0), starter);
    cr_assert_eq(status, 0);
}

Test(unix_socket, lock_is_neither_a_link_nor_a_pipe_nor_a_directory, .timeout = 20)
{
    cr_assert_eq(symlink("victim", "s.lock"), 0);
    cr_expect_eq(unix_socket_listen("s", 0660, &stay), -EEXIST);
    cr_expect_not(exists("victim"));
    cr_assert_eq(unlink("s.lock"), 0);
    cr_assert_eq(mkfifo("s.lock", 0600), 0);
    cr_expect_eq(unix_socket_listen("s", 0660, &stay), -EEXIST);
    cr_assert_eq(unlink("s.lock"), 0);
    cr_assert_eq(mkdir("s.lock", 0700), 0);
    cr_expect_eq(unix_socket_listen("s", 0660, &stay), -EEXIST);
    cr_expect_eq(count_files(), 1);
}

/* Puts what was made ready in place of each socket as soon as there is one. */
static void replace_sockets(int told)
{
    struct stat found;
    for (;;) {
        unlink("ready");
        if (symlink("victim", "ready") != 0 || write(told, "", 1) != 1)
            _exit(1);
        while (lstat("s", &found) != 0 || !S_ISSOCK(found.st_mode))
            ;
        rename("ready", "s");
    }
}

/* Root starts again and again in the attacker's directory; what he links to stays as it is. */
Test(unix_socket, link_in_its_place_is_neither_opened_to_others_nor_given_away, .timeout = 60)
{
    enum { ROUNDS = 600 };
    const struct identity owner = {geteuid() == 0 ? 54321 : getuid(), getgid()};
    int told[2];
    char byte;
    close(open("victim", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    cr_assert_eq(pipe(told), 0);
    pid_t attacker = fork();
    if (attacker == 0)
        replace_sockets(told[1]);
    for (int round = 0; round < ROUNDS; round++) {
        struct stat found;
        cr_assert_eq(read(told[0], &byte, 1), 1);
        int listener = unix_socket_listen("s", 0666, &owner);
        if (listener >= 0)
            close(listener);
        cr_assert_eq(stat("victim", &found), 0);
        cr_assert_eq(found.st_mode & 07777, 0600, "round %d", round);
        cr_assert_eq(found.st_uid, geteuid(), "round %d", round);
        /* He may have been too late; his turn ends when it is replaced. */
        while (lstat("s", &found) == 0 && S_ISSOCK(found.st_mode))
            ;
        unlink("s");
    }
    kill(attacker, SIGKILL);
    waitpid(attacker, NULL, 0);
}

/* Waits for the start, listens, tells whether it could, and lives until done is closed. */
static void race(int start, int told, int done)
{
    char byte;
    cr_assert_eq(read(start, &byte, 1), 0);
    int listener = unix_socket_listen("s", 0660, &stay);
    byte = listener >= 0 ? 'y' : listener == -EADDRINUSE ? 'n' : '?';
    if (write(told, &byte, 1) != 1 || read(done, &byte, 1) != 0)
        _exit(1);
    _exit(0);
}

Test(unix_socket, of_many_that_start_at_once_one_succeeds)
{
    enum { ROUNDS = 30, RACERS = 8 };
    for (int round = 0; round < ROUNDS; round++) {
        int start[2], told[2], done[2];
        pid_t racers[RACERS];
        char answers[RACERS + 1] = {0};
        int winners = 0;
        unlink("s");
        if (round % 2)
            leave_stale("s");
        cr_assert(pipe(start) == 0 && pipe(told) == 0 && pipe(done) == 0);
        for (int i = 0; i < RACERS; i++) {
            racers[i] = fork();
            if (racers[i] == 0) {
                close(start[1]);
                close(done[1]);
                race(start[0], told[1], done[0]);
            }
        }
        close(start[1]);
        for (int i = 0; i < RACERS; i++)
            cr_assert_eq(read(told[0], &answers[i], 1), 1);
        for (int i = 0; i < RACERS; i++)
            winners += answers[i] == 'y';
        cr_assert_eq(winners, 1, "round %d: %s", round, answers);
        cr_assert_eq(strchr(answers, '?'), NULL, "round %d: %s", round, answers);
        cr_assert_eq(count_files(), 1);
        close(done[1]);
        for (int i = 0; i < RACERS; i++)
            waitpid(racers[i], NULL, 0);
        close(start[0]);
        close(told[0]);
        close(told[1]);
        close(done[0]);
    }
}

Test(unix_socket, accepts_whoever_connects_and_never_waits)
{
    char byte;
    int listener = listen_at("s");
    cr_assert_eq(unix_socket_accept(listener), -EAGAIN);
    int client = unix_socket_connect("s", 1000);
    int server = unix_socket_accept(listener);
    cr_assert_geq(server, 0);
    cr_assert_eq(recv(server, &byte, 1, 0), -1);
    cr_assert_eq(errno, EAGAIN);
    cr_assert_eq(unix_socket_write_all(client, "x", 1), 0);
    cr_assert_eq(recv(server, &byte, 1, 0), 1);
    close(client);
    close(server);
    unix_socket_unlisten(listener, "s");
}

Test(unix_socket, connect_tells_who_is_not_there)
{
    cr_assert_eq(unix_socket_connect("missing", 1000), -ENOENT);
    leave_stale("s");
    cr_assert_eq(unix_socket_connect("s", 1000), -ECONNREFUSED);
}

Test(unix_socket, client_does_not_wait_longer_than_it_wanted)
{
    static char much[8 << 20];
    char byte;
    int listener = listen_at("s");
    int client = unix_socket_connect("s", 10);
    cr_assert_eq(recv(client, &byte, 1, 0), -1);
    cr_assert_eq(errno, EAGAIN);
    cr_assert_eq(unix_socket_write_all(client, much, sizeof much), -EAGAIN);
    close(client);
    unix_socket_unlisten(listener, "s");
}

Test(unix_socket, write_to_a_peer_that_is_gone_is_an_error_and_no_signal)
{
    int listener = listen_at("s");
    int client = unix_socket_connect("s", 1000);
    close(unix_socket_accept(listener));
    cr_assert_eq(unix_socket_write_all(client, "x", 1), -EPIPE);
    close(client);
    unix_socket_unlisten(listener, "s");
}
