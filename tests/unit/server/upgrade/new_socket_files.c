/* The files of Unix sockets that a successor creates: it names them, and they are removed if it
 * does not serve. */
#include "server/upgrade/new_socket_files.h"

#include "config/config_defaults.h"
#include "net/unix/unix_listener.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static const struct identity SAME_USER = {(uid_t)-1, (gid_t)-1};

static char test_directory[] = "/tmp/udpsrv-new-files-XXXXXX";
static int ends[2];
static struct config *config;
static struct inherited_listener inherited_list[4];
static struct inherited_sockets inherited = {.list = inherited_list};
static struct new_socket_files files;

/* Without any Unix socket in the configuration, in a directory of the test. */
static void set_up(void)
{
    cr_assert_not_null(mkdtemp(test_directory));
    cr_assert_eq(chdir(test_directory), 0);
    cr_assert_eq(handover_channel_open(ends), 0);
    config = config_defaults();
    cr_assert_not_null(config);
    config_clear_listen(config);
    config->control.socket = strdup(CONFIG_CONTROL_OFF);
    cr_assert_not_null(config->control.socket);
}

static void tear_down(void)
{
    char command[64];
    config_free(config);
    handover_channel_close(ends[0]);
    handover_channel_close(ends[1]);
    snprintf(command, sizeof command, "rm -rf %s", test_directory);
    cr_assert_eq(chdir("/"), 0);
    cr_assert_eq(system(command), 0);
}

TestSuite(new_socket_files, .init = set_up, .fini = tear_down, .timeout = 20);

/* ---- the successor ---- */

static void listen_to(const char *path)
{
    struct config_listen listen = {.transport = TRANSPORT_UNIX};
    snprintf(listen.path, sizeof listen.path, "%s", path);
    cr_assert(config_add_listen(config, &listen));
}

static void inherit(enum inherited_kind kind, const char *text)
{
    struct inherited_listener *entry = &inherited_list[inherited.count++];
    entry->kind = kind;
    snprintf(entry->text, sizeof entry->text, "%s", text);
}

/* Reads all messages that the successor has sent. Returns how many. */
static int receive_all(void)
{
    struct handover_message message;
    int count = 0, error;
    while ((error = handover_channel_receive(ends[0], &message, 0)) == 0) {
        cr_assert(new_socket_files_note(&files, &message));
        count++;
    }
    cr_assert_eq(error, -EAGAIN);
    return count;
}

static void expect_named(const char *const *paths, size_t count)
{
    cr_assert_eq(files.count, count);
    for (size_t i = 0; i < count; i++)
        cr_assert_str_eq(files.paths[i], paths[i]);
}

Test(new_socket_files, are_those_of_listeners_commands_and_metrics)
{
    static const char *const paths[] = {"a", "b", "operators", "observers", "metrics"};
    struct config_listen udp = {.transport = TRANSPORT_UDP};
    listen_to("a");
    cr_assert(config_add_listen(config, &udp));
    listen_to("b");
    free(config->control.socket);
    config->control.socket = strdup("operators");
    config->control.observer_socket = strdup("observers");
    config->metrics.listen = (struct config_listen){.transport = TRANSPORT_UNIX, .path = "metrics"};
    new_socket_files_report(ends[1], config, &inherited);
    cr_assert_eq(receive_all(), 1);
    expect_named(paths, 5);
}

Test(new_socket_files, are_not_those_that_are_inherited)
{
    static const char *const paths[] = {"new"};
    listen_to("stream");
    listen_to("new");
    free(config->control.socket);
    config->control.socket = strdup("operators");
    config->metrics.listen = (struct config_listen){.transport = TRANSPORT_UNIX, .path = "metrics"};
    inherit(INHERITED_STREAM, "unix:stream");
    inherit(INHERITED_CONTROL, "operators");
    inherit(INHERITED_METRICS, "unix:metrics");
    inherit(INHERITED_STREAM, "tcp:127.0.0.1:4000");
    new_socket_files_report(ends[1], config, &inherited);
    cr_assert_eq(receive_all(), 1);
    expect_named(paths, 1);
}

Test(new_socket_files, are_named_by_no_message_if_there_are_none)
{
    listen_to("stream");
    inherit(INHERITED_STREAM, "unix:stream");
    config->metrics.listen.transport = TRANSPORT_TCP;
    new_socket_files_report(ends[1], config, &inherited);
    cr_assert_eq(receive_all(), 0);
}

/* As many and as long as a configuration may have. */
Test(new_socket_files, take_several_messages_if_there_are_many)
{
    char path[TRANSPORT_PATH_BYTES];
    for (int i = 0; i < CONFIG_LISTEN_MAX; i++) {
        snprintf(path, sizeof path, "%0107d", i);
        listen_to(path);
    }
    free(config->control.socket);
    config->control.socket = strdup("operators");
    config->control.observer_socket = strdup("observers");
    config->metrics.listen = (struct config_listen){.transport = TRANSPORT_UNIX, .path = "metrics"};
    new_socket_files_report(ends[1], config, &inherited);
    cr_assert_gt(receive_all(), 1);
    cr_assert_eq(files.count, CONFIG_LISTEN_MAX + 3);
    for (int i = 0; i < CONFIG_LISTEN_MAX; i++) {
        snprintf(path, sizeof path, "%0107d", i);
        cr_assert_str_eq(files.paths[i], path);
    }
    cr_assert_str_eq(files.paths[CONFIG_LISTEN_MAX + 2], "metrics");
}

Test(new_socket_files, may_have_any_byte_in_their_paths)
{
    static const char *const paths[] = {"\1\n \xff\t"};
    free(config->control.socket);
    config->control.socket = strdup(paths[0]);
    new_socket_files_report(ends[1], config, &inherited);
    cr_assert_eq(receive_all(), 1);
    expect_named(paths, 1);
}

/* ---- the predecessor ---- */

static bool note(enum handover_kind kind, const char *text)
{
    struct handover_message message = {.kind = kind};
    snprintf(message.text, sizeof message.text, "%s", text);
    return new_socket_files_note(&files, &message);
}

Test(new_socket_files, are_not_in_other_messages)
{
    cr_assert_not(note(HANDOVER_READY, "1.0"));
    cr_assert_not(note(HANDOVER_FAILED, "\1a\1b"));
    cr_assert_eq(files.count, 0);
}

Test(new_socket_files, come_with_each_message_after_those_of_the_messages_before)
{
    static const char *const paths[] = {"a", "bc", "d"};
    cr_assert(note(HANDOVER_FILES, "\1a\2bc"));
    cr_assert(note(HANDOVER_FILES, ""));
    cr_assert(note(HANDOVER_FILES, "\1d"));
    expect_named(paths, 3);
}

Test(new_socket_files, with_a_wrong_length_are_ignored)
{
    static const char *const paths[] = {"a", "b"};
    char text[2 * TRANSPORT_PATH_BYTES];
    cr_assert(note(HANDOVER_FILES, "\1a\3bc"));
    cr_assert(note(HANDOVER_FILES, "\1"));
    snprintf(text, sizeof text, "\1b%c%0*d", TRANSPORT_PATH_BYTES, TRANSPORT_PATH_BYTES, 0);
    cr_assert(note(HANDOVER_FILES, text));
    cr_assert(note(HANDOVER_FILES, "\xff"));
    expect_named(paths, 2);
}

Test(new_socket_files, beyond_those_of_any_configuration_are_ignored)
{
    for (int i = 0; i < CONFIG_LISTEN_MAX; i++)
        cr_assert(note(HANDOVER_FILES, "\1a\1b"));
    cr_assert_eq(files.count, CONFIG_LISTEN_MAX + 3);
}

static bool exists(const char *path)
{
    struct stat found;
    return lstat(path, &found) == 0;
}

/* Makes a socket file whose process was killed. */
static void leave_stale(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    cr_assert_eq(listen(fd, 1), 0);
    close(fd);
}

Test(new_socket_files, of_a_process_that_has_ended_are_removed)
{
    leave_stale("a");
    leave_stale("b");
    note(HANDOVER_FILES, "\1a\6absent\1b");
    new_socket_files_remove(&files);
    cr_assert_not(exists("a"));
    cr_assert_not(exists("b"));
    cr_assert_eq(files.count, 0);
}

Test(new_socket_files, that_another_process_listens_at_stay)
{
    int listener = unix_listener_open("live", 0600, &SAME_USER);
    cr_assert_geq(listener, 0);
    note(HANDOVER_FILES, "\4live");
    new_socket_files_remove(&files);
    cr_assert(exists("live"));
    unix_listener_close_and_remove(listener, "live");
}

Test(new_socket_files, that_are_no_sockets_stay)
{
    close(open("file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    note(HANDOVER_FILES, "\4file");
    new_socket_files_remove(&files);
    cr_assert(exists("file"));
}
