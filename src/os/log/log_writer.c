#include "os/log/log_writer.h"

#include "base/ring_buffer.h"
#include "os/loop/thread.h"
#include "os/loop/wakeup.h"
#include "os/process/clock.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

struct record {
    struct record *next;
    struct log_line line;
    char text[];
};

static struct {
    pthread_mutex_t lock; /* held for copying a line, never for writing it */
    struct ring_buffer ring;
    struct record *first, *last; /* queued, in order */
    uint64_t lost;               /* lines that were removed to make space, before the first */
    bool idle;                   /* the thread waits for a line */
    bool ending;

    struct thread *thread;
    int wake, ended; /* wake the thread; report its end (os/loop/wakeup) */
    struct log_sink sink;
    log_writer_note *note;
    struct log_line taken; /* used by the thread, with the text below */
    char text[LOG_TEXT_BYTES];
    uint64_t unreported; /* used by the thread: lost lines that are not yet reported */
} writer = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = -1, .ended = -1};

static _Alignas(RING_BUFFER_ALIGNMENT) uint8_t memory[LOG_QUEUE_BYTES];

/* ---- The queue ---- */

static void remove_first(void)
{
    struct record *record = writer.first;
    writer.first = record->next;
    ring_buffer_release(&writer.ring, record);
}

static void push(const struct log_line *line)
{
    struct record *record;

    if (writer.ring.bytes == NULL)
        ring_buffer_init(&writer.ring, memory, sizeof memory);
    /* The oldest lines are removed: the last events matter most, above all before the end. */
    while ((record = ring_buffer_push(&writer.ring, sizeof *record + line->size)) == NULL) {
        remove_first();
        writer.lost++;
    }
    record->next = NULL;
    record->line = *line;
    memcpy(record->text, line->text, line->size);
    if (writer.first == NULL)
        writer.first = record;
    else
        writer.last->next = record;
    writer.last = record;
}

void log_writer_put(const struct log_line *line)
{
    pthread_mutex_lock(&writer.lock);
    push(line);
    bool wakes = writer.idle;
    writer.idle = false;
    pthread_mutex_unlock(&writer.lock);
    if (wakes)
        wakeup_post(writer.wake);
}

/* Removes the next line from the queue. Returns false if there is none; *ended is then true if none
 * will come. */
static bool take(bool *ended)
{
    pthread_mutex_lock(&writer.lock);
    bool taken = writer.first != NULL;
    if (taken) {
        writer.taken = writer.first->line;
        writer.taken.text = writer.text;
        memcpy(writer.text, writer.first->text, writer.taken.size);
        remove_first();
        writer.unreported += writer.lost;
        writer.lost = 0;
    }
    *ended = !taken && writer.ending;
    writer.idle = !taken && !writer.ending;
    pthread_mutex_unlock(&writer.lock);
    return taken;
}

/* ---- Writing ---- */

static void report_lost(uint64_t wall_ms)
{
    char text[LOG_TEXT_BYTES];
    struct log_line line;

    if (writer.unreported == 0)
        return;
    writer.note(&line, text, writer.unreported);
    line.wall_ms = wall_ms;
    if (log_sink_write(&writer.sink, &line) == 0)
        writer.unreported = 0;
}

static void write_queued(bool *ended)
{
    while (take(ended)) {
        report_lost(writer.taken.wall_ms);
        if (log_sink_write(&writer.sink, &writer.taken) != 0)
            writer.unreported++;
    }
}

static void run(void *state)
{
    bool ended;

    (void)state;
    do
        write_queued(&ended);
    while (!ended && wakeup_take(writer.wake));
    report_lost(clock_wall_ms());
    wakeup_post(writer.ended);
}

/* ---- Start and stop ---- */

static void close_wakeups(void)
{
    if (writer.wake >= 0)
        close(writer.wake);
    if (writer.ended >= 0)
        close(writer.ended);
    writer.wake = writer.ended = -1;
}

int log_writer_start(const char *name, log_writer_note *note)
{
    writer.note = note;
    writer.ending = false;
    writer.wake = wakeup_open(WAKEUP_BLOCKING);
    writer.ended = wakeup_open(WAKEUP_POLLED);
    log_sink_init(&writer.sink, name, LOG_SINK_PATH, writer.wake);
    int error = writer.wake < 0 ? writer.wake : writer.ended < 0 ? writer.ended : 0;
    if (!error) {
        writer.thread = thread_start("log", run, NULL);
        error = writer.thread != NULL ? 0 : -errno;
    }
    if (error)
        close_wakeups();
    return error;
}

/* The caller writes the queued lines, as far as that is possible without waiting. */
static void write_without_waiting(const char *name, log_writer_note *note)
{
    bool ended;

    writer.note = note;
    log_sink_init(&writer.sink, name, LOG_SINK_PATH, -1);
    write_queued(&ended);
    report_lost(clock_wall_ms());
    writer.idle = false;
    log_sink_close(&writer.sink);
}

static bool has_ended(uint64_t until_ms)
{
    struct pollfd wait = {.fd = writer.ended, .events = POLLIN};
    uint64_t now_ms;

    while ((now_ms = clock_now_ms()) < until_ms)
        if (poll(&wait, 1, (int)(until_ms - now_ms)) == 1)
            return true;
    return false;
}

void log_writer_stop(const char *name, log_writer_note *note)
{
    pthread_mutex_lock(&writer.lock);
    bool empty = writer.first == NULL;
    pthread_mutex_unlock(&writer.lock);
    if (writer.thread == NULL && empty)
        return;
    if (writer.thread == NULL && log_writer_start(name, note) != 0) {
        write_without_waiting(name, note);
        return;
    }
    pthread_mutex_lock(&writer.lock);
    writer.ending = true;
    writer.idle = false;
    pthread_mutex_unlock(&writer.lock);
    wakeup_post(writer.wake);
    if (!has_ended(clock_now_ms() + LOG_STOP_MS_MAX))
        return;
    thread_join(writer.thread);
    writer.thread = NULL;
    log_sink_close(&writer.sink);
    close_wakeups();
}
