/* The path of the program, and who may change what is started by it. */
#include "os/process/program_path.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A directory of the test in /tmp, which all users may write to, but in which only the owner of a
 * file may replace it. */
static char directory[64];

static void make_directory(void)
{
    strcpy(directory, "/tmp/udpsrv-program-XXXXXX");
    cr_assert_neq(mkdtemp(directory), NULL);
    cr_assert_eq(chdir(directory), 0);
}

static void remove_directory(void)
{
    char command[96];
    snprintf(command, sizeof command, "rm -r %s", directory);
    cr_assert_eq(system(command), 0);
}

TestSuite(program_path, .init = make_directory, .fini = remove_directory);

static void make_program(const char *name, mode_t mode)
{
    FILE *file = fopen(name, "w");
    cr_assert_neq(file, NULL);
    fclose(file);
    cr_assert_eq(chmod(name, mode), 0);
}

static void make_folder(const char *name, mode_t mode)
{
    cr_assert_eq(mkdir(name, 0700), 0);
    cr_assert_eq(chmod(name, mode), 0);
}

static int check(const char *name, char fault[PROGRAM_PATH_FAULT_BYTES])
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return program_path_check(path, fault);
}

static void expect_safe(const char *name)
{
    char fault[PROGRAM_PATH_FAULT_BYTES];
    cr_expect_eq(check(name, fault), 0, "%s", fault);
}

/* The fault names the path that is wrong, and says what. */
static void expect_fault(const char *name, int error, const char *wrong, const char *what)
{
    char fault[PROGRAM_PATH_FAULT_BYTES], expected[PROGRAM_PATH_FAULT_BYTES];
    snprintf(expected, sizeof expected, "%s/%s %s", directory, wrong, what);
    cr_expect_eq(check(name, fault), error, "%s", fault);
    cr_expect_str_eq(fault, expected);
}

Test(program_path, the_path_that_is_found_leads_to_the_running_program)
{
    char path[PATH_MAX];
    struct stat own, found;
    if (getenv("UDPSRV_VALGRIND"))
        cr_skip("for stat(2), valgrind itself is /proc/self/exe");
    cr_assert_eq(program_path_find(path), 0);
    cr_expect_eq(path[0], '/');
    cr_assert_eq(stat("/proc/self/exe", &own), 0);
    cr_assert_eq(stat(path, &found), 0);
    cr_expect(own.st_ino == found.st_ino && own.st_dev == found.st_dev);
}

Test(program_path, a_program_that_only_its_owner_may_write_is_safe)
{
    make_program("program", 0755);
    expect_safe("program");
}

Test(program_path, a_program_that_its_group_may_write_is_not)
{
    make_program("program", 0775);
    expect_fault("program", -EPERM, "program", "can be written by the users of its group");
}

Test(program_path, a_program_that_all_users_may_write_is_not)
{
    make_program("program", 0757);
    expect_fault("program", -EPERM, "program", "can be written by all users");
}

Test(program_path, a_directory_above_that_others_may_write_makes_it_unsafe)
{
    make_folder("open", 0777);
    make_folder("open/inner", 0755);
    make_program("open/inner/program", 0755);
    expect_fault("open/inner/program", -EPERM, "open", "can be written by all users");
}

Test(program_path, a_directory_in_which_only_owners_replace_files_may_be_writable)
{
    make_folder("sticky", 01777);
    make_program("sticky/program", 0755);
    expect_safe("sticky/program");
}

Test(program_path, a_program_of_another_user_is_not_safe)
{
    if (geteuid() != 0)
        cr_skip_test("only root can give files away");
    make_program("program", 0755);
    cr_assert_eq(chown("program", 65534, 65534), 0);
    expect_fault("program", -EPERM, "program",
                 "belongs to a user who is neither root nor the server's own");
}

Test(program_path, a_symbolic_link_is_followed_and_what_it_leads_to_is_checked)
{
    make_folder("open", 0777);
    make_program("open/program", 0755);
    make_folder("links", 0755);
    cr_assert_eq(symlink("../open/program", "links/program"), 0);
    expect_fault("links/program", -EPERM, "open", "can be written by all users");
}

Test(program_path, a_symbolic_link_in_a_directory_that_others_may_write_is_not_safe)
{
    make_program("program", 0755);
    make_folder("open", 0777);
    cr_assert_eq(symlink("../program", "open/link"), 0);
    expect_fault("open/link", -EPERM, "open", "can be written by all users");
}

Test(program_path, a_link_to_an_absolute_path_is_walked_from_the_root)
{
    char target[PATH_MAX];
    make_folder("inner", 0755);
    make_program("inner/program", 0755);
    snprintf(target, sizeof target, "%s/inner", directory);
    cr_assert_eq(symlink(target, "link"), 0);
    expect_safe("link/program");
}

Test(program_path, dots_in_the_path_lead_where_the_kernel_goes)
{
    make_folder("inner", 0755);
    make_program("program", 0755);
    expect_safe("inner/.././program");
}

Test(program_path, links_that_lead_to_each_other_are_an_error)
{
    cr_assert_eq(symlink("b", "a"), 0);
    cr_assert_eq(symlink("a", "b"), 0);
    char fault[PROGRAM_PATH_FAULT_BYTES];
    cr_expect_eq(check("a", fault), -ELOOP);
}

Test(program_path, a_program_that_is_missing_is_an_error)
{
    expect_fault("program", -ENOENT, "program", "No such file or directory");
}

Test(program_path, a_path_that_was_not_found_is_an_error)
{
    char fault[PROGRAM_PATH_FAULT_BYTES];
    cr_expect_eq(program_path_check("", fault), -ENOENT);
    cr_expect_str_eq(fault, "the path of the program is not known");
}
