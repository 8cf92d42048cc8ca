/* The configuration of named clients, and `udpctl key`: the key file is read only if no other user
 * can read or replace it, and a device's key is printed from that file only. */

#include "harness.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

TestSuite(system_names_configuration, .fini = harness_end, .timeout = 60);

#define KEY_TEXT "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

#define KEYED(key_file)                                              \
    harness_format("[clients]\nnames = keyed\nnames-key-file = %s\n" \
                   "[admission]\npolicy = cookie\n",                 \
                   key_file)

enum { STATUS_CONFIG = 78 };

static void expect_text(const char *what, const char *text, const char *expected)
{
    expect(strcmp(text, expected) == 0, "expected %s to be '%s', it is '%s'", what, expected, text);
}

static const char *write_keyed(const char *key_file)
{
    return harness_write_file("keyed.conf", KEYED(key_file), 0644);
}

/* Expects that -t and a start refuse the key file, for this reason. */
static void expect_refused(const char *key_file, const char *why, const char *next)
{
    const char *file = write_keyed(key_file);
    struct result checked = run(NULL, "udpsrv", "-t", "-c", file, NULL);
    harness_equal("the status of -t", checked.status, STATUS_CONFIG);
    harness_contains("the error of -t", checked.err,
                     harness_format("reading 'names-key-file' %s: %s; %s\n", key_file, why, next));
    struct result started =
        run(NULL, "udpsrv", "-c", file, "-l", "127.0.0.1:0", "-s", harness_path("sock"), NULL);
    harness_equal("the status of a start", started.status, 1);
    harness_contains("the error of a start", started.err, "cannot read clients.names-key-file");
    harness_contains("the error of a start", started.err, why);
    harness_equal("bytes on stdout", (int64_t)started.out_bytes, 0);
}

Test(system_names_configuration, a_key_file_that_another_user_can_use_is_refused)
{
    const char *key = harness_write_file("names.key", KEY_TEXT "\n", 0640);
    expect_refused(key, "its group or others have a permission on it",
                   "take it from them (chmod 600)");
    harness_write_file("names.key", KEY_TEXT "\n", 0600);
    if (geteuid() == 0) {
        expect(chown(key, 65534, (gid_t)-1) == 0, "expected to give %s away", key);
        expect_refused(key, "it belongs to another user, who can replace it",
                       "make root or this user its owner (chown)");
    }
}

Test(system_names_configuration, a_key_file_without_a_key_is_refused)
{
    expect_refused(harness_path("missing.key"), "No such file or directory",
                   "create it with mode 0600, or correct its path");
    expect_refused(harness_write_file("names.key", "secret\n", 0600),
                   "it does not have 64 hexadecimal digits",
                   "write 32 random bytes in hexadecimal to it (openssl rand -hex 32)");
}

Test(system_names_configuration, a_key_file_with_a_key_is_accepted)
{
    const char *file = write_keyed(harness_write_file("names.key", KEY_TEXT "\n", 0600));
    struct result checked = run(NULL, "udpsrv", "-t", "-c", file, NULL);
    harness_equal("the status", checked.status, 0);
    expect_text("stderr", checked.err, "");
    static struct server server;
    server_start(&server, KEYED(harness_path("names.key")), "-l", "127.0.0.1:0", NULL);
    harness_contains("the configuration", ctl_ok(&server, "config", NULL), "\nnames = keyed\n");
    server_stop(&server);
}

/* The key is read before privileges are given up, so the daemon's user need not be able to. */
Test(system_names_configuration, a_key_file_of_root_is_read_before_the_user_changes)
{
    enum { NOBODY = 65534 };
    static struct server server = {.owner = NOBODY};
    if (geteuid() != 0)
        return;
    server_start(&server,
                 harness_format("%s[server]\nuser = nobody\n",
                                KEYED(harness_write_file("names.key", KEY_TEXT "\n", 0400))),
                 "-l", "127.0.0.1:0", NULL);
    server_stop(&server);
}

Test(system_names_configuration, trusted_names_are_warned_of_where_other_hosts_can_reach_them)
{
    static const char text[] = "[clients]\nnames = trusted\n[admission]\npolicy = open\n";
    const char *file = harness_write_file("trusted.conf", text, 0644);
    struct result checked = run(NULL, "udpsrv", "-t", "-c", file, "-l", "0.0.0.0:0", NULL);
    harness_contains("the warning", checked.err,
                     "udpsrv: warning of 'names = trusted' on 0.0.0.0:0: other hosts can reach it, "
                     "and each of them can take the name of any client; give 'names = keyed' in "
                     "[clients], unless all hosts of the network are trusted\n");
    harness_equal("the status", checked.status, 0);
    checked = run(NULL, "udpsrv", "-t", "-c", file, "-l", "127.0.0.1:0", NULL);
    expect_text("stderr", checked.err, "");
    static struct server server;
    server_start(&server, text, "-l", "0.0.0.0:0", NULL);
    server_await_log(&server, "clients are named without proof on a listener");
    server_stop(&server);
}

Test(system_names_configuration, the_keys_of_names_need_a_restart)
{
    static struct server server;
    server_start(&server, "[clients]\nnames = off\n", "-l", "127.0.0.1:0", NULL);
    server_configure(&server, "[clients]\nnames = trusted\nnames-max = 7\n");
    const char *report = ctl_ok(&server, "reload", NULL);
    harness_contains("the report", report, "clients.names");
    harness_contains("the report", report, "clients.names-max");
    harness_contains("the configuration", ctl_ok(&server, "config", NULL), "names = off");
    server_stop(&server);
}

/* ---- udpctl key ---- */

Test(system_names_configuration, udpctl_prints_the_key_of_a_device_without_a_server)
{
    const char *key = harness_write_file("names.key", KEY_TEXT "\n", 0600);
    const char *printed = run_ok(NULL, "udpctl", "-s", "/nowhere/sock", "key", "thermostat-17",
                                 "--key-file", key, NULL);
    expect_text("the key", printed,
                "8670f453430e2a52e3478bce15425281c32281f8c2e71c2abb0d59fcc5c4d985\n");
    printed = run_ok(NULL, "udpctl", "--json", "key", "--key-file", key,
                     "K\xc3\xbc"
                     "che 1",
                     NULL);
    harness_contains("the object", printed,
                     "{\"name\":\"K\xc3\xbc"
                     "che 1\",\"key\":\"");
}

Test(system_names_configuration, udpctl_refuses_a_wrong_name_or_key_file)
{
    const char *key = harness_write_file("names.key", KEY_TEXT "\n", 0644);
    struct result refused = run(NULL, "udpctl", "key", "lamp", "--key-file", key, NULL);
    harness_equal("the status", refused.status, 1);
    expect_text("the error", refused.err,
                harness_format("udpctl: cannot read the key file %s: its group or others have a "
                               "permission on it; take it from them (chmod 600)\n",
                               key));
    refused = run(NULL, "udpctl", "--json", "key", "lamp", "--key-file", key, NULL);
    harness_equal("the status", refused.status, 1);
    harness_contains("the error", refused.out, "{\"error\":\"cannot read the key file ");
    refused = run(NULL, "udpctl", "key", "a\nb", "--key-file", key, NULL);
    harness_equal("the status", refused.status, 2);
    harness_contains("the error", refused.err,
                     "bad name 'a\\nb': the name contains a control character");
    refused = run(NULL, "udpctl", "key", "@lamp", "--key-file", key, NULL);
    harness_equal("the status", refused.status, 2);
    harness_contains("the error", refused.err, "bad name '@lamp': a key is for the name; leave");
    refused = run(NULL, "udpctl", "key", "lamp", NULL);
    harness_equal("the status", refused.status, 2);
    harness_contains("the error", refused.err, "'key' needs --key-file FILE");
}
