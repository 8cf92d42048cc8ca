#include "ctl/bridge/stream_reader.h"

#include "redis/stream_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    READ_ENTRIES = 64, /* at once, at most */
    /* How long Redis waits for an entry before it answers that there is none. So long an entry may
     * wait after the server has gone back to an earlier position, and another stream under the
     * same name stay unnoticed. */
    BLOCK_MS = 1000,
    PURPOSE_BYTES = 320,
};

static const struct entry_id LAST_ID = {UINT64_MAX, UINT64_MAX};

struct stream_reader {
    const char *stream;
    const struct entry_id *from;
    const struct stream_reader_callbacks *callbacks;
    void *state;
    struct redis_connection *connection;
    enum {
        READER_AWAY,    /* no connection */
        READER_IDLE,    /* no command is without a reply */
        READER_READING, /* stream_read_command */
        READER_WAITING, /* stream_read_wait_command */
    } phase;
    bool is_started, has_position;
    bool has_all;     /* the last read had fewer entries than it asked for */
    bool is_dropping; /* the rest of this read is not used */
    bool is_full;     /* an entry was not taken; until stream_reader_continue */
    bool is_checked;  /* the gap before the entries of this read */
    bool is_estimate; /* position.entries may be too low, after another epoch */
    unsigned asked;   /* entries of this read */
    struct stream_position position;
    struct stream_read read;
    char purpose[PURPOSE_BYTES];
};

/* ---- commands ---- */

static void send_read(struct stream_reader *reader, const struct entry_id *after, unsigned count)
{
    struct text_buffer commands = {0};
    stream_read_command(&commands, reader->stream, after, count);
    stream_read_begin(&reader->read);
    reader->phase = READER_READING;
    reader->asked = count;
    reader->is_dropping = reader->is_checked = false;
    redis_connection_send(reader->connection, &commands, 4, 0);
}

static void send_wait(struct stream_reader *reader)
{
    struct text_buffer commands = {0};
    stream_read_wait_command(&commands, reader->stream, &reader->position.id, BLOCK_MS);
    reader->phase = READER_WAITING;
    reader->has_all = false;
    redis_connection_send(reader->connection, &commands, 1, BLOCK_MS);
}

/* Sends the next command, if there is a connection, and room for what it may bring. */
static void proceed(struct stream_reader *reader)
{
    if (reader->phase != READER_IDLE || !reader->is_started || reader->is_full)
        return;
    if (!reader->has_position) {
        send_read(reader, &LAST_ID, 1); /* only the state of the stream */
        return;
    }
    unsigned room = reader->callbacks->room(reader->state);
    if (room == 0)
        return;
    if (reader->has_all)
        send_wait(reader);
    else
        send_read(reader, &reader->position.id, room < READ_ENTRIES ? room : READ_ENTRIES);
}

/* ---- what was read ---- */

/* Looks for a gap before the first entry of a read. Returns whether entries may be used. */
static bool check_gap(struct stream_reader *reader)
{
    if (reader->is_checked)
        return true;
    reader->is_checked = true;
    struct stream_gap gap = stream_position_check(&reader->position, &reader->read.info);
    if (gap.kind == STREAM_GAP_NONE)
        return true;
    reader->is_estimate |= gap.kind == STREAM_GAP_EPOCH;
    return reader->callbacks->gap(reader->state, &gap);
}

static void take_entry(struct stream_reader *reader)
{
    const struct stream_entry *entry = &reader->read.entry;
    if (reader->is_dropping)
        return;
    struct stream_position after = {.id = entry->id};
    reader->is_dropping = !check_gap(reader);
    if (reader->is_dropping)
        return;
    after.entries = reader->position.entries + 1;
    reader->is_dropping = reader->is_full = !reader->callbacks->entry(reader->state, entry, &after);
    if (!reader->is_full)
        reader->position = after;
}

static void finish_read(struct stream_reader *reader)
{
    const struct stream_info *info = &reader->read.info;
    reader->phase = READER_IDLE;
    redis_connection_settle(reader->connection);
    if (reader->is_dropping || !reader->is_started) {
        proceed(reader);
        return;
    }
    if (!reader->has_position) {
        reader->position = stream_position_begin(info, reader->from);
        reader->has_position = true;
        reader->callbacks->begun(reader->state, &reader->position);
    } else if (check_gap(reader)) {
        reader->has_all = reader->read.count < reader->asked;
        if (reader->has_all && reader->is_estimate) {
            reader->position.entries = info->entries_added;
            reader->is_estimate = false;
        }
    }
    proceed(reader);
}

static void take_read(struct stream_reader *reader, const struct resp_element *element)
{
    char why[200];
    switch (stream_read_take(&reader->read, element)) {
    case STREAM_READ_ENTRY:
        take_entry(reader);
        if (reader->read.is_done)
            finish_read(reader);
        break;
    case STREAM_READ_DONE:
        finish_read(reader);
        break;
    case STREAM_READ_REFUSED:
        redis_connection_fail_by_error(reader->connection, reader->read.error,
                                       strlen(reader->read.error));
        break;
    case STREAM_READ_INVALID:
        snprintf(why, sizeof why, "the reply is not understood: %s", reader->read.wrong);
        redis_connection_fail(reader->connection, why, "check the version of Redis");
        break;
    case STREAM_READ_MORE:
        break;
    }
}

static void take_wait(struct stream_reader *reader, const struct resp_element *element)
{
    if (element->kind == RESP_ERROR) {
        redis_connection_fail_by_error(reader->connection, element->bytes, element->size);
        return;
    }
    if (!element->ends_reply)
        return;
    reader->phase = READER_IDLE;
    proceed(reader);
}

/* ---- the connection ---- */

static void on_ready(void *state)
{
    struct stream_reader *reader = state;
    reader->phase = READER_IDLE;
    reader->has_all = false;
    proceed(reader);
}

static void on_element(void *state, const struct resp_element *element)
{
    struct stream_reader *reader = state;
    if (reader->phase == READER_READING)
        take_read(reader, element);
    else
        take_wait(reader, element);
}

static void on_lost(void *state)
{
    struct stream_reader *reader = state;
    reader->phase = READER_AWAY;
}

static void on_refused(void *state)
{
    struct stream_reader *reader = state;
    reader->callbacks->refused(reader->state);
}

/* ---- the reader ---- */

void stream_reader_continue(struct stream_reader *reader)
{
    reader->is_full = false;
    proceed(reader);
}

void stream_reader_start(struct stream_reader *reader, const struct stream_position *position)
{
    if (position != NULL) {
        reader->position = *position;
        reader->has_position = true;
        reader->is_estimate = false;
    }
    reader->is_started = true;
    reader->has_all = reader->is_full = false;
    proceed(reader);
}

void stream_reader_stop(struct stream_reader *reader)
{
    reader->is_started = false;
    reader->is_dropping = true; /* also if it is started again before the read has ended */
}

struct stream_reader *stream_reader_new(struct loop *loop,
                                        const struct redis_connection_settings *settings,
                                        const char *stream, const struct entry_id *from,
                                        const struct stream_reader_callbacks *callbacks,
                                        void *state)
{
    static const struct redis_connection_callbacks own = {
        .ready = on_ready, .element = on_element, .lost = on_lost, .refused = on_refused};
    struct stream_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL)
        return NULL;
    reader->stream = stream;
    reader->from = from;
    reader->callbacks = callbacks;
    reader->state = state;
    snprintf(reader->purpose, sizeof reader->purpose, "reading the stream %s", stream);
    reader->connection = redis_connection_new(loop, settings, reader->purpose, &own, reader);
    if (reader->connection == NULL) {
        free(reader);
        return NULL;
    }
    return reader;
}

void stream_reader_free(struct stream_reader *reader)
{
    if (reader == NULL)
        return;
    redis_connection_free(reader->connection);
    free(reader);
}
