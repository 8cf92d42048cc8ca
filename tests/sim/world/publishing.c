#include "sim/world/publishing.h"

#include "sim/check/gaps.h"
#include "sim/check/published.h"
#include "sim/core/draw.h"
#include "sim/core/trace.h"
#include "sim/world/swarm.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { EACH_MS = 4 }; /* entries with the same milliseconds in their ids */

static uint32_t last[PUBLISHED_STREAMS]; /* the newest entry that was drawn */

static uint32_t draw_entry(unsigned stream)
{
    uint64_t kind = draw_below(DRAW_PUBLISH, 20);
    uint32_t step = (uint32_t)draw_range(DRAW_PUBLISH, 1, 3);
    if (kind < 3 && last[stream] > 0)
        return last[stream];
    if (kind < 6 && last[stream] > 0)
        return (uint32_t)draw_range(DRAW_PUBLISH, 1, last[stream]);
    if (last[stream] + step <= PUBLISHED_ENTRIES_MAX)
        last[stream] += step;
    return last[stream];
}

void publishing_draw(uint32_t number, char words[PUBLISHING_WORDS_BYTES])
{
    words[0] = '\0';
    if (!swarm.publishes || draw_below(DRAW_PUBLISH, 4) == 0)
        return;
    unsigned stream = (unsigned)draw_below(DRAW_PUBLISH, PUBLISHED_STREAMS);
    uint32_t entry = draw_entry(stream);
    int at = snprintf(words, PUBLISHING_WORDS_BYTES, " key=s%u:%" PRIu32, stream, entry / EACH_MS);
    if (entry % EACH_MS != 0 || draw_below(DRAW_PUBLISH, 2) == 0)
        at +=
            snprintf(words + at, PUBLISHING_WORDS_BYTES - (size_t)at, "-%" PRIu32, entry % EACH_MS);
    if (draw_below(DRAW_PUBLISH, 2) == 0)
        snprintf(words + at, PUBLISHING_WORDS_BYTES - (size_t)at, " entries-added=%" PRIu32, entry);
    published_asked(number, stream, entry);
}

bool publishing_check_answer(const struct answer *answer, uint32_t number)
{
    bool is_duplicate = answer->ok && strstr(answer->bytes, "\nstate duplicate\n") != NULL;
    if (!published_has_key(number))
        return false;
    if (!answer->ok)
        published_refused(number, answer->bytes);
    else if (is_duplicate)
        published_duplicate(number);
    else
        published_queued(number);
    return is_duplicate;
}

void publishing_check_list(const struct answer *answer, uint64_t asked_ms)
{
    for (const char *at = answer->bytes; (at = strstr(at, "\nstream ")) != NULL;) {
        unsigned stream;
        uint32_t ms, sequence, added;
        uint64_t gaps, missing;
        char state[16];
        at++;
        if (sscanf(at,
                   "stream s%u %" SCNu32 "-%" SCNu32 " %" SCNu32 " %15s %*s gaps=%" SCNu64
                   " missing=%" SCNu64,
                   &stream, &ms, &sequence, &added, state, &gaps, &missing) != 7)
            broken_promise("an answer is whole", "a line of streams is not");
        uint32_t entry = ms * EACH_MS + sequence;
        if (added != 0 && added != entry)
            broken_promise("the number of entries is that of the last one",
                           "it is %" PRIu32 ", of entry %" PRIu32, added, entry);
        published_listed(stream, entry, state);
        gaps_listed(stream, gaps, missing, asked_ms);
    }
    published_list_end(asked_ms);
}
