#include "sim/check/gaps.h"

#include "sim/check/published.h"
#include "sim/core/broken.h"
#include "sim/core/draw.h"
#include "sim/core/event_queue.h"
#include "sim/core/trace.h"

#include <inttypes.h>
#include <string.h>

enum { OPEN_MAX = 64 }; /* reports without an answer */

struct sums {
    uint64_t gaps, missing;
};

static struct stream {
    struct gap_report last;
    bool is_unsure; /* which reports the server has taken is not known */
    struct sums least, most;
    uint64_t grown_ms; /* when the least was last changed */
    struct {
        struct sums counted; /* what this report adds */
        uint32_t missing;
    } open[OPEN_MAX];
    unsigned first, count;
} streams[PUBLISHED_STREAMS];

static void add(struct sums *sums, const struct sums *more)
{
    sums->gaps += more->gaps;
    sums->missing += more->missing;
}

/* Draws the next report from the last one. Returns what it adds if the server has that one. */
static struct sums draw_next(struct stream *stream)
{
    struct gap_report *last = &stream->last;
    uint32_t more = (uint32_t)draw_range(DRAW_PUBLISH, 1, 9);
    uint64_t kind = draw_below(DRAW_PUBLISH, 4);
    if (last->after == 0 || kind == 0) {
        last->after++;
        last->entries += more;
        last->missing = draw_below(DRAW_PUBLISH, 4) == 0 ? 0 : more;
        return (struct sums){1, last->missing};
    }
    if (kind == 1 || last->missing == 0)
        return (struct sums){0, 0};
    /* From its beginning, or from the last report on. */
    last->entries += more;
    last->missing = kind == 2 ? last->missing + more : more;
    return (struct sums){0, more};
}

struct gap_report gaps_draw(unsigned stream)
{
    struct stream *of = &streams[stream];
    struct gap_report before = of->last;
    if (of->count == OPEN_MAX)
        return (struct gap_report){.after = 0};
    struct sums counted = draw_next(of);
    if (of->is_unsure && of->last.after == before.after) /* it may be the first of that gap */
        counted = (struct sums){1, of->last.missing};
    unsigned at = (of->first + of->count++) % OPEN_MAX;
    of->open[at].counted = counted;
    of->open[at].missing = of->last.missing;
    add(&of->most, &counted);
    return of->last;
}

void gaps_answered(unsigned stream, bool is_counted)
{
    static const struct sums none = {0, 0};
    struct stream *of = &streams[stream];
    if (of->count == 0)
        broken_promise("each request has one result", "a gap of stream %u has another", stream);
    struct sums counted = of->open[of->first].counted;
    of->first = (of->first + 1) % OPEN_MAX;
    of->count--;
    if (of->is_unsure)
        return;
    if (is_counted != (memcmp(&counted, &none, sizeof none) != 0) || broken_is("gap-again"))
        broken_promise("a gap is counted when it is new or has grown",
                       "one of stream %u with %" PRIu64 " new entries is %s", stream,
                       counted.missing, is_counted ? "counted" : "known");
    add(&of->least, &counted);
    if (is_counted)
        of->grown_ms = event_queue_now_ms();
}

/* The server may take what is open before or after the first reports of the next session, so each
 * may count as a new gap. */
void gaps_session_ended(unsigned stream)
{
    struct stream *of = &streams[stream];
    of->is_unsure |= of->count > 0;
    for (; of->count > 0; of->count--, of->first = (of->first + 1) % OPEN_MAX)
        add(&of->most, &(struct sums){1, of->open[of->first].missing});
}

static void check(const char *what, const struct sums *sums, const struct sums *least,
                  const struct sums *most)
{
    if (sums->gaps < least->gaps || sums->gaps > most->gaps || sums->missing < least->missing ||
        sums->missing > most->missing || broken_is("gap-lost"))
        broken_promise("each gap is counted once",
                       "%s: %" PRIu64 " gaps with %" PRIu64 " entries, instead of %" PRIu64
                       " to %" PRIu64 " with %" PRIu64 " to %" PRIu64,
                       what, sums->gaps, sums->missing, least->gaps, most->gaps, least->missing,
                       most->missing);
}

void gaps_listed(unsigned stream, uint64_t gaps, uint64_t missing, uint64_t asked_ms)
{
    static const struct sums none = {0, 0};
    const struct stream *of = &streams[stream];
    bool is_old = of->grown_ms < asked_ms;
    check("a stream", &(struct sums){gaps, missing}, is_old ? &of->least : &none, &of->most);
}

uint64_t gaps_known(void)
{
    uint64_t gaps = 0;
    for (size_t i = 0; i < PUBLISHED_STREAMS; i++)
        gaps += streams[i].least.gaps;
    return gaps;
}

void gaps_measured(uint64_t gaps, uint64_t missing, uint64_t known)
{
    struct sums most = {0, 0};
    for (size_t i = 0; i < PUBLISHED_STREAMS; i++)
        add(&most, &streams[i].most);
    check("the metrics", &(struct sums){gaps, missing}, &(struct sums){known, 0}, &most);
}

void gaps_reset(void)
{
    memset(streams, 0, sizeof streams);
}
