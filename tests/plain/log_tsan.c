/* The log under ThreadSanitizer: four threads log 20,000 lines each while a slow reader reads them.
 * It is a program of its own because Criterion crashes when it is built with -fsanitize=thread.
 * Prints one line; exits with 0 if each line was read or reported as dropped, and the lines of each
 * thread were in order. */
#include "os/log/log.h"
#include "os/loop/thread.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WRITERS = 4, LINES = 20000 };

struct received {
    int lines, dropped, notices;
    int out_of_order;
    int last_of[WRITERS];
};

static void write_lines(void *state)
{
    for (int i = 0; i < LINES; i++) {
        char number[16];
        snprintf(number, sizeof number, "%d", i);
        log_event(LOG_LEVEL_INFO, "test line", "thread", (const char *)state, "n", number, NULL);
    }
}

static void count_line(struct received *received, const char *line)
{
    int thread, number, dropped;
    const char *notice = strstr(line, "dropped=");
    if (notice && sscanf(notice, "dropped=%d", &dropped) == 1) {
        received->dropped += dropped;
        received->notices++;
    } else if (sscanf(line, "%*s info test line thread=%d n=%d", &thread, &number) == 2) {
        received->lines++;
        received->out_of_order += number <= received->last_of[thread];
        received->last_of[thread] = number;
    }
}

static void read_lines(void *state)
{
    char line[4096];
    struct received *received = state;
    FILE *in = fdopen(STDIN_FILENO, "r");
    while (in && fgets(line, sizeof line, in))
        count_line(received, line);
}

int main(void)
{
    static char names[WRITERS][2] = {"0", "1", "2", "3"};
    struct received received = {.last_of = {-1, -1, -1, -1}};
    struct thread *writers[WRITERS];
    int pipe_fds[2], saved_stderr = dup(STDERR_FILENO);

    log_setup("log_tsan", LOG_LEVEL_INFO, LOG_FORMAT_TEXT, LOG_TARGET_STDERR);
    log_event(LOG_LEVEL_INFO, "before the start", NULL);
    if (saved_stderr < 0 || pipe(pipe_fds) != 0 || dup2(pipe_fds[0], STDIN_FILENO) < 0 ||
        dup2(pipe_fds[1], STDERR_FILENO) < 0 || log_start() != 0)
        return 1;
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    struct thread *reader = thread_start("reader", read_lines, &received);
    for (int i = 0; i < WRITERS; i++)
        writers[i] = thread_start("writer", write_lines, names[i]);
    for (int i = 0; i < WRITERS; i++) {
        thread_join(writers[i]);
        log_setup("log_tsan", LOG_LEVEL_INFO, LOG_FORMAT_TEXT, LOG_TARGET_STDERR);
    }
    /* On a busy host the reader may need more time than one call waits. */
    for (int i = 0; i < 20; i++)
        log_close();
    dup2(saved_stderr, STDERR_FILENO);
    thread_join(reader);
    bool good = received.lines + received.dropped == WRITERS * LINES && received.out_of_order == 0;
    printf("log: %d lines of %d threads, %d of them dropped (%d notices), %d out of order: %s\n",
           WRITERS * LINES, WRITERS, received.dropped, received.notices, received.out_of_order,
           good ? "good" : "BAD");
    return good ? 0 : 1;
}
