#ifndef OS_PROCESS_CHILD_PROCESS_H
#define OS_PROCESS_CHILD_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* A program that this process starts, and whose end it waits for. */

enum {
    CHILD_PROCESS_END_BYTES = 64, /* a text that says how it has ended */
    CHILD_PROCESS_VARIABLES_MAX = 8,
};

struct child_process {
    pid_t pid;  /* 0: there is none, or its end was noticed */
    int status; /* of waitpid(2), after its end */
    bool is_status_known;
};

struct child_process_options {
    const char *path;
    char *const *arguments; /* with the name of the program, up to NULL */
    /* "NAME=value" up to NULL, at most CHILD_PROCESS_VARIABLES_MAX, which are added to the
     * environment of this process. */
    const char *const *variables;
    const char *descriptor_variable; /* the name of one more, whose value is a descriptor: */
    int descriptor; /* the program has this one beside 0, 1 and 2, under another number */
};

/* Starts a program with the environment and the working directory of this process, and with no
 * signal blocked. All other descriptors have to be close-on-exec. Returns 0 or -errno (-ENOENT,
 * -EACCES, -ENOEXEC: it cannot be executed). */
int child_process_start(struct child_process *child, const struct child_process_options *options);

/* Whether it has ended; frees its entry in the table of processes then. Does not wait: ask again
 * when SIGCHLD was received. True also if there is none. */
bool child_process_has_ended(struct child_process *child);

/* Ends it at once (SIGKILL), if it runs. It has to be asked for with child_process_has_ended
 * nevertheless. */
void child_process_kill(const struct child_process *child);

/* Sends it a signal, if it runs. */
void child_process_signal(const struct child_process *child, int signal);

/* Writes how it has ended: "it ended with exit status 1". Returns text. */
const char *child_process_end(const struct child_process *child,
                              char text[CHILD_PROCESS_END_BYTES]);

/* Returns the descriptor of descriptor_variable in a program that was started so, and removes the
 * variable from the environment, so that no other program takes it for its own. Returns -ENOENT if
 * it is not set, -EINVAL if it is no number above 2. Call it before the first thread starts. */
int child_process_take_descriptor(const char *variable);

/* The id of this process. */
pid_t child_process_own_id(void);

#endif
