/* Runs the whole server on a simulated kernel and network, once for each seed. */
#include "sim/core/coverage.h"
#include "sim/net/offload_program.h"
#include "sim/run.h"
#include "sim/world/drawn_keys.h"
#include "sim/world/reductions.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    RUN_MAX_S = 300, /* of processor time; most runs take some milliseconds, few a minute */
    JOBS_MAX = 256,
};

struct arguments {
    uint64_t first, count;
    unsigned jobs;
    const char *coverage; /* the path of the profile, NULL: none */
    bool describe;        /* only print what the first seed draws */
    bool keys;            /* only check that each key of the configuration is drawn */
    bool models;          /* only test the models of the kernel's programs */
    char replay[4096];    /* the command, without the seed */
    struct run_options run;
};

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int usage(void)
{
    fprintf(
        stderr,
        "usage: sim [--seed=N] [--seeds=N] [--jobs=N] [--verbose] [--hash] [--log] "
        "[--break=ORACLE] [--coverage=FILE]\n"
        "           [--describe] [--keys] [--models] [--variant=N] [--workers=N] [--clients=LIST] "
        "[--duration=MS] [--without=NAME,...] [--steady]\n");
    return 2;
}

/* The options that change a run belong to the command that replays it. */
static void write_replay(struct arguments *arguments, int argc, char **argv)
{
    static const char *const others[] = {"--seed",    "--jobs", "--coverage",
                                         "--verbose", "--log",  "--hash"};
    size_t at = (size_t)snprintf(arguments->replay, sizeof arguments->replay, "%s", argv[0]);
    for (int i = 1; i < argc && at < sizeof arguments->replay; i++) {
        bool changes = true;
        for (size_t k = 0; k < sizeof others / sizeof others[0]; k++)
            changes &= strncmp(argv[i], others[k], strlen(others[k])) != 0;
        if (changes)
            at += (size_t)snprintf(arguments->replay + at, sizeof arguments->replay - at, " %s",
                                   argv[i]);
    }
}

static bool read_arguments(struct arguments *arguments, int argc, char **argv)
{
    *arguments = (struct arguments){.first = 1, .count = 1, .jobs = 2};
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--seed=", 7) == 0)
            arguments->first = strtoull(argv[i] + 7, NULL, 10);
        else if (strncmp(argv[i], "--seeds=", 8) == 0)
            arguments->count = strtoull(argv[i] + 8, NULL, 10);
        else if (strncmp(argv[i], "--jobs=", 7) == 0)
            arguments->jobs = (unsigned)strtoul(argv[i] + 7, NULL, 10);
        else if (strncmp(argv[i], "--break=", 8) == 0)
            arguments->run.broken = argv[i] + 8;
        else if (strncmp(argv[i], "--coverage=", 11) == 0)
            arguments->coverage = argv[i] + 11;
        else if (strcmp(argv[i], "--verbose") == 0)
            arguments->run.verbose = true;
        else if (strcmp(argv[i], "--log") == 0)
            arguments->run.log = true;
        else if (strcmp(argv[i], "--hash") == 0)
            arguments->run.hash = true;
        else if (strcmp(argv[i], "--describe") == 0)
            arguments->describe = true;
        else if (strcmp(argv[i], "--keys") == 0)
            arguments->keys = true;
        else if (strcmp(argv[i], "--models") == 0)
            arguments->models = true;
        else if (!reductions_read(argv[i]))
            return false;
    }
    write_replay(arguments, argc, argv);
    return arguments->jobs > 0 && arguments->jobs <= JOBS_MAX && arguments->count > 0;
}

/* The seeds of the processes that run. */
static struct {
    pid_t process;
    uint64_t seed;
} children[JOBS_MAX];

static void remember(pid_t process, uint64_t seed)
{
    size_t i = 0;
    while (children[i].process != 0)
        i++;
    children[i].process = process;
    children[i].seed = seed;
}

static uint64_t forget(pid_t process)
{
    size_t i = 0;
    while (children[i].process != process)
        i++;
    children[i].process = 0;
    return children[i].seed;
}

/* Starts a process for a seed, since the server has static state. */
static void start(struct arguments *arguments, uint64_t seed)
{
    static char replay[sizeof arguments->replay + 32];
    fflush(NULL);
    pid_t child = fork();
    if (child < 0) {
        perror("sim: fork");
        exit(1);
    }
    if (child > 0) {
        remember(child, seed);
        return;
    }
    setrlimit(RLIMIT_CPU, &(struct rlimit){RUN_MAX_S, RUN_MAX_S});
    snprintf(replay, sizeof replay, "%s --seed=%" PRIu64, arguments->replay, seed);
    arguments->run.replay = replay;
    int status = run_seed(seed, &arguments->run);
    coverage_add();
    fflush(NULL);
    if (run_has_crashed())
        _exit(status); /* LeakSanitizer would find the memory of the server that crashed */
    exit(status);
}

/* Waits for one; returns whether it has kept all promises. */
static bool wait_for_one(const struct arguments *arguments)
{
    int status;
    pid_t child = wait(&status);
    if (child < 0)
        return false;
    uint64_t seed = forget(child);
    if (WIFSIGNALED(status))
        fprintf(stderr,
                "seed %" PRIu64 ": ended by signal %d (%s)\nreplay: %s --seed=%" PRIu64 "\n", seed,
                WTERMSIG(status), strsignal(WTERMSIG(status)), arguments->replay, seed);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void show(uint64_t done, uint64_t failed, double since, bool last)
{
    double seconds = now() - since;
    if (!isatty(STDOUT_FILENO) && !last)
        return;
    printf("\r%" PRIu64 " seeds, %.0f a second, %" PRIu64 " failed%s", done,
           (double)done / (seconds > 0 ? seconds : 1), failed, last ? "\n" : "");
    fflush(stdout);
}

int main(int argc, char **argv)
{
    struct arguments arguments;
    if (!read_arguments(&arguments, argc, argv))
        return usage();
    if (arguments.coverage != NULL && !coverage_begin()) {
        fprintf(stderr, "sim: cannot write %s: this build does not count\n", arguments.coverage);
        return 1;
    }
    if (arguments.describe) {
        run_describe(arguments.first);
        return 0;
    }
    if (arguments.keys)
        return !drawn_keys_check();
    if (arguments.models)
        return !program_test();
    uint64_t next = arguments.first, end = arguments.first + arguments.count, done = 0, failed = 0;
    unsigned running = 0;
    double since = now(), shown = 0;
    while (done < arguments.count && (failed == 0 || running > 0)) {
        if (running < arguments.jobs && next < end && failed == 0) {
            start(&arguments, next++);
            running++;
            continue;
        }
        failed += !wait_for_one(&arguments);
        running--;
        done++;
        if (now() - shown > 0.2) {
            shown = now();
            show(done, failed, since, false);
        }
    }
    show(done, failed, since, true);
    if (failed == 0 && arguments.coverage != NULL && !coverage_write(arguments.coverage)) {
        fprintf(stderr, "sim: cannot write %s\n", arguments.coverage);
        return 1;
    }
    return failed > 0;
}
