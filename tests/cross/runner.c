/* Runs the unit tests where Criterion is not available: each test in a process of its own, as many
 * at a time as there are processors. Prints which tests failed and how many ran; exit status 1 if a
 * test failed, or if none ran. Arguments are suites, or tests (suite/name), that are left out.
 * Under an emulator tests take ten times as long, so no timeout is below TIMEOUT_S. */
#include "criterion/criterion.h"
#include "criterion/redirect.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PASSED, FAILED, SKIPPED = 77, TIMEOUT_S = 120, JOBS_MAX = 16 };

static struct cross_suite *suites;
static struct cross_test *tests;
static bool failed; /* the test of this process */

static struct test_process {
    pid_t pid;
    const struct cross_test *test;
    time_t until;
} jobs[JOBS_MAX];

static unsigned counts[SKIPPED + 1];

void cross_add_suite(struct cross_suite *suite)
{
    suite->next = suites;
    suites = suite;
}

void cross_add_test(struct cross_test *test)
{
    test->next = tests;
    tests = test;
}

/* ---- in the process of a test ---- */

void cross_end(void)
{
    fflush(NULL);
    _exit(failed ? FAILED : PASSED);
}

void cross_fail(bool fatal, const char *file, int line, const char *what, const char *format, ...)
{
    va_list arguments;
    failed = true;
    printf("  %s:%d: false: %s%s", file, line, what, *format ? ": " : "");
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
    fflush(stdout);
    if (fatal)
        cross_end();
}

void cross_skip(const char *format, ...)
{
    va_list arguments;
    printf("  skipped: ");
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
    fflush(NULL);
    _exit(SKIPPED);
}

bool cross_strings(const char *a, const char *b, bool same)
{
    bool holds = (strcmp(a, b) == 0) == same;
    if (!holds)
        printf("  '%s'\n  '%s'\n", a, b);
    return holds;
}

static void redirect(int stream)
{
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (null < 0 || dup2(null, stream) < 0)
        cr_assert_fail("/dev/null: %s", strerror(errno));
    close(null);
}

void cr_redirect_stdout(void)
{
    fflush(stdout);
    redirect(STDOUT_FILENO);
}

void cr_redirect_stderr(void)
{
    redirect(STDERR_FILENO);
}

static const struct cross_extra *suite_of(const struct cross_test *test)
{
    static const struct cross_extra none;
    for (const struct cross_suite *suite = suites; suite; suite = suite->next)
        if (strcmp(suite->name, test->suite) == 0)
            return &suite->extra;
    return &none;
}

/* As in Criterion, the suite's init precedes that of the test, and its fini follows. */
static void run_test(const struct cross_test *test)
{
    const struct cross_extra *suite = suite_of(test);
    if (suite->init)
        suite->init();
    if (test->extra.init)
        test->extra.init();
    test->run();
    if (test->extra.fini)
        test->extra.fini();
    if (suite->fini)
        suite->fini();
    cross_end();
}

/* ---- in the parent process ---- */

static void start(struct test_process *job, const struct cross_test *test)
{
    double timeout = test->extra.timeout > 0 ? test->extra.timeout : suite_of(test)->timeout;
    fflush(NULL);
    *job = (struct test_process){.pid = fork(), .test = test};
    if (job->pid == 0) {
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        setpgid(0, 0);
        run_test(test);
    }
    if (job->pid < 0) {
        perror("fork");
        exit(FAILED);
    }
    job->until = time(NULL) + (time_t)(timeout > TIMEOUT_S ? timeout : TIMEOUT_S);
}

static void finish(struct test_process *job, int status)
{
    static const char *const words[] = {
        [PASSED] = "passed", [FAILED] = "FAILED", [SKIPPED] = "skipped"};
    int result = WIFEXITED(status) ? WEXITSTATUS(status) : FAILED;
    if (result != PASSED && result != SKIPPED)
        result = FAILED;
    if (WIFSIGNALED(status))
        printf("  %s\n", strsignal(WTERMSIG(status)));
    if (result != PASSED)
        printf("%s: %s/%s\n", words[result], job->test->suite, job->test->name);
    counts[result]++;
    kill(-job->pid, SIGKILL); /* processes that the test has not ended */
    *job = (struct test_process){0};
}

/* Waits until a test has ended; kills tests that exceed their timeout. */
static void await_one(const sigset_t *children)
{
    const struct timespec second = {.tv_sec = 1};
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) == 0) {
        for (size_t i = 0; i < JOBS_MAX; i++)
            if (jobs[i].pid > 0 && time(NULL) > jobs[i].until)
                kill(jobs[i].pid, SIGKILL);
        sigtimedwait(children, NULL, &second);
    }
    for (size_t i = 0; i < JOBS_MAX; i++)
        if (pid > 0 && jobs[i].pid == pid)
            finish(&jobs[i], status);
}

static struct test_process *free_job(size_t limit)
{
    for (size_t i = 0; i < limit; i++)
        if (jobs[i].pid == 0)
            return &jobs[i];
    return NULL;
}

static bool is_left_out(const struct cross_test *test, char *const *names)
{
    char name[256];
    snprintf(name, sizeof name, "%s/%s", test->suite, test->name);
    for (; *names; names++)
        if (strcmp(*names, name) == 0 || strcmp(*names, test->suite) == 0)
            return true;
    return false;
}

int main(int argc, char **argv)
{
    int processors = get_nprocs();
    size_t limit = processors < JOBS_MAX ? (size_t)processors : JOBS_MAX;
    unsigned running = 0, left_out = 0;
    sigset_t children;
    (void)argc;
    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    sigprocmask(SIG_BLOCK, &children, NULL);
    for (const struct cross_test *test = tests; test || running > 0;) {
        struct test_process *job = test ? free_job(limit) : NULL;
        if (!job) {
            await_one(&children);
            running--;
            continue;
        }
        bool out = is_left_out(test, argv + 1);
        if (!out)
            start(job, test);
        running += !out;
        left_out += out;
        test = test->next;
    }
    printf("%u unit tests passed, %u failed, %u skipped, %u left out\n", counts[PASSED],
           counts[FAILED], counts[SKIPPED], left_out);
    return counts[FAILED] == 0 && counts[PASSED] > 0 ? PASSED : FAILED;
}
