/* Four threads log 20,000 lines each while a slow reader takes them: to be built with
 * -fsanitize=thread, under which Criterion doesn't run. Prints one line; exit 0 if each line was
 * read or reported as lost, and those of a thread came in order. */
#include "os/log/log.h"
#include "os/loop/thread.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SPEAKERS = 4, LINES = 20000 };

struct heard {
    int lines, lost, notes;
    int out_of_order;
    int last_of[SPEAKERS];
};

static void speak(void *state)
{
    for (int i = 0; i < LINES; i++) {
        char number[16];
        snprintf(number, sizeof number, "%d", i);
        log_event(LOG_LEVEL_INFO, "said", "by", (const char *)state, "n", number, NULL);
    }
}

static void take(struct heard *heard, const char *line)
{
    int by, number, dropped;
    const char *note = strstr(line, "dropped=");
    if (note && sscanf(note, "dropped=%d", &dropped) == 1) {
        heard->lost += dropped;
        heard->notes++;
    } else if (sscanf(line, "%*s info said by=%d n=%d", &by, &number) == 2) {
        heard->lines++;
        heard->out_of_order += number <= heard->last_of[by];
        heard->last_of[by] = number;
    }
}

static void hear(void *state)
{
    char line[4096];
    struct heard *heard = state;
    FILE *in = fdopen(STDIN_FILENO, "r");
    while (in && fgets(line, sizeof line, in))
        take(heard, line);
}

int main(void)
{
    static char names[SPEAKERS][2] = {"0", "1", "2", "3"};
    struct heard heard = {.last_of = {-1, -1, -1, -1}};
    struct thread *speakers[SPEAKERS];
    int ends[2], kept = dup(STDERR_FILENO);

    log_setup("log_tsan", LOG_LEVEL_INFO, LOG_FORMAT_TEXT, LOG_TARGET_STDERR);
    log_event(LOG_LEVEL_INFO, "before the start", NULL);
    if (kept < 0 || pipe(ends) != 0 || dup2(ends[0], STDIN_FILENO) < 0 ||
        dup2(ends[1], STDERR_FILENO) < 0 || log_start() != 0)
        return 1;
    close(ends[0]);
    close(ends[1]);
    struct thread *reader = thread_start("reader", hear, &heard);
    for (int i = 0; i < SPEAKERS; i++)
        speakers[i] = thread_start("speaker", speak, names[i]);
    for (int i = 0; i < SPEAKERS; i++) {
        thread_join(speakers[i]);
        log_setup("log_tsan", LOG_LEVEL_INFO, LOG_FORMAT_TEXT, LOG_TARGET_STDERR);
    }
    /* On a busy host the reader may need more time than one call waits. */
    for (int i = 0; i < 20; i++)
        log_close();
    dup2(kept, STDERR_FILENO);
    thread_join(reader);
    bool good = heard.lines + heard.lost == SPEAKERS * LINES && heard.out_of_order == 0;
    printf("log: %d lines of %d threads, %d of them lost (%d notes), %d out of order: %s\n",
           SPEAKERS * LINES, SPEAKERS, heard.lost, heard.notes, heard.out_of_order,
           good ? "good" : "BAD");
    return good ? 0 : 1;
}
