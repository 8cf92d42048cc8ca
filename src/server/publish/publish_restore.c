#include "server/publish/publish_restore.h"

#include "os/file/state_file_reader.h"
#include "os/log/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char AGAIN[] = "find out from the source of the messages which entries clients have "
                            "got; what was published before may be sent again";

static void log_unusable(const char *path, const char *why, bool is_kept_aside)
{
    log_event(LOG_LEVEL_WARNING, "cannot use the journal of publish streams", "file", path,
              "reason", why, "kept_aside", is_kept_aside ? "yes" : "no", "advice", AGAIN, NULL);
}

static void log_restored(const struct publish_streams *streams)
{
    char count[24], key[PUBLISH_KEY_TEXT_BYTES];
    snprintf(count, sizeof count, "%zu", streams->count);
    log_event(LOG_LEVEL_INFO, "restored the publish streams", "streams", count, NULL);
    for (size_t i = 0; i < streams->count; i++) {
        const struct publish_stream *stream = &streams->list[i];
        const struct publish_key last = {stream->record.name, stream->record.last};
        if (stream->is_uncertain)
            log_event(LOG_LEVEL_WARNING, "a broadcast is uncertain", "key",
                      publish_key_format(&last, key), "reason",
                      "the server ended while it was sent", "advice",
                      "it is not sent again; publish a new entry if clients miss it", NULL);
    }
}

/* Reads an open journal. Returns NULL, or why it cannot be used. */
static const char *read_journal(struct publish_streams *streams,
                                const struct state_file_reader *reader)
{
    if (reader->size > STATE_STREAMS_BYTES_MAX)
        return "it is longer than any that udpsrv writes";
    uint8_t *bytes = malloc(reader->size + 1);
    if (bytes == NULL)
        return strerror(ENOMEM);
    int error = state_file_reader_read(reader, 0, bytes, reader->size);
    const char *why =
        error != 0 ? strerror(-error) : publish_streams_read(streams, bytes, reader->size);
    free(bytes);
    return why;
}

void publish_restore(struct publish_streams *streams, const char *path)
{
    struct state_file_fault fault;
    struct state_file_reader reader;
    int error = state_file_reader_open(&reader, path, &fault);
    if (error == -ENOENT)
        return;
    if (error != 0) {
        log_unusable(path, fault.why, !fault.is_foreign && state_file_keep_aside(path) == 0);
        return;
    }
    const char *why = read_journal(streams, &reader);
    state_file_reader_close(&reader);
    if (why != NULL)
        log_unusable(path, why, state_file_keep_aside(path) == 0);
    else
        log_restored(streams);
}
