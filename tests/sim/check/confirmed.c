#include "sim/check/confirmed.h"

#include "sim/check/hello.h"
#include "sim/core/broken.h"
#include "sim/core/event_queue.h"
#include "sim/core/hash.h"
#include "sim/core/trace.h"
#include "sim/world/upgrades.h"

#include <inttypes.h>
#include <string.h>

enum {
    JOBS_MAX = 256,
    BROADCASTS_REMEMBERED = 8, /* both by the manual */
    MESSAGES_REMEMBERED = 64,
    ENDED_MAX = 1024,
    ROUNDS_MAX = 5,
    INTERVAL_MS = 2000, /* from the end of the first round to the second one, at least */
    INTERVAL_MOST_MS = 3000,
    RECORDS_MAX = 1 << 17,
    TABLE = 2 * RECORDS_MAX,
    HEAD_BYTES = 5,
    MESSAGE_HEAD_BYTES = 14,
    LEISURE_MAX = 15,
};

/* What a client got of a job. */
struct record {
    uint32_t job, entry;
    uint32_t next; /* of the job; 0: none */
    uint32_t datagrams;
    uint64_t first_ms;
    bool is_plain;
    enum chance confirmed;
    uint64_t confirmed_ms; /* since when that is certain */
    uint32_t listed;       /* the last list that it was in */
};

static struct record records[RECORDS_MAX];
static uint32_t record_count;
static uint32_t table[TABLE]; /* indexes of records; 0: free */

static struct {
    bool is_message; /* to one client */
    bool is_refused; /* the server has made no job of it */
    uint64_t asked_ms, within_ms;
    uint64_t id; /* among the jobs of the server; 0: unknown */
    bool has_number, repeats;
    uint64_t number;        /* in its frames */
    uint64_t begun_ms;      /* when the first copy was sent; 0: none was */
    uint64_t last_first_ms; /* when the last first copy was sent */
    uint64_t framed, plain, taken;
    uint32_t most;  /* datagrams of one client */
    uint32_t first; /* record */
} jobs[JOBS_MAX];
static uint32_t job_count;
static struct {
    uint64_t id, ended_ms;
} ended[ENDED_MAX]; /* jobs of the server, at their ids modulo ENDED_MAX */
static struct {
    bool is_known;
    uint64_t value;
} number_base; /* what is added to an id for the number in frames */
static struct {
    uint64_t least, most;
} firsts, all; /* confirmations: the first ones of a client and job; and all that are valid */
static enum chance last_counts;
static struct {
    uint32_t job, serial;
    bool is_silent;
    uint64_t asked_ms;
} list;

void confirmed_reset(void)
{
    if (record_count > 0)
        memset(table, 0, sizeof table);
    memset(jobs, 0, sizeof jobs);
    memset(ended, 0, sizeof ended);
    number_base.is_known = false;
    job_count = record_count = 0;
    firsts.least = firsts.most = all.least = all.most = 0;
    last_counts = NO;
}

/* ---- records ---- */

static uint32_t *place_of(uint32_t job, uint32_t entry)
{
    size_t at = hash_add(job, entry) % TABLE;
    while (table[at] != 0 && (records[table[at]].job != job || records[table[at]].entry != entry))
        at = (at + 1) % TABLE;
    return &table[at];
}

static struct record *find(uint32_t job, const struct model_entry *entry)
{
    uint32_t at = *place_of(job, entry->number);
    return at != 0 ? &records[at] : NULL;
}

static struct record *add(uint32_t job, const struct model_entry *entry)
{
    if (record_count + 1 == RECORDS_MAX)
        broken_promise("the simulator itself", "more than %d copies", (int)RECORDS_MAX);
    struct record *record = &records[++record_count];
    *record = (struct record){.job = job,
                              .entry = entry->number,
                              .next = jobs[job].first,
                              .first_ms = event_queue_now_ms()};
    *place_of(job, entry->number) = jobs[job].first = record_count;
    return record;
}

/* Whether the client of a record is certainly still the one that got the copy. */
static bool has_surely_stayed(const struct record *record, const struct model_entry *entry)
{
    return entry->sure_since_ms < record->first_ms && model_is_sure(entry);
}

/* Whether it has certainly joined after that. */
static bool has_surely_joined_later(const struct record *record, const struct model_entry *entry)
{
    return entry->may_since_ms > record->first_ms + MODEL_SLOP_MS;
}

/* ---- jobs ---- */

uint32_t confirmed_asked(bool is_message, uint64_t within_ms)
{
    if (job_count + 1 == JOBS_MAX || record_count + 2 * model_count() > RECORDS_MAX / 2)
        return 0;
    jobs[++job_count].is_message = is_message;
    jobs[job_count].asked_ms = event_queue_now_ms();
    jobs[job_count].within_ms = within_ms;
    jobs[job_count].last_first_ms = event_queue_now_ms();
    return job_count;
}

static void learn_number_base(uint32_t job)
{
    if (jobs[job].id == 0 || !jobs[job].has_number)
        return;
    number_base.is_known = true;
    number_base.value = jobs[job].number - jobs[job].id;
}

/* The id of a job, which may be known before the operator reads it; 0: it is not. */
static uint64_t id_of(uint32_t job)
{
    bool has_number = jobs[job].has_number && number_base.is_known;
    return jobs[job].id == 0 && has_number ? jobs[job].number - number_base.value : jobs[job].id;
}

void confirmed_set_id(uint32_t job, uint64_t id)
{
    jobs[job].id = id;
    learn_number_base(job);
}

void confirmed_refused(uint32_t job)
{
    jobs[job].is_refused = true;
}

void confirmed_logged_end(uint64_t id)
{
    ended[id % ENDED_MAX].id = id;
    ended[id % ENDED_MAX].ended_ms = event_queue_now_ms();
}

/* When the server has ended a job; 0: it has not, or its id is not known. */
static uint64_t ended_ms(uint32_t job)
{
    uint64_t id = id_of(job);
    return id != 0 && ended[id % ENDED_MAX].id == id ? ended[id % ENDED_MAX].ended_ms : 0;
}

static void begin_copies(uint32_t job)
{
    if (jobs[job].begun_ms == 0)
        jobs[job].begun_ms = event_queue_now_ms();
    jobs[job].last_first_ms = event_queue_now_ms();
}

uint32_t confirmed_any(uint64_t any, uint64_t *id)
{
    if (job_count == 0)
        return 0;
    uint32_t job = 1 + (uint32_t)(any % job_count);
    *id = jobs[job].id;
    return *id != 0 ? job : 0;
}

/* Whether the server may remember another job when it forgets a job: one that has begun later, or
 * that was still open when the job had ended. Open jobs are never forgotten; of those that have
 * ended, the one that has begun first is. Jobs begin in another order than they are asked for,
 * since a broadcast with a key waits until its entry is written. */
static bool may_outlast(uint32_t other, uint32_t job)
{
    uint64_t other_ms = ended_ms(other), end_ms = ended_ms(job);
    if (other == job || jobs[other].is_message != jobs[job].is_message || jobs[other].is_refused)
        return false;
    if (other_ms == 0 || jobs[job].begun_ms == 0)
        return true;
    bool has_begun_before =
        other_ms < jobs[job].begun_ms ||
        (jobs[other].begun_ms != 0 && jobs[other].begun_ms < jobs[job].begun_ms);
    bool has_ended_before = other_ms < (end_ms != 0 ? end_ms : jobs[job].begun_ms);
    return !has_begun_before || !has_ended_before;
}

/* An upgrade that copies the clients forgets them: they are known by their places. */
static bool is_surely_remembered(uint32_t job)
{
    bool is_forgotten =
        upgrades_copied_ms() != 0 && jobs[job].last_first_ms <= upgrades_copied_ms();
    bool is_open = jobs[job].begun_ms != 0 && id_of(job) != 0 && ended_ms(job) == 0;
    uint32_t places = jobs[job].is_message ? MESSAGES_REMEMBERED : BROADCASTS_REMEMBERED;
    uint32_t others = 0;
    for (uint32_t i = 1; i <= job_count; i++)
        others += may_outlast(i, job);
    return (others < places || is_open) && !is_forgotten;
}

/* ---- copies ---- */

bool confirmed_read_frame(struct confirmed_frame *frame, const void **bytes, size_t *size)
{
    const uint8_t *head = *bytes;
    if (*size < MESSAGE_HEAD_BYTES || memcmp(head, "\0UDP\6", HEAD_BYTES) != 0)
        return false;
    frame->number = 0;
    for (size_t i = HEAD_BYTES; i < HEAD_BYTES + 8; i++)
        frame->number = frame->number << 8 | head[i];
    frame->leisure = head[MESSAGE_HEAD_BYTES - 1];
    *bytes = head + MESSAGE_HEAD_BYTES;
    *size -= MESSAGE_HEAD_BYTES;
    return true;
}

static void check_frame(uint32_t job, const struct confirmed_frame *frame)
{
    if (frame->leisure > LEISURE_MAX)
        broken_promise("the leisure of a frame is at most 1.5 s", "it is %d", frame->leisure);
    for (uint32_t i = 1; i <= job_count; i++)
        if (jobs[i].has_number && (jobs[i].number == frame->number) != (i == job))
            broken_promise("all frames of a job have one number, and no other ones have it",
                           "job %" PRIu32 " has that of job %" PRIu32, job, i);
    jobs[job].has_number = true;
    jobs[job].number = frame->number;
    learn_number_base(job);
}

/* Whether the client gets what it has asked for. */
static void check_form(const struct model_entry *to, bool is_frame)
{
    if (is_frame && (to->frames == NO || broken_now("framed", 20)))
        broken_promise("only a client that has asked for frames since it joined gets one",
                       "source %" PRIu32 " (port %d) has not", to->number, to->source.port);
    if (!is_frame && to->frames == YES)
        broken_promise("a client that has asked for frames gets one",
                       "source %" PRIu32 " (port %d) got a plain copy", to->number,
                       to->source.port);
}

/* The n-th further datagram comes in the n-th further round at the earliest. */
static void check_round(uint32_t job, const struct record *record, const struct model_entry *to)
{
    uint64_t after_ms = (uint64_t)INTERVAL_MS << (record->datagrams - 1);
    if (event_queue_now_ms() + MODEL_SLOP_MS < jobs[job].last_first_ms + after_ms ||
        record->datagrams >= ROUNDS_MAX || broken_now("round", 20))
        broken_promise(
            "a client gets at most one datagram in a round",
            "job %" PRIu32 ": source %" PRIu32 " gets number %" PRIu32 " after %" PRIu64 " ms", job,
            to->number, record->datagrams + 1, event_queue_now_ms() - jobs[job].last_first_ms);
}

static void check_repeat(uint32_t job, const struct record *record, const struct model_entry *to,
                         bool is_frame)
{
    if (record->is_plain || !is_frame)
        broken_promise("a plain copy is sent once, and a frame is repeated as a frame",
                       "job %" PRIu32 ": source %" PRIu32, job, to->number);
    if (record->confirmed == YES && record->confirmed_ms + MODEL_SLOP_MS < event_queue_now_ms())
        broken_promise("a client that has confirmed gets no further frame",
                       "job %" PRIu32 ": source %" PRIu32 " has since %" PRIu64 " ms", job,
                       to->number, record->confirmed_ms);
    if (has_surely_joined_later(record, to))
        broken_promise("a client gets no frame for one that was registered before",
                       "job %" PRIu32 ": source %" PRIu32, job, to->number);
    check_round(job, record, to);
}

bool confirmed_sent(uint32_t job, const struct model_entry *to, const struct confirmed_frame *frame,
                    int error)
{
    struct record *record = find(job, to);
    bool is_first = record == NULL;
    check_form(to, frame != NULL);
    if (frame != NULL)
        check_frame(job, frame);
    if (is_first && jobs[job].repeats)
        broken_promise("a repeated round is for the clients of the first one",
                       "job %" PRIu32 ": source %" PRIu32 " got none", job, to->number);
    if (is_first) {
        record = add(job, to);
        record->is_plain = frame == NULL;
        jobs[job].framed += frame != NULL;
        jobs[job].plain += frame == NULL;
        begin_copies(job);
    } else {
        check_repeat(job, record, to, frame != NULL);
        jobs[job].repeats = true;
    }
    record->datagrams++;
    if (record->datagrams > jobs[job].most)
        jobs[job].most = record->datagrams;
    jobs[job].taken += error == 0;
    return is_first;
}

void confirmed_sent_plain(uint32_t job, bool taken)
{
    if (jobs[job].repeats)
        broken_promise("a plain copy is sent once, and a frame is repeated as a frame",
                       "job %" PRIu32 ": one for the group or a stream", job);
    jobs[job].plain++;
    jobs[job].taken += taken;
    begin_copies(job);
}

/* ---- confirmations ---- */

static uint32_t job_of(const uint8_t *number)
{
    uint64_t value = 0;
    for (size_t i = 0; i < 8; i++)
        value = value << 8 | number[i];
    for (uint32_t i = 1; i <= job_count; i++)
        if (jobs[i].has_number && jobs[i].number == value)
            return i;
    return 0;
}

/* Whether a confirm for that record counts. */
static enum chance counts(const struct record *record, const struct model_entry *entry,
                          enum chance registers)
{
    if (record == NULL || record->is_plain || registers == NO ||
        has_surely_joined_later(record, entry))
        return NO;
    bool is_certain = registers == YES && !hello_may_be_limited() &&
                      has_surely_stayed(record, entry) && is_surely_remembered(record->job);
    return is_certain ? YES : MAYBE;
}

void confirmed_received(const struct model_entry *entry, const uint8_t *bytes,
                        enum chance registers)
{
    uint32_t job = job_of(bytes + HEAD_BYTES);
    struct record *record = job != 0 ? find(job, entry) : NULL;
    last_counts = counts(record, entry, registers);
    if (last_counts == NO)
        return;
    all.least += last_counts == YES;
    all.most++;
    firsts.most += record->confirmed == NO;
    firsts.least += last_counts == YES && record->confirmed != YES;
    if (last_counts == YES && record->confirmed != YES)
        record->confirmed_ms = event_queue_now_ms();
    if (last_counts > record->confirmed)
        record->confirmed = last_counts;
}

enum chance confirmed_counts(void)
{
    return last_counts;
}

void confirmed_check(uint64_t confirmed, uint64_t again)
{
    if (broken_is("confirmed"))
        confirmed++;
    if (confirmed < firsts.least || confirmed > firsts.most)
        broken_promise("confirmed counts the first confirmations of clients",
                       "it is %" PRIu64 ", and must be from %" PRIu64 " to %" PRIu64, confirmed,
                       firsts.least, firsts.most);
    if (confirmed + again < all.least || confirmed + again > all.most)
        broken_promise("confirmed_again counts the other confirmations",
                       "both are %" PRIu64 ", and must be from %" PRIu64 " to %" PRIu64,
                       confirmed + again, all.least, all.most);
}

/* ---- the end of a job ---- */

/* Checks those that have certainly not confirmed, and counts those that certainly or possibly have
 * confirmed before the end. */
static void count_confirmed(uint32_t job, const struct confirmed_report *report, uint64_t *least,
                            uint64_t *most)
{
    uint64_t end_ms = jobs[job].asked_ms + report->duration_ms;
    *least = *most = 0;
    for (uint32_t i = jobs[job].first; i != 0; i = records[i].next) {
        const struct record *record = &records[i];
        const struct model_entry *entry = model_entry(record->entry);
        *most += record->confirmed != NO;
        *least += record->confirmed == YES && record->confirmed_ms + MODEL_SLOP_MS < end_ms;
        bool is_silent = !record->is_plain && record->confirmed == NO &&
                         has_surely_stayed(record, entry) && entry->frames == YES &&
                         entry->frames_since_ms <= record->first_ms;
        if (report->is_done && is_silent && record->datagrams + 1 < report->rounds)
            broken_promise("a client that has not confirmed gets a datagram in each round",
                           "job %" PRIu32 ": source %" PRIu32 " got %" PRIu32 " in %" PRIu64
                           " rounds",
                           job, record->entry, record->datagrams, report->rounds);
    }
}

/* Returns how many rounds a job of that time has at least, if clients stay silent: each one that is
 * due within it, even if another job held it back. */
static uint64_t rounds_due(uint64_t within_ms)
{
    uint64_t rounds = 1;
    while (rounds < ROUNDS_MAX && (uint64_t)INTERVAL_MOST_MS << (rounds - 1) < within_ms)
        rounds++;
    return rounds;
}

static void check_rounds(uint32_t job, const struct confirmed_report *report)
{
    uint64_t passed_ms = event_queue_now_ms() - jobs[job].last_first_ms + MODEL_SLOP_MS;
    if (report->rounds > ROUNDS_MAX || report->rounds < jobs[job].most ||
        (report->rounds > 1 && passed_ms < (uint64_t)INTERVAL_MS << (report->rounds - 2)))
        broken_promise("rounds come after 2 s, 4 s, 8 s and 16 s at the earliest",
                       "job %" PRIu32 ": %" PRIu64 " in %" PRIu64 " ms; a client got %" PRIu32, job,
                       report->rounds, passed_ms, jobs[job].most);
    if (report->is_done && report->silent > 0 && report->rounds < rounds_due(jobs[job].within_ms))
        broken_promise("a job has every round that is due within its time",
                       "job %" PRIu32 ": %" PRIu64 " are silent after %" PRIu64 " rounds", job,
                       report->silent, report->rounds);
    if (report->is_done && report->silent > 0 &&
        report->duration_ms + MODEL_SLOP_MS < jobs[job].within_ms)
        broken_promise("a job waits for confirmations until its time has passed",
                       "job %" PRIu32 ": %" PRIu64 " are silent after %" PRIu64 " ms", job,
                       report->silent, report->duration_ms);
}

void confirmed_ended(uint32_t job, const struct confirmed_report *report)
{
    uint64_t least, most;
    if (report->copies != report->confirmed + report->silent + report->plain)
        broken_promise("targets = confirmed + silent + plain + skipped",
                       "job %" PRIu32 ": %" PRIu64 " copies are not %" PRIu64 " + %" PRIu64
                       " + %" PRIu64,
                       job, report->copies, report->confirmed, report->silent, report->plain);
    if (report->confirmed + report->silent != jobs[job].framed ||
        report->datagrams != jobs[job].taken)
        broken_promise("a confirmed job reports what was sent",
                       "job %" PRIu32 ": %" PRIu64 " + %" PRIu64 " of %" PRIu64 " frames, %" PRIu64
                       " of %" PRIu64 " datagrams",
                       job, report->confirmed, report->silent, jobs[job].framed, report->datagrams,
                       jobs[job].taken);
    count_confirmed(job, report, &least, &most);
    if (report->confirmed < least || report->confirmed > most)
        broken_promise("a job counts the clients that have confirmed it",
                       "job %" PRIu32 ": %" PRIu64 ", and must be from %" PRIu64 " to %" PRIu64,
                       job, report->confirmed, least, most);
    check_rounds(job, report);
}

/* ---- lists ---- */

void confirmed_list_begin(uint32_t job, bool is_silent, uint64_t asked_ms)
{
    list.job = job;
    list.is_silent = is_silent;
    list.asked_ms = asked_ms;
    list.serial++;
}

void confirmed_list_add(const struct model_entry *entry)
{
    struct record *record = find(list.job, entry);
    /* The answer may be as old as the command: it lists a client that has joined again since. */
    bool is_another = record != NULL && has_surely_joined_later(record, entry) &&
                      entry->may_since_ms < list.asked_ms;
    if (record == NULL || record->is_plain || is_another)
        broken_promise("the clients of a job got a frame of it",
                       "job %" PRIu32 ": source %" PRIu32 " did not", list.job, entry->number);
    bool is_wrong = list.is_silent ? record->confirmed == YES &&
                                         record->confirmed_ms + MODEL_SLOP_MS < list.asked_ms
                                   : record->confirmed == NO;
    if (is_wrong || broken_now("silent", 2))
        broken_promise("the silent clients of a job are those that have not confirmed it",
                       "job %" PRIu32 ": source %" PRIu32 " is listed as %s", list.job,
                       entry->number, list.is_silent ? "silent" : "confirmed");
    if (record->listed == list.serial)
        broken_promise("each client of a job is listed once", "job %" PRIu32 ": source %" PRIu32,
                       list.job, entry->number);
    record->listed = list.serial;
}

void confirmed_list_end(void)
{
    for (uint32_t i = jobs[list.job].first; i != 0; i = records[i].next) {
        const struct record *record = &records[i];
        bool belongs = !record->is_plain && record->first_ms + MODEL_SLOP_MS < list.asked_ms &&
                       (list.is_silent ? record->confirmed == NO
                                       : record->confirmed == YES &&
                                             record->confirmed_ms + MODEL_SLOP_MS < list.asked_ms);
        if (belongs && record->listed != list.serial && is_surely_remembered(list.job) &&
            has_surely_stayed(record, model_entry(record->entry)))
            broken_promise("each client of a job is listed",
                           "job %" PRIu32 ": source %" PRIu32 " is not listed as %s", list.job,
                           record->entry, list.is_silent ? "silent" : "confirmed");
    }
}

void confirmed_list_refused(uint32_t job, uint64_t asked_ms, const char *reason)
{
    bool has_sent = jobs[job].first != 0 && jobs[job].last_first_ms + MODEL_SLOP_MS < asked_ms;
    bool is_wrong = strstr(reason, "it is not confirmed") != NULL ||
                    (has_sent && is_surely_remembered(job) &&
                     (strstr(reason, "only the last") != NULL ||
                      strstr(reason, "it has sent nothing") != NULL));
    if (is_wrong)
        broken_promise("the clients of a job are listed while it is remembered",
                       "job %" PRIu32 ": %s", job, reason);
}
