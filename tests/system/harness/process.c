/* The programs under test as child processes, and the cleanup process, which kills them and removes
 * their files when the test has ended in any way. */

#define HARNESS_INTERNAL
#include "process.h"
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    CLEANED_PROCESSES_MAX = 256,
    /* The test does not read a server's log all the time: the pipe must hold all of it. */
    PIPE_BYTES = 1 << 20,
};

/* A pipe to the cleanup process: it receives process ids, and cleans up when the pipe is closed. */
static int cleaner_pipe = -1;
static pid_t cleaner_pid;
static char directory[64];

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    (void)remove(path);
    return 0;
}

/* Removes the processes that have ended. Returns how many are left. */
static size_t drop_ended(int *pidfds, size_t count)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++) {
        struct pollfd ended = {.fd = pidfds[i], .events = POLLIN};

        if (poll(&ended, 1, 0) > 0)
            close(pidfds[i]);
        else
            pidfds[kept++] = pidfds[i];
    }
    return kept;
}

/* Runs the cleanup process, which ends after the test, even if that is killed. */
static _Noreturn void run_cleaner(int pipe)
{
    int pidfds[CLEANED_PROCESSES_MAX];
    size_t count = 0;
    pid_t pid;

    /* A process that reads the test's output until its end must not wait for this process. */
    dup2(pipe, STDIN_FILENO);
    close_range(STDOUT_FILENO, ~0U, 0);
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    while (read(STDIN_FILENO, &pid, sizeof pid) == (ssize_t)sizeof pid) {
        int pidfd = pidfd_open(pid, 0);

        count = drop_ended(pidfds, count);
        if (pidfd >= 0 && count < CLEANED_PROCESSES_MAX)
            pidfds[count++] = pidfd;
    }
    for (size_t i = 0; i < count; i++)
        pidfd_send_signal(pidfds[i], SIGKILL, NULL, 0);
    nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    _exit(0);
}

const char *harness_directory(void)
{
    const char *place = getenv("TMPDIR");
    int ends[2];

    if (cleaner_pipe >= 0)
        return directory;
    signal(SIGPIPE, SIG_IGN); /* writing to a closed pipe fails with EPIPE */
    snprintf(directory, sizeof directory, "%s/udpsrv-test-XXXXXX",
             place != NULL && strlen(place) < 30 ? place : "/tmp");
    if (mkdtemp(directory) == NULL || chmod(directory, 0755) < 0 || pipe2(ends, O_CLOEXEC) < 0)
        harness_fail("expected a directory like %s: %s", directory, strerror(errno));
    cleaner_pid = fork();
    if (cleaner_pid < 0)
        harness_fail("expected to fork: %s", strerror(errno));
    if (cleaner_pid == 0) {
        close(ends[1]);
        run_cleaner(ends[0]);
    }
    close(ends[0]);
    cleaner_pipe = ends[1];
    return directory;
}

void cleaner_finish(void)
{
    if (cleaner_pipe < 0)
        return;
    close(cleaner_pipe);
    cleaner_pipe = -1;
    while (waitpid(cleaner_pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

void bytes_add(struct bytes *bytes, const void *data, size_t size)
{
    if (bytes->size + size + 1 > bytes->room) {
        bytes->room = 2 * (bytes->size + size + 1);
        bytes->data = harness_reallocate(bytes->data, bytes->room);
    }
    memcpy(bytes->data + bytes->size, data, size);
    bytes->size += size;
    bytes->data[bytes->size] = '\0';
}

const char *program_path(const char *name)
{
    const char *build = getenv("UDPSRV_BUILD");

    if (strncmp(name, "udp", 3) != 0)
        return name;
    return harness_format("%s/%s", build != NULL ? build : "build", name);
}

static _Noreturn void run_child(harness_prepare *prepare, const int ends[3][2], const char **argv)
{
    sigset_t none;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(ends[0][0], STDIN_FILENO);
    dup2(ends[1][1], STDOUT_FILENO);
    dup2(ends[2][1], STDERR_FILENO);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGINT, SIG_DFL); /* a shell ignores it in the background, and SIGQUIT; nohup SIGHUP */
    signal(SIGQUIT, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
    if (prepare != NULL)
        prepare();
    execvp(argv[0], (char *const *)argv);
    dprintf(STDERR_FILENO, "%s: %s\n", argv[0], strerror(errno));
    _exit(127);
}

void process_start(struct process *process, harness_prepare *prepare, const char *const *argv)
{
    const char *words[HARNESS_ARGUMENTS_MAX + 1];
    int ends[3][2];
    size_t count = 0;

    harness_directory();
    for (; argv[count] != NULL && count < HARNESS_ARGUMENTS_MAX; count++)
        words[count] = program_path(argv[count]);
    words[count] = NULL;
    for (int i = 0; i < 3; i++) {
        if (pipe2(ends[i], O_CLOEXEC) < 0)
            harness_fail("expected a pipe: %s", strerror(errno));
    }
    fcntl(ends[2][0], F_SETPIPE_SZ, PIPE_BYTES);
    *process = (struct process){.in = ends[0][1], .streams = {ends[1][0], ends[2][0]}};
    process->pid = fork();
    if (process->pid == 0)
        run_child(prepare, (const int(*)[2])ends, words);
    if (process->pid < 0 || (process->pidfd = pidfd_open(process->pid, 0)) < 0 ||
        write(cleaner_pipe, &process->pid, sizeof process->pid) != (ssize_t)sizeof process->pid)
        harness_fail("expected to start %s: %s", words[0], strerror(errno));
    close(ends[0][0]);
    close(ends[1][1]);
    close(ends[2][1]);
    fcntl(process->in, F_SETFL, O_NONBLOCK);
    fcntl(process->streams[0], F_SETFL, O_NONBLOCK);
    fcntl(process->streams[1], F_SETFL, O_NONBLOCK);
}

/* Reads all available output. Returns whether there was any, or the end of the stream. */
static bool drain(struct process *process, int i)
{
    char buffer[16384];
    bool any = false;

    while (process->streams[i] >= 0) {
        ssize_t size = read(process->streams[i], buffer, sizeof buffer);

        if (size > 0) {
            bytes_add(&process->texts[i], buffer, (size_t)size);
        } else if (size < 0 && errno == EINTR) {
            continue;
        } else if (size < 0 && errno == EAGAIN) {
            return any;
        } else {
            close(process->streams[i]);
            process->streams[i] = -1;
        }
        any = true;
    }
    return any;
}

static void reap(struct process *process)
{
    int status = 0;

    while (waitpid(process->pid, &status, 0) < 0 && errno == EINTR)
        ;
    close(process->pidfd);
    process->pidfd = -1;
    process->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    process_close_stdin(process);
    /* A grandchild may still have the streams open. The test does not wait for it. */
    for (int i = 0; i < 2; i++) {
        drain(process, i);
        if (process->streams[i] >= 0)
            close(process->streams[i]);
        process->streams[i] = -1;
    }
}

static bool pump(struct process *process, int ms, bool write_too)
{
    struct pollfd waits[4] = {
        {.fd = process->streams[0], .events = POLLIN},
        {.fd = process->streams[1], .events = POLLIN},
        {.fd = process->hands_over ? -1 : process->pidfd, .events = POLLIN},
        {.fd = write_too ? process->in : -1, .events = POLLOUT},
    };
    bool any;

    if (process->pidfd < 0 || poll(waits, 4, ms) <= 0)
        return false;
    any = drain(process, 0);
    any = drain(process, 1) || any;
    if (waits[2].revents != 0)
        reap(process);
    return any || waits[2].revents != 0 || waits[3].revents != 0;
}

bool process_pump(struct process *process, int ms)
{
    return pump(process, ms, false);
}

void process_write(struct process *process, const char *text)
{
    size_t left = strlen(text);

    while (left > 0 && process->in >= 0) {
        ssize_t size = write(process->in, text, left);

        if (size > 0) {
            text += size;
            left -= (size_t)size;
        } else if (errno == EPIPE) {
            process_close_stdin(process);
        } else if (errno == EAGAIN && !pump(process, HARNESS_DEADLINE_MS, true)) {
            harness_fail("expected %d to read its input; %zu bytes are left", (int)process->pid,
                         left);
        }
    }
}

void process_close_stdin(struct process *process)
{
    if (process->in >= 0)
        close(process->in);
    process->in = -1;
}

static const char *text_of(const struct bytes *bytes)
{
    return bytes->data != NULL ? bytes->data : "";
}

void process_await_text(struct process *process, const char *text)
{
    int64_t deadline = harness_now_ms() + HARNESS_DEADLINE_MS;

    while (strstr(text_of(&process->texts[0]), text) == NULL) {
        int64_t left = deadline - harness_now_ms();

        if (process->pidfd < 0 || left <= 0)
            harness_fail("expected the output to hold '%s', it is '%s'; errors: '%s'", text,
                         text_of(&process->texts[0]), text_of(&process->texts[1]));
        process_pump(process, (int)left);
    }
}

int process_wait(struct process *process)
{
    int64_t deadline = harness_now_ms() + HARNESS_DEADLINE_MS;

    while (process->pidfd >= 0) {
        int64_t left = deadline - harness_now_ms();

        if (left <= 0)
            harness_fail("expected process %d to end; output '%s', errors '%s'", (int)process->pid,
                         text_of(&process->texts[0]), text_of(&process->texts[1]));
        process_pump(process, (int)left);
    }
    return process->status;
}

void process_adopt(struct process *process, pid_t pid)
{
    struct pollfd end = {.fd = process->pidfd, .events = POLLIN};
    int status = -1;

    if (poll(&end, 1, HARNESS_DEADLINE_MS) != 1 ||
        waitpid(process->pid, &status, 0) != process->pid || status != 0)
        harness_fail("expected process %d to end with status 0 after it had handed over, it is %x",
                     (int)process->pid, (unsigned)status);
    close(process->pidfd);
    process->hands_over = false;
    process->pid = pid;
    process->pidfd = pidfd_open(pid, 0);
    if (process->pidfd < 0 ||
        write(cleaner_pipe, &process->pid, sizeof process->pid) != (ssize_t)sizeof process->pid)
        harness_fail("expected process %d to run: %s", (int)pid, strerror(errno));
}

void process_kill(struct process *process, int signal)
{
    if (process->pidfd >= 0)
        pidfd_send_signal(process->pidfd, signal, NULL, 0);
}

struct result process_result(struct process *process)
{
    struct result result = {.status = process_wait(process)};

    result.out = text_of(&process->texts[0]);
    result.out_bytes = process->texts[0].size;
    result.err = text_of(&process->texts[1]);
    return result;
}

struct result process_run(harness_prepare *prepare, const char *input, const char *const *argv)
{
    struct process process;

    process_start(&process, prepare, argv);
    if (input != NULL)
        process_write(&process, input);
    process_close_stdin(&process);
    return process_result(&process);
}

size_t arguments_add(const char **argv, size_t count, va_list more)
{
    for (const char *word; (word = va_arg(more, const char *)) != NULL;) {
        if (count == HARNESS_ARGUMENTS_MAX)
            harness_fail("expected at most %d arguments", HARNESS_ARGUMENTS_MAX);
        argv[count++] = word;
    }
    argv[count] = NULL;
    return count;
}

struct result run(const char *input, const char *program, ...)
{
    const char *argv[HARNESS_ARGUMENTS_MAX + 1] = {program};
    va_list more;

    va_start(more, program);
    arguments_add(argv, 1, more);
    va_end(more);
    return process_run(NULL, input, argv);
}

const char *run_ok(const char *input, const char *program, ...)
{
    const char *argv[HARNESS_ARGUMENTS_MAX + 1] = {program};
    struct result result;
    va_list more;

    va_start(more, program);
    arguments_add(argv, 1, more);
    va_end(more);
    result = process_run(NULL, input, argv);
    if (result.status != 0)
        harness_fail("expected %s to end with 0, it was %d; output '%s', errors '%s'", program,
                     result.status, result.out, result.err);
    return result.out;
}
