/* A program that is started: its descriptor, its environment, and its end. */
#include "os/process/child_process.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(child_process);

static const char *const NO_VARIABLES[] = {NULL};

/* Starts a shell that gets the end of a pipe as the descriptor $OUT. Returns the other end. */
static int start_shell(struct child_process *child, const char *script,
                       const char *const *variables)
{
    char *arguments[] = {"sh", "-c", (char *)script, NULL};
    int ends[2];
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    const struct child_process_options options = {.path = "/bin/sh",
                                                  .arguments = arguments,
                                                  .variables = variables,
                                                  .descriptor_variable = "OUT",
                                                  .descriptor = ends[1]};
    cr_assert_eq(child_process_start(child, &options), 0);
    close(ends[1]);
    return ends[0];
}

static const char *read_all(int pipe)
{
    static char text[4096];
    size_t size = 0;
    for (ssize_t got; (got = read(pipe, text + size, sizeof text - 1 - size)) > 0;)
        size += (size_t)got;
    text[size] = '\0';
    close(pipe);
    return text;
}

/* Leaves its exit status to child_process_has_ended. */
static void await_end(struct child_process *child)
{
    siginfo_t end;
    cr_assert_eq(waitid(P_PID, (id_t)child->pid, &end, WEXITED | WNOWAIT), 0);
    cr_assert(child_process_has_ended(child));
}

Test(child_process, the_program_has_the_descriptor_that_the_variable_names)
{
    struct child_process child;
    int out = start_shell(&child, "echo hello >&$OUT", NO_VARIABLES);
    cr_expect_str_eq(read_all(out), "hello\n");
    await_end(&child);
}

Test(child_process, the_program_has_no_other_descriptor)
{
    struct child_process child;
    int other = fcntl(0, F_DUPFD_CLOEXEC, 50);
    int out = start_shell(&child,
                          "for i in /proc/$$/fd/*; do echo ${i##*/}; done | grep -vE "
                          "'^([0-2]|'$OUT')$' >&$OUT; echo end >&$OUT",
                          NO_VARIABLES);
    /* The shell itself may keep some above 9. */
    const char *text = read_all(out);
    cr_expect_eq(strstr(text, "50"), NULL, "%s", text);
    cr_expect_neq(strstr(text, "end"), NULL);
    await_end(&child);
    close(other);
}

Test(child_process, it_has_the_environment_of_this_process_and_the_variables)
{
    static const char *const variables[] = {"FIRST_OF_THE_TEST=two words", "SECOND_OF_THE_TEST=3",
                                            NULL};
    struct child_process child;
    setenv("OWN_OF_THE_TEST", "1", 1);
    int out = start_shell(&child,
                          "echo \"$OWN_OF_THE_TEST,$FIRST_OF_THE_TEST,$SECOND_OF_THE_TEST\" >&$OUT",
                          variables);
    cr_expect_str_eq(read_all(out), "1,two words,3\n");
    cr_expect_eq(getenv("FIRST_OF_THE_TEST"), NULL);
    await_end(&child);
}

Test(child_process, no_signal_is_blocked_in_it)
{
    struct child_process child;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int out = start_shell(&child, "grep ^SigBlk /proc/self/status >&$OUT", NO_VARIABLES);
    cr_expect_str_eq(read_all(out), "SigBlk:\t0000000000000000\n");
    await_end(&child);
}

Test(child_process, a_broken_pipe_ends_it_although_this_process_ignores_it)
{
    struct child_process child;
    char text[CHILD_PROCESS_END_BYTES];
    signal(SIGPIPE, SIG_IGN);
    close(start_shell(&child, "kill -PIPE $$", NO_VARIABLES));
    await_end(&child);
    cr_expect_str_eq(child_process_end(&child, text), "it was ended by signal 13");
}

Test(child_process, the_limit_of_file_sizes_ends_it_although_this_process_ignores_it)
{
    struct child_process child;
    char text[CHILD_PROCESS_END_BYTES];
    signal(SIGXFSZ, SIG_IGN);
    close(start_shell(&child, "kill -XFSZ $$", NO_VARIABLES));
    await_end(&child);
    cr_expect_str_eq(child_process_end(&child, text), "it was ended by signal 25");
}

Test(child_process, its_exit_status_is_known_after_its_end)
{
    struct child_process child;
    char text[CHILD_PROCESS_END_BYTES];
    close(start_shell(&child, "exit 7", NO_VARIABLES));
    await_end(&child);
    cr_expect_str_eq(child_process_end(&child, text), "it ended with exit status 7");
    cr_expect(child_process_has_ended(&child), "it does not end twice");
}

Test(child_process, a_program_that_is_killed_was_ended_by_a_signal)
{
    struct child_process child;
    char text[CHILD_PROCESS_END_BYTES];
    int out = start_shell(&child, "echo >&$OUT; exec sleep 100", NO_VARIABLES);
    char byte;
    cr_assert_eq(read(out, &byte, 1), 1);
    cr_expect_not(child_process_has_ended(&child));
    child_process_kill(&child);
    await_end(&child);
    cr_expect_str_eq(child_process_end(&child, text), "it was ended by signal 9");
    close(out);
}

Test(child_process, no_zombie_stays)
{
    struct child_process child;
    close(start_shell(&child, "exit 0", NO_VARIABLES));
    pid_t pid = child.pid;
    await_end(&child);
    cr_expect_eq(kill(pid, 0), -1);
    cr_expect_eq(errno, ESRCH);
}

/* posix_spawn has the error of exec(2) from the memory that it shares with the new process. */
static void skip_without_shared_memory(void)
{
    if (getenv("UDPSRV_VALGRIND"))
        cr_skip("valgrind forks for CLONE_VM, so that posix_spawn has no error of exec");
}

static int start_error(const char *path)
{
    struct child_process child;
    char *arguments[] = {"program", NULL};
    const struct child_process_options options = {.path = path,
                                                  .arguments = arguments,
                                                  .variables = NO_VARIABLES,
                                                  .descriptor_variable = "OUT",
                                                  .descriptor = 1};
    int error = child_process_start(&child, &options);
    cr_expect_eq(child.pid, 0);
    cr_expect(child_process_has_ended(&child));
    return error;
}

Test(child_process, a_program_that_is_missing_is_an_error)
{
    skip_without_shared_memory();
    cr_expect_eq(start_error("/nonexistent/program"), -ENOENT);
}

Test(child_process, a_file_that_is_not_executable_is_an_error)
{
    skip_without_shared_memory();
    cr_expect_eq(start_error("/etc/passwd"), -EACCES);
}

Test(child_process, the_descriptor_of_a_variable_is_taken_once)
{
    setenv("OUT", "17", 1);
    cr_expect_eq(child_process_take_descriptor("OUT"), 17);
    cr_expect_eq(child_process_take_descriptor("OUT"), -ENOENT);
}

Test(child_process, what_is_no_descriptor_above_the_standard_ones_is_an_error)
{
    static const char *const wrong[] = {"", "x", "2", "-1", "3x", " 3", "99999999999"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        setenv("OUT", wrong[i], 1);
        cr_expect_eq(child_process_take_descriptor("OUT"), -EINVAL, "'%s'", wrong[i]);
    }
}
