/* os/file/state_file_reader and os/file/state_file_writer: the state file, in memory. */
#include "sim/os/state_files.h"

#include "os/file/state_file_reader.h"
#include "os/file/state_file_writer.h"
#include "sim/world/faults.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct contents {
    uint8_t *bytes;
    size_t size;
};

static struct contents whole, aside; /* the state file, and the one that was kept aside */
static bool exists;

struct state_file_writer {
    struct mailbox *owner;
    struct contents draft;
};

/* ---- os/file/state_file_reader ---- */

int state_file_reader_open(struct state_file_reader *reader, const char *path,
                           struct state_file_fault *fault)
{
    (void)path;
    *reader = (struct state_file_reader){.descriptor = -1, .size = whole.size};
    if (!exists)
        return -ENOENT;
    *fault = (struct state_file_fault){.why = "the file cannot be read", .next = "try again"};
    return faults_refuse_file();
}

int state_file_reader_read(const struct state_file_reader *reader, uint64_t offset, void *bytes,
                           size_t size)
{
    (void)reader;
    memcpy(bytes, whole.bytes + offset, size);
    return 0;
}

void state_file_reader_close(struct state_file_reader *reader)
{
    (void)reader;
}

int state_file_keep_aside(const char *path)
{
    (void)path;
    free(aside.bytes);
    aside = whole;
    whole = (struct contents){.size = 0};
    exists = false;
    return 0;
}

/* ---- os/file/state_file_writer ---- */

static int do_step(struct state_file_writer *writer, const struct state_file_write *write)
{
    int error = faults_refuse_file();
    if (error != 0 || write->step == STATE_FILE_BEGIN || write->step == STATE_FILE_DISCARD) {
        free(writer->draft.bytes);
        writer->draft = (struct contents){.size = 0};
        return error;
    }
    if (write->step == STATE_FILE_ADD) {
        writer->draft.bytes = realloc(writer->draft.bytes, writer->draft.size + write->size);
        memcpy(writer->draft.bytes + writer->draft.size, write->bytes, write->size);
        writer->draft.size += write->size;
        return 0;
    }
    free(whole.bytes);
    whole = writer->draft;
    exists = true;
    writer->draft = (struct contents){.size = 0};
    return 0;
}

int state_file_writer_new(struct state_file_writer **writer, const char *path)
{
    (void)path;
    *writer = faults_refuse_memory() ? NULL : calloc(1, sizeof **writer);
    return *writer != NULL ? 0 : -ENOMEM;
}

int state_file_writer_check(struct state_file_writer *writer)
{
    (void)writer;
    return faults_refuse_file();
}

int state_file_writer_start(struct state_file_writer *writer, struct mailbox *owner)
{
    writer->owner = owner;
    return faults_refuse_memory() ? -ENOMEM : 0;
}

static void handle_done(struct mailbox_message *message)
{
    struct state_file_write *write = (struct state_file_write *)message;
    write->done(write);
}

void state_file_writer_post(struct state_file_writer *writer, struct state_file_write *write)
{
    write->writer = writer;
    write->error = do_step(writer, write);
    write->message.handle = handle_done;
    mailbox_post(writer->owner, &write->message);
}

void state_file_writer_stop(struct state_file_writer *writer)
{
    (void)writer;
}

void state_file_writer_free(struct state_file_writer *writer)
{
    if (writer == NULL)
        return;
    free(writer->draft.bytes);
    free(writer);
}
