#include "server/publish/publish_queue.h"

#include "os/file/journal_file.h"
#include "os/log/log.h"
#include "server/publish/publish_restore.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REFUSAL_BYTES = 512 };

/* An entry that waits for its turn. */
struct entry {
    struct entry *next;
    struct publish_key key;
    uint64_t entries_added;
    struct broadcast_job *job; /* prepared */
    publish_decided *decided;
    void *state;
};

/* The entry that was begun last, until the next one may begin. */
struct current {
    bool is_recording;         /* the journal is being written; it is the first that waits */
    bool has_job, has_started; /* its job was queued, and sends */
    uint64_t job;              /* its id */
    struct device_name stream;
    struct publish_stream before; /* what its stream was without it; of name size 0: it was new */
};

struct publish_queue {
    struct publish_queue_options options;
    struct publish_streams streams;
    struct publish_counts counts;
    struct entry *first, **end;
    struct current current;
    bool is_advancing, is_held, is_stopped, is_closed;
    bool is_last_written;  /* what publish_queue_finish writes; or it was tried */
    bool has_warned;       /* that a restart forgets the streams */
    struct loop_task next; /* what follows the end of a job */

    struct journal_file *journal; /* NULL: there is none */
    struct journal_write write;
    bool is_writing;
    bool has_failed;  /* the last write: it was logged */
    bool can_append;  /* the journal is this process's */
    size_t size;      /* of the journal */
    struct callback { /* run is NULL: nothing waits */
        loop_callback *run;
        void *state;
    } hold, finish;
    uint8_t buffer[PUBLISH_JOURNAL_BYTES_MAX];
};

/* Calls it once. */
static void call(struct callback *callback)
{
    struct callback copy = *callback;
    callback->run = NULL;
    if (copy.run != NULL)
        copy.run(copy.state);
}

/* ---- the entries that wait ---- */

static void append_entry(struct publish_queue *queue, struct entry *entry)
{
    *queue->end = entry;
    queue->end = &entry->next;
    queue->counts.waiting++;
}

static struct entry *take_entry(struct publish_queue *queue)
{
    struct entry *entry = queue->first;
    queue->first = entry->next;
    if (queue->first == NULL)
        queue->end = &queue->first;
    queue->counts.waiting--;
    return entry;
}

/* Frees an entry without a job, after it is decided. */
static void decide(struct entry *entry, const struct publish_decision *decision)
{
    entry->decided(entry->state, decision);
    free(entry);
}

static void discard(struct entry *entry, const struct publish_decision *decision)
{
    jobs_discard(entry->job);
    decide(entry, decision);
}

static void refuse(struct entry *entry, bool is_passing, const char *refusal)
{
    discard(entry, &(struct publish_decision){
                       .outcome = PUBLISH_REFUSED, .refusal = refusal, .is_passing = is_passing});
}

/* Refuses the entries that wait at this time, in their order. */
static void refuse_all(struct publish_queue *queue, const char *refusal)
{
    for (uint64_t left = queue->counts.waiting; left > 0; left--)
        refuse(take_entry(queue), true, refusal);
}

/* ---- the journal ---- */

static void mark_all_changed(struct publish_queue *queue)
{
    queue->streams.has_removed = true; /* a write that has failed may have removed one */
    for (size_t i = 0; i < queue->streams.count; i++)
        queue->streams.list[i].is_changed = true;
}

/* The entries that wait are reserved, except those of streams that are not in the table yet. */
static void reserve(struct publish_queue *queue)
{
    for (size_t i = 0; i < queue->streams.count; i++)
        queue->streams.list[i].record.reserved = queue->streams.list[i].record.last;
    for (const struct entry *entry = queue->first; entry != NULL; entry = entry->next) {
        struct publish_stream *stream = publish_streams_find(&queue->streams, &entry->key.stream);
        if (stream != NULL && entry_id_compare(&entry->key.id, &stream->record.reserved) > 0)
            stream->record.reserved = entry->key.id;
    }
}

static void on_written(struct journal_write *write);

static void post(struct publish_queue *queue, enum journal_step step, size_t size)
{
    queue->size = step == JOURNAL_REPLACE ? size : queue->size + size;
    queue->is_writing = true;
    queue->write = (struct journal_write){
        .step = step, .bytes = queue->buffer, .size = size, .done = on_written};
    journal_file_post(queue->journal, &queue->write);
}

static void replace_journal(struct publish_queue *queue)
{
    reserve(queue);
    post(queue, JOURNAL_REPLACE, publish_streams_write_all(&queue->streams, queue->buffer));
}

static void append_to_journal(struct publish_queue *queue)
{
    post(queue, JOURNAL_APPEND, publish_streams_write_changed(&queue->streams, queue->buffer));
}

/* Only what is written before an entry is sent has to be on the disk. */
static void write_changes(struct publish_queue *queue)
{
    if (queue->can_append && !queue->streams.has_removed &&
        queue->size + PUBLISH_JOURNAL_BYTES_MAX <= STATE_STREAMS_BYTES_MAX)
        append_to_journal(queue);
    else
        replace_journal(queue);
}

static const char *log_failure(struct publish_queue *queue, int error, char refusal[REFUSAL_BYTES])
{
    const char *path = journal_file_path(queue->journal), *reason = strerror(-error);
    snprintf(refusal, REFUSAL_BYTES,
             "cannot broadcast: the key cannot be written to %.200s: %s; correct that, and send it "
             "again",
             path, reason);
    if (!queue->has_failed)
        log_event(LOG_LEVEL_WARNING, "cannot write the journal of publish streams", "file", path,
                  "reason", reason, "advice",
                  "look at its directory and at the free space; broadcasts with a key are refused "
                  "meanwhile",
                  NULL);
    queue->has_failed = true;
    return refusal;
}

static void log_success(struct publish_queue *queue)
{
    if (queue->has_failed)
        log_event(LOG_LEVEL_INFO, "the journal of publish streams is written again", "file",
                  journal_file_path(queue->journal), NULL);
    queue->has_failed = false;
}

/* ---- beginning an entry ---- */

/* What the journal says of the entry is taken back: nothing of it was sent. */
static void take_back(struct publish_queue *queue)
{
    struct current *current = &queue->current;
    struct publish_stream *stream = publish_streams_find(&queue->streams, &current->stream);
    if (current->before.record.name.size == 0)
        publish_streams_remove(&queue->streams, stream);
    else
        *stream = current->before;
    *current = (struct current){.has_job = false};
    mark_all_changed(queue);
}

static void log_published(const struct publish_key *key, uint64_t id)
{
    char text[PUBLISH_KEY_TEXT_BYTES], job[24];
    snprintf(job, sizeof job, "%" PRIu64, id);
    log_event(LOG_LEVEL_INFO, "publishing", "key", publish_key_format(key, text), "job", job, NULL);
}

/* The journal says that the first entry has begun. */
static void publish(struct publish_queue *queue)
{
    struct entry *entry = take_entry(queue);
    /* Before it is submitted: it may start at once. */
    queue->current.is_recording = false;
    queue->current.has_job = true;
    queue->current.job = jobs_last_id(queue->options.jobs) + 1;
    publish_streams_find(&queue->streams, &entry->key.stream)->job = queue->current.job;
    jobs_submit_prepared(queue->options.jobs, entry->job);
    log_published(&entry->key, queue->current.job);
    decide(entry, &(struct publish_decision){.outcome = PUBLISH_QUEUED, .job = queue->current.job});
}

static void warn_of_restarts(struct publish_queue *queue)
{
    if (!queue->has_warned)
        log_event(LOG_LEVEL_WARNING, "a restart forgets which keys were published", "reason",
                  "state.file is not set", "advice",
                  "set state.file, so that no broadcast with a key is sent again after a restart",
                  NULL);
    queue->has_warned = true;
}

/* Records in the table that the first entry has begun. */
static void record(struct publish_queue *queue, struct publish_stream *stream, bool is_new)
{
    const struct entry *entry = queue->first;
    queue->current = (struct current){.is_recording = true, .stream = entry->key.stream};
    if (!is_new)
        queue->current.before = *stream;
    stream->record.last = entry->key.id;
    stream->record.entries_added = entry->entries_added;
    stream->record.has_ended = stream->is_uncertain = false;
    stream->is_changed = true;
    stream->job = 0;
}

/* Begins the first entry. Returns false if its stream has no place. */
static bool begin(struct publish_queue *queue)
{
    const struct entry *entry = queue->first;
    struct publish_stream *stream = publish_streams_find(&queue->streams, &entry->key.stream);
    bool is_new = stream == NULL;
    if (is_new)
        stream = publish_streams_add(&queue->streams, &entry->key.stream);
    if (stream == NULL)
        return false;
    record(queue, stream, is_new);
    if (queue->journal == NULL) {
        warn_of_restarts(queue);
        publish(queue);
    } else if (entry_id_compare(&entry->key.id, &stream->record.reserved) <= 0) {
        write_changes(queue);
    } else {
        replace_journal(queue);
    }
    return true;
}

_Static_assert(STATE_STREAMS_MAX == 64, "the message has that number");

/* Decides the first entry, unless it has to wait. Returns whether it was decided. */
static bool decide_first(struct publish_queue *queue)
{
    static const char FULL[] =
        "cannot broadcast: 64 publish streams are remembered already; use one of them, `streams` "
        "lists them";
    if (publish_streams_has_published(&queue->streams, &queue->first->key)) {
        queue->counts.duplicates++;
        discard(take_entry(queue), &(struct publish_decision){.outcome = PUBLISH_DUPLICATE});
        return true;
    }
    if (!jobs_have_place(queue->options.jobs, queue->first->job))
        return false;
    if (begin(queue))
        return queue->current.has_job;
    refuse(take_entry(queue), false, FULL);
    return true;
}

static bool is_idle(const struct publish_queue *queue)
{
    return !queue->is_writing && !queue->current.has_job && !queue->current.is_recording &&
           !queue->is_held && !queue->is_stopped;
}

/* Whether the journal does not say what the table says. */
static bool has_changes(const struct publish_queue *queue)
{
    return queue->journal != NULL && publish_streams_have_changed(&queue->streams);
}

/* Begins the next entry, or writes what has ended if none waits. What is decided may submit the
 * next entry. */
static void advance(struct publish_queue *queue)
{
    if (queue->is_advancing)
        return;
    queue->is_advancing = true;
    while (is_idle(queue) && queue->first != NULL && decide_first(queue))
        continue;
    if (is_idle(queue) && queue->first == NULL && has_changes(queue))
        write_changes(queue);
    queue->is_advancing = false;
}

static void on_next(void *state)
{
    advance(state);
}

/* Calls advance in the next round of the loop, if there is anything to do. */
static void advance_later(struct publish_queue *queue)
{
    if (queue->first != NULL || has_changes(queue))
        loop_defer(queue->options.loop, &queue->next);
}

/* ---- what follows a write ---- */

static const char STOPPING[] =
    "cannot broadcast: the server is stopping; try again when it is running";

/* The first entry has begun, or could not. */
static void end_recording(struct publish_queue *queue, const char *refusal)
{
    if (refusal == NULL && !queue->is_stopped) {
        publish(queue);
        return;
    }
    take_back(queue);
    refuse_all(queue, queue->is_stopped ? STOPPING : refusal);
}

/* The last write of a server that stops. */
static void finish(struct publish_queue *queue)
{
    if (has_changes(queue) && !queue->is_last_written)
        replace_journal(queue);
    else
        call(&queue->finish);
    queue->is_last_written = true;
}

/* Decides what waits for a write that was tried. */
static void end_write(struct publish_queue *queue, const char *refusal)
{
    queue->is_advancing = true;
    if (queue->current.is_recording)
        end_recording(queue, refusal);
    call(&queue->hold);
    if (queue->finish.run != NULL)
        finish(queue);
    queue->is_advancing = false;
    /* What has ended is not written again and again to a disk that refuses it. */
    if (refusal == NULL || queue->first != NULL)
        advance(queue);
}

static void on_written(struct journal_write *write)
{
    struct publish_queue *queue =
        (struct publish_queue *)((char *)write - offsetof(struct publish_queue, write));
    char refusal[REFUSAL_BYTES];
    queue->is_writing = false;
    queue->can_append = write->error == 0;
    if (queue->is_closed)
        return;
    if (write->error == 0) {
        log_success(queue);
        end_write(queue, NULL);
        return;
    }
    mark_all_changed(queue);
    if (write->step == JOURNAL_APPEND)
        replace_journal(queue);
    else
        end_write(queue, log_failure(queue, write->error, refusal));
}

/* ---- the jobs ---- */

static void end_entry(struct publish_queue *queue, struct publish_stream *stream,
                      const struct job_report *report)
{
    struct current *current = &queue->current;
    bool is_current = current->has_job && current->job == report->id;
    bool is_interrupted = queue->is_stopped && report->state == JOB_CANCELLED;
    stream->job = 0;
    if (is_current && is_interrupted && !current->has_started) {
        take_back(queue);
        return;
    }
    /* A broadcast that the end of the server interrupts stays uncertain. */
    stream->record.has_ended = !is_interrupted;
    stream->is_changed = true;
    if (is_current)
        *current = (struct current){.has_job = false};
}

static struct publish_stream *find_job(struct publish_queue *queue, uint64_t id)
{
    for (size_t i = 0; i < queue->streams.count; i++)
        if (queue->streams.list[i].job == id)
            return &queue->streams.list[i];
    return NULL;
}

void publish_queue_note_job(struct publish_queue *queue, const struct job_report *report)
{
    struct current *current = &queue->current;
    bool has_ended = report->state == JOB_DONE || report->state == JOB_CANCELLED;
    struct publish_stream *stream = find_job(queue, report->id);
    if (current->has_job && current->job == report->id && !has_ended) {
        current->has_started |= report->state != JOB_WAITING;
        /* A confirmed broadcast is repeated for up to an hour, but has sent its copies. */
        if (report->state == JOB_CONFIRMING)
            *current = (struct current){.has_job = false};
    }
    if (has_ended && stream != NULL)
        end_entry(queue, stream, report);
    else if (has_ended && current->has_job && current->job == report->id)
        *current = (struct current){.has_job = false};
    if (has_ended || report->state == JOB_CONFIRMING)
        advance_later(queue);
}

/* ---- submission ---- */

int publish_queue_submit(struct publish_queue *queue, const struct publish_request *request)
{
    if (queue->is_stopped)
        return -ESHUTDOWN;
    struct entry *entry = calloc(1, sizeof *entry);
    if (entry == NULL)
        return -ENOMEM;
    *entry = (struct entry){.key = request->key,
                            .entries_added = request->entries_added,
                            .decided = request->decided,
                            .state = request->state};
    int error = jobs_prepare(queue->options.jobs, request->job, &entry->job);
    if (error != 0) {
        free(entry);
        return error;
    }
    append_entry(queue, entry);
    advance(queue);
    return 0;
}

const struct publish_streams *publish_queue_streams(const struct publish_queue *queue)
{
    return &queue->streams;
}

bool publish_queue_is_kept(const struct publish_queue *queue)
{
    return queue->journal != NULL;
}

struct publish_counts publish_queue_counts(const struct publish_queue *queue)
{
    return queue->counts;
}

/* ---- stop, hold ---- */

void publish_queue_stop(struct publish_queue *queue)
{
    queue->is_stopped = true;
    struct entry *recorded = queue->current.is_recording ? take_entry(queue) : NULL;
    refuse_all(queue, STOPPING);
    if (recorded != NULL) {
        recorded->next = NULL;
        append_entry(queue, recorded);
    }
}

void publish_queue_finish(struct publish_queue *queue, loop_callback *done, void *state)
{
    queue->finish = (struct callback){done, state};
    if (!queue->is_writing)
        finish(queue);
}

void publish_queue_hold(struct publish_queue *queue, loop_callback *held, void *state)
{
    queue->is_held = true;
    queue->hold = (struct callback){held, state};
    if (!queue->is_writing)
        call(&queue->hold);
}

void publish_queue_resume(struct publish_queue *queue)
{
    queue->is_held = false;
    queue->hold.run = NULL;
    advance_later(queue);
}

/* ---- the handover ---- */

void publish_queue_hand_over(const struct publish_queue *queue, struct handover_writer *writer)
{
    handover_put64(writer, queue->counts.duplicates);
    publish_streams_hand_over(&queue->streams, writer);
    handover_put64(writer, queue->current.has_job ? queue->current.job : 0);
}

int publish_queue_take_over(struct publish_queue *queue, struct handover_reader *reader)
{
    queue->counts.duplicates = handover_get64(reader);
    int error = publish_streams_take_over(&queue->streams, reader);
    if (error != 0)
        return error;
    uint64_t job = handover_get64(reader);
    /* What its stream was before it is not handed over: so it is not taken back. */
    queue->current = (struct current){.has_job = job != 0, .has_started = true, .job = job};
    advance_later(queue);
    return reader->failed ? -EPROTO : 0;
}

/* ---- start and end ---- */

int publish_queue_open(struct publish_queue **queue, const struct publish_queue_options *options)
{
    struct publish_queue *made = *queue = calloc(1, sizeof *made);
    if (made == NULL)
        return -ENOMEM;
    made->options = *options;
    made->end = &made->first;
    made->next = (struct loop_task){.run = on_next, .state = made};
    return options->state_path != NULL ? journal_file_new(&made->journal, options->state_path) : 0;
}

void publish_queue_restore(struct publish_queue *queue)
{
    if (queue->journal != NULL)
        publish_restore(&queue->streams, journal_file_path(queue->journal));
}

int publish_queue_start(struct publish_queue *queue)
{
    return queue->journal != NULL ? journal_file_start(queue->journal, queue->options.mailbox) : 0;
}

void publish_queue_close(struct publish_queue *queue)
{
    if (queue == NULL)
        return;
    queue->is_stopped = queue->is_closed = true;
    journal_file_stop(queue->journal);
}

void publish_queue_free(struct publish_queue *queue)
{
    if (queue == NULL)
        return;
    loop_cancel(queue->options.loop, &queue->next);
    while (queue->first != NULL) {
        struct entry *entry = take_entry(queue);
        jobs_discard(entry->job);
        free(entry);
    }
    journal_file_free(queue->journal);
    free(queue);
}
