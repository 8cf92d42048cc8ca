/* Tests of os/file/names_key_file. */
#include "os/file/names_key_file.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_TEXT "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

/* A directory of the test, which is its working directory. */
static char directory[] = "/tmp/udpsrv-test-XXXXXX";

static void enter(void)
{
    cr_assert_not_null(mkdtemp(directory));
    cr_assert_eq(chdir(directory), 0);
}

static void leave(void)
{
    unlink("key");
    unlink("link");
    rmdir("key");
    cr_assert_eq(chdir("/"), 0);
    cr_assert_eq(rmdir(directory), 0);
}

TestSuite(names_key_file, .init = enter, .fini = leave);

static void write_key(const char *text, mode_t mode)
{
    FILE *file = fopen("key", "we");
    cr_assert_not_null(file);
    cr_assert_geq(fputs(text, file), 0);
    cr_assert_eq(fclose(file), 0);
    cr_assert_eq(chmod("key", mode), 0);
}

static void expect_refused(int error, const char *why, const char *next)
{
    struct names_key key;
    struct names_key_file_fault fault;
    cr_assert_eq(names_key_file_read(&key, "key", &fault), error, "%d", error);
    cr_assert_str_eq(fault.why, why);
    cr_assert_str_eq(fault.next, next);
}

Test(names_key_file, is_read_if_only_its_owner_may)
{
    struct names_key key;
    struct names_key_file_fault fault;
    static const mode_t modes[] = {0600, 0400};
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        write_key(KEY_TEXT "\n", modes[i]);
        cr_assert_eq(names_key_file_read(&key, "key", &fault), 0);
        for (int k = 0; k < DEVICE_KEY_BYTES; k++)
            cr_assert_eq(key.bytes[k], k);
        unlink("key");
    }
}

Test(names_key_file, is_read_through_a_link)
{
    struct names_key key;
    struct names_key_file_fault fault;
    write_key(KEY_TEXT, 0600);
    cr_assert_eq(symlink("key", "link"), 0);
    cr_assert_eq(names_key_file_read(&key, "link", &fault), 0);
}

Test(names_key_file, is_refused_if_others_have_any_permission)
{
    static const mode_t modes[] = {0640, 0620, 0610, 0604, 0602, 0601};
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        write_key(KEY_TEXT "\n", modes[i]);
        expect_refused(-EPERM, "its group or others have a permission on it",
                       "take it from them (chmod 600)");
    }
}

Test(names_key_file, is_refused_if_another_user_owns_it)
{
    write_key(KEY_TEXT "\n", 0600);
    if (chown("key", 12345, (gid_t)-1) != 0)
        cr_skip_test("only root can give a file away");
    expect_refused(-EPERM, "it belongs to another user, who can replace it",
                   "make root or this user its owner (chown)");
}

Test(names_key_file, is_refused_if_it_has_no_key)
{
    static const char longer[] = KEY_TEXT "0", twice[] = KEY_TEXT KEY_TEXT;
    static const char *const texts[] = {"", "secret\n", longer, twice};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        write_key(texts[i], 0600);
        expect_refused(-EINVAL, "it does not have 64 hexadecimal digits",
                       "write 32 random bytes in hexadecimal to it (openssl rand -hex 32)");
    }
}

Test(names_key_file, has_the_key_of_a_device_in_the_same_form)
{
    uint8_t key[DEVICE_KEY_BYTES];
    struct names_key_file_fault fault;
    write_key(KEY_TEXT "\n", 0600);
    cr_assert_eq(device_key_file_read(key, "key", &fault), 0);
    for (int k = 0; k < DEVICE_KEY_BYTES; k++)
        cr_assert_eq(key[k], k);
    cr_assert_eq(chmod("key", 0640), 0);
    cr_assert_eq(device_key_file_read(key, "key", &fault), -EPERM);
    cr_assert_str_eq(fault.why, "its group or others have a permission on it");
    write_key("secret\n", 0600);
    cr_assert_eq(device_key_file_read(key, "key", &fault), -EINVAL);
    cr_assert_str_eq(fault.why, "it does not have 64 hexadecimal digits");
    cr_assert_str_eq(fault.next, "write to it what `udpctl key` prints for the name");
    cr_assert_eq(key[31], 31, "a file that is refused changes nothing");
}

Test(names_key_file, is_refused_if_it_is_missing_or_no_regular_file)
{
    expect_refused(-ENOENT, "No such file or directory",
                   "create it with mode 0600, or correct its path");
    cr_assert_eq(mkdir("key", 0700), 0);
    expect_refused(-EINVAL, "it is not a regular file", "name the file of the key");
    rmdir("key");
    cr_assert_eq(mkfifo("key", 0600), 0);
    expect_refused(-EINVAL, "it is not a regular file", "name the file of the key");
}
