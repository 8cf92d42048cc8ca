#include "sim/check/published.h"

#include "sim/check/copies.h"
#include "sim/core/broken.h"
#include "sim/core/event_queue.h"
#include "sim/core/trace.h"
#include "sim/world/settings.h"

#include <inttypes.h>
#include <string.h>

/* An entry; sent_as is since the streams were forgotten. */
struct entry {
    uint32_t sent_as;  /* the broadcast by which copies were sent; 0: none */
    uint32_t possible; /* broadcasts of it that were accepted, or may have been */
    uint32_t refused;  /* those that may be in the journal nevertheless when the server ends */
    bool was_asked;
};

static struct stream {
    struct entry entries[PUBLISHED_ENTRIES_MAX + 1];
    uint32_t sent;     /* the last one of which copies were sent; 0: none */
    uint64_t sent_ms;  /* when its first copy was */
    uint32_t accepted; /* the last one that was certainly accepted */
    uint32_t listed;   /* the last one of the list that is read */
} streams[PUBLISHED_STREAMS];

/* The broadcasts of this start that have keys. */
static struct request {
    uint32_t entry; /* 0: it has none */
    unsigned stream;
    uint32_t accepted_before; /* the last one when it was asked for */
} requests[BROADCASTS_MAX];

static bool is_forgotten, has_ended; /* has_ended: a start */

static struct request *request_of(uint32_t number)
{
    return &requests[number % BROADCASTS_MAX];
}

void published_asked(uint32_t number, unsigned stream, uint32_t entry)
{
    struct stream *of = &streams[stream];
    *request_of(number) =
        (struct request){.entry = entry, .stream = stream, .accepted_before = of->accepted};
    of->entries[entry].possible++;
    of->entries[entry].was_asked = true;
}

bool published_has_key(uint32_t number)
{
    return request_of(number)->entry != 0;
}

/* ---- answers ---- */

void published_queued(uint32_t number)
{
    const struct request *request = request_of(number);
    struct stream *stream = &streams[request->stream];
    if (request->entry <= request->accepted_before || broken_is("published-again"))
        broken_promise("an entry that is not newer than the last one is a duplicate",
                       "entry %" PRIu32 " of stream %u was published after entry %" PRIu32,
                       request->entry, request->stream, request->accepted_before);
    if (stream->accepted < request->entry)
        stream->accepted = request->entry;
}

/* Whether an entry from that one on may have been accepted, by another request. */
static bool may_be_accepted(const struct stream *stream, uint32_t entry)
{
    for (uint32_t i = entry; i <= PUBLISHED_ENTRIES_MAX; i++)
        if (stream->entries[i].possible > 0)
            return true;
    return false;
}

void published_duplicate(uint32_t number)
{
    const struct request *request = request_of(number);
    struct stream *stream = &streams[request->stream];
    stream->entries[request->entry].possible--;
    if (!may_be_accepted(stream, request->entry) || broken_is("published-missed"))
        broken_promise("only an entry that is not newer than the last one is a duplicate",
                       "entry %" PRIu32 " of stream %u, and none from it on was published",
                       request->entry, request->stream);
}

/* A session that has ended says nothing of its broadcast. What was refused may come again; but an
 * error of the disk, or the stop, may follow when it is in the journal. */
void published_refused(uint32_t number, const char *reason)
{
    const struct request *request = request_of(number);
    struct entry *entry = &streams[request->stream].entries[request->entry];
    if (strstr(reason, "keep the session") != NULL)
        return;
    entry->possible--;
    entry->refused +=
        strstr(reason, "cannot be written") != NULL || strstr(reason, "stopping") != NULL;
}

static void doubt_refused(struct entry *entry)
{
    entry->possible += entry->refused;
    entry->refused = 0;
}

/* ---- copies ---- */

void published_copy(uint32_t number)
{
    const struct request *request = request_of(number);
    if (request->entry == 0)
        return;
    struct stream *stream = &streams[request->stream];
    struct entry *entry = &stream->entries[request->entry];
    if (entry->sent_as == number)
        return;
    if (entry->sent_as != 0)
        broken_promise("an entry is sent at most once",
                       "entry %" PRIu32 " of stream %u as broadcasts %" PRIu32 " and %" PRIu32,
                       request->entry, request->stream, entry->sent_as, number);
    if (stream->sent > request->entry)
        broken_promise("the entries of a stream are sent in their order",
                       "entry %" PRIu32 " of stream %u after entry %" PRIu32, request->entry,
                       request->stream, stream->sent);
    entry->sent_as = number;
    stream->sent = request->entry;
    stream->sent_ms = event_queue_now_ms();
}

/* ---- lists ---- */

void published_listed(unsigned stream, uint32_t entry, const char *state)
{
    if (stream >= PUBLISHED_STREAMS || entry > PUBLISHED_ENTRIES_MAX ||
        !streams[stream].entries[entry].was_asked)
        broken_promise("only entries that were asked for are remembered",
                       "entry %" PRIu32 " of stream %u", entry, stream);
    if (strcmp(state, "uncertain") == 0 && !has_ended)
        broken_promise("no entry is uncertain before the end of a server",
                       "entry %" PRIu32 " of stream %u", entry, stream);
    streams[stream].listed = entry;
}

/* An entry that was sent since the command may be missing. */
void published_list_end(uint64_t asked_ms)
{
    for (unsigned i = 0; i < PUBLISHED_STREAMS; i++) {
        bool is_missing = streams[i].listed < streams[i].sent && streams[i].sent_ms < asked_ms;
        if (is_missing || broken_is("published-forgotten"))
            broken_promise("what was published is remembered",
                           "stream %u: entry %" PRIu32 " was sent, and the last one is %" PRIu32, i,
                           streams[i].sent, streams[i].listed);
        streams[i].listed = 0;
    }
}

/* ---- starts and ends ---- */

/* A later start may nevertheless read a journal of before. */
void published_forgotten(void)
{
    for (unsigned i = 0; i < PUBLISHED_STREAMS; i++) {
        streams[i].sent = streams[i].accepted = 0;
        for (uint32_t k = 1; k <= PUBLISHED_ENTRIES_MAX; k++)
            streams[i].entries[k].sent_as = 0;
    }
    memset(requests, 0, sizeof requests);
    is_forgotten = true;
}

bool published_is_forgotten(void)
{
    return is_forgotten;
}

void published_power_failure(void)
{
    for (unsigned i = 0; i < PUBLISHED_STREAMS; i++)
        for (uint32_t k = 1; k <= PUBLISHED_ENTRIES_MAX; k++)
            streams[i].entries[k].possible += streams[i].entries[k].was_asked;
}

/* An orderly stop takes back an entry that was accepted, and of which nothing was sent. */
void published_reset(void)
{
    for (unsigned i = 0; i < PUBLISHED_STREAMS; i++) {
        if (streams[i].accepted > streams[i].sent)
            streams[i].accepted = streams[i].sent;
        for (uint32_t k = 1; k <= PUBLISHED_ENTRIES_MAX; k++)
            doubt_refused(&streams[i].entries[k]);
    }
    if (!setup.has_state)
        published_forgotten();
    has_ended = true;
    memset(requests, 0, sizeof requests);
}

void published_start(void)
{
    if (!setup.has_state)
        published_forgotten();
    is_forgotten = false;
}
