#include "os/process/child_process.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FIRST_DESCRIPTOR = 3 /* after standard input, output and error */ };

/* Under another number the descriptor is not close-on-exec: dup2(2) with two equal numbers changes
 * nothing. */
static int descriptor_in_child(int descriptor)
{
    return descriptor == FIRST_DESCRIPTOR ? FIRST_DESCRIPTOR + 1 : FIRST_DESCRIPTOR;
}

/* Returns the environment of this process and the variables, which the caller frees, or NULL. */
static char **make_environment(const char *const *variables, char *last)
{
    size_t count = 0, own = 0;
    while (environ != NULL && environ[own] != NULL)
        own++;
    char **made = calloc(own + CHILD_PROCESS_VARIABLES_MAX + 2, sizeof made[0]);
    if (made == NULL)
        return NULL;
    for (; count < own; count++)
        made[count] = environ[count];
    for (; *variables != NULL; variables++)
        made[count++] = (char *)*variables;
    made[count] = last;
    return made;
}

/* Signals are blocked in this process, and some are ignored; programs expect SIGPIPE and SIGXFSZ to
 * be as usual. */
static int set_signals(posix_spawnattr_t *attributes)
{
    sigset_t none, usual;
    sigemptyset(&none);
    sigemptyset(&usual);
    sigaddset(&usual, SIGPIPE);
    sigaddset(&usual, SIGXFSZ);
    int error = posix_spawnattr_setsigmask(attributes, &none);
    if (error == 0)
        error = posix_spawnattr_setsigdefault(attributes, &usual);
    if (error == 0)
        error =
            posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    return error;
}

/* Returns 0 or an errno. */
static int spawn(pid_t *pid, const struct child_process_options *options, char **environment)
{
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t actions;
    int error = posix_spawnattr_init(&attributes);
    if (error != 0)
        return error;
    error = posix_spawn_file_actions_init(&actions);
    if (error == 0) {
        error = posix_spawn_file_actions_adddup2(&actions, options->descriptor,
                                                 descriptor_in_child(options->descriptor));
        if (error == 0)
            error = set_signals(&attributes);
        if (error == 0)
            error = posix_spawn(pid, options->path, &actions, &attributes, options->arguments,
                                environment);
        posix_spawn_file_actions_destroy(&actions);
    }
    posix_spawnattr_destroy(&attributes);
    return error;
}

int child_process_start(struct child_process *child, const struct child_process_options *options)
{
    char last[64];
    snprintf(last, sizeof last, "%s=%d", options->descriptor_variable,
             descriptor_in_child(options->descriptor));
    *child = (struct child_process){.pid = 0};
    char **environment = make_environment(options->variables, last);
    if (environment == NULL)
        return -ENOMEM;
    int error = spawn(&child->pid, options, environment);
    free(environment);
    if (error != 0)
        child->pid = 0;
    return -error;
}

bool child_process_has_ended(struct child_process *child)
{
    pid_t ended = child->pid != 0 ? waitpid(child->pid, &child->status, WNOHANG) : 0;
    if (child->pid != 0 && (ended == child->pid || (ended < 0 && errno != EINTR))) {
        child->is_status_known = ended == child->pid;
        child->pid = 0;
    }
    return child->pid == 0;
}

void child_process_signal(const struct child_process *child, int signal)
{
    if (child->pid > 0)
        kill(child->pid, signal);
}

void child_process_kill(const struct child_process *child)
{
    child_process_signal(child, SIGKILL);
}

const char *child_process_end(const struct child_process *child, char text[CHILD_PROCESS_END_BYTES])
{
    if (child->is_status_known && WIFEXITED(child->status))
        snprintf(text, CHILD_PROCESS_END_BYTES, "it ended with exit status %d",
                 WEXITSTATUS(child->status));
    else if (child->is_status_known && WIFSIGNALED(child->status))
        snprintf(text, CHILD_PROCESS_END_BYTES, "it was ended by signal %d",
                 WTERMSIG(child->status));
    else
        snprintf(text, CHILD_PROCESS_END_BYTES, "it ended");
    return text;
}

int child_process_take_descriptor(const char *variable)
{
    const char *text = getenv(variable);
    char *end;
    if (text == NULL)
        return -ENOENT;
    errno = 0;
    long number = strtol(text, &end, 10);
    bool is_good = *text >= '0' && *text <= '9' && *end == '\0' && errno == 0 &&
                   number >= FIRST_DESCRIPTOR && number <= INT_MAX;
    unsetenv(variable);
    return is_good ? (int)number : -EINVAL;
}

pid_t child_process_own_id(void)
{
    return getpid();
}
