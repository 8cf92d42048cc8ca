#include "server/broadcast/confirmations.h"

#include "os/process/memory.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum {
    DUE = 1,
    CONFIRMED = 2,
    SLOT_BITS = 2,
    SLOTS_PER_BYTE = 8 / SLOT_BITS,
    PLACES = CONFIRMED_BROADCASTS_MAX + CONFIRMED_MESSAGES_MAX,
    /* The largest page of the processors that Linux supports (arm64, ppc64): the bits of a job can
     * be discarded without those of its neighbours. */
    JOB_ALIGNMENT = 1 << 16,
};

struct confirmed_job {
    uint64_t joined_before;
    uint64_t order; /* how many jobs had begun before it */
    bool remembered, ended;
    uint8_t *bits; /* of a broadcast: SLOT_BITS a slot, the lowest slot in the lowest bits of the
                      first byte; NULL: a message */
    struct {
        uint32_t slot;
        uint8_t bits; /* 0: it got no frame yet */
    } only;           /* the client of a message */
    struct confirmation_counts counts;
};

struct confirmations {
    /* By place, first those of the broadcasts, then those of the messages. Their numbers stand by
     * themselves: a confirmation of an unknown one reads 9 cache lines. */
    uint64_t numbers[PLACES];
    struct confirmed_job jobs[PLACES];
    uint64_t begun; /* jobs, ever */
    uint32_t slots;
    size_t job_bytes; /* of the bits of one broadcast */
    void *memory;     /* the bits of all broadcasts */
};

int confirmations_open(struct confirmations **confirmations, uint32_t slots)
{
    struct confirmations *made = calloc(1, sizeof *made);
    if (made == NULL)
        return -ENOMEM;
    size_t bytes = slots / SLOTS_PER_BYTE + 1;
    made->slots = slots;
    made->job_bytes = (bytes + JOB_ALIGNMENT - 1) / JOB_ALIGNMENT * JOB_ALIGNMENT;
    made->memory = memory_reserve(CONFIRMED_BROADCASTS_MAX * made->job_bytes, 0);
    if (made->memory == NULL) {
        int error = -errno;
        free(made);
        return error;
    }
    for (size_t i = 0; i < CONFIRMED_BROADCASTS_MAX; i++)
        made->jobs[i].bits = (uint8_t *)made->memory + i * made->job_bytes;
    *confirmations = made;
    return 0;
}

void confirmations_close(struct confirmations *confirmations)
{
    if (confirmations == NULL)
        return;
    memory_release(confirmations->memory, CONFIRMED_BROADCASTS_MAX * confirmations->job_bytes);
    free(confirmations);
}

/* Returns a remembered job, or NULL. */
static struct confirmed_job *find(const struct confirmations *confirmations, uint64_t number)
{
    for (size_t i = 0; i < PLACES; i++)
        if (confirmations->numbers[i] == number && confirmations->jobs[i].remembered)
            return (struct confirmed_job *)&confirmations->jobs[i];
    return NULL;
}

/* Returns the place of a new job: a free one, or that of the job to be forgotten; NULL if all run.
 */
static struct confirmed_job *place(struct confirmations *confirmations, enum confirmed_kind kind)
{
    size_t first = kind == CONFIRMED_BROADCAST ? 0 : CONFIRMED_BROADCASTS_MAX;
    struct confirmed_job *oldest = NULL;
    for (size_t i = first; i < first + confirmed_kind_max(kind); i++) {
        struct confirmed_job *job = &confirmations->jobs[i];
        if (!job->remembered)
            return job;
        if (job->ended && (oldest == NULL || job->order < oldest->order))
            oldest = job;
    }
    return oldest;
}

int confirmations_begin(struct confirmations *confirmations, enum confirmed_kind kind, uint64_t job,
                        uint64_t joined_before)
{
    struct confirmed_job *begun = place(confirmations, kind);
    if (begun == NULL)
        return -EBUSY;
    if (begun->remembered && begun->bits != NULL)
        memory_discard(begun->bits, confirmations->job_bytes);
    confirmations->numbers[begun - confirmations->jobs] = job;
    begun->joined_before = joined_before;
    begun->order = confirmations->begun++;
    begun->remembered = true;
    begun->ended = false;
    begun->only.bits = 0;
    atomic_store_explicit(&begun->counts.framed, 0, memory_order_relaxed);
    atomic_store_explicit(&begun->counts.confirmed, 0, memory_order_relaxed);
    return 0;
}

void confirmations_end(struct confirmations *confirmations, uint64_t job)
{
    struct confirmed_job *ended = find(confirmations, job);
    if (ended != NULL)
        ended->ended = true;
}

static unsigned bits_of(const struct confirmed_job *job, uint32_t slot)
{
    if (job->bits == NULL)
        return slot == job->only.slot ? job->only.bits : 0;
    return job->bits[slot / SLOTS_PER_BYTE] >> slot % SLOTS_PER_BYTE * SLOT_BITS &
           (DUE | CONFIRMED);
}

static void change_bits(struct confirmed_job *job, uint32_t slot, unsigned changed)
{
    if (job->bits == NULL) {
        job->only.slot = slot;
        job->only.bits ^= (uint8_t)changed;
        return;
    }
    job->bits[slot / SLOTS_PER_BYTE] ^= (uint8_t)(changed << slot % SLOTS_PER_BYTE * SLOT_BITS);
}

/* Only this thread writes, so an addition need not be one atomic step. */
static void increase(_Atomic uint64_t *count)
{
    atomic_store_explicit(count, atomic_load_explicit(count, memory_order_relaxed) + 1,
                          memory_order_release);
}

void confirmations_frame_sent(struct confirmations *confirmations, uint64_t job, uint32_t slot)
{
    struct confirmed_job *sent = find(confirmations, job);
    if (sent == NULL || bits_of(sent, slot) != 0)
        return;
    change_bits(sent, slot, DUE);
    increase(&sent->counts.framed);
}

bool confirmations_is_due(const struct confirmations *confirmations, uint64_t job, uint32_t slot)
{
    const struct confirmed_job *found = find(confirmations, job);
    return found != NULL && bits_of(found, slot) == DUE;
}

bool confirmations_is_confirmed(const struct confirmations *confirmations, uint64_t job,
                                uint32_t slot)
{
    const struct confirmed_job *found = find(confirmations, job);
    return found != NULL && bits_of(found, slot) == CONFIRMED;
}

/* Whether one of the 32 slots, from a multiple of 32 on, is due. */
static bool has_due(const struct confirmed_job *job, uint32_t slot)
{
    uint64_t bits;
    memcpy(&bits, &job->bits[slot / SLOTS_PER_BYTE], sizeof bits);
    return (bits & UINT64_C(0x5555555555555555) * DUE) != 0;
}

uint32_t confirmations_next_due(const struct confirmations *confirmations, uint64_t job,
                                uint32_t from)
{
    enum { WORD_SLOTS = 64 / SLOT_BITS };
    const struct confirmed_job *found = find(confirmations, job);
    if (found != NULL && found->bits == NULL)
        return found->only.bits == DUE && found->only.slot >= from ? found->only.slot
                                                                   : CONFIRMATIONS_END;
    for (uint32_t slot = from; found != NULL && slot < confirmations->slots;) {
        if (slot % WORD_SLOTS == 0 && !has_due(found, slot))
            slot += WORD_SLOTS;
        else if (bits_of(found, slot) == DUE)
            return slot;
        else
            slot++;
    }
    return CONFIRMATIONS_END;
}

enum confirmation confirmations_confirm(struct confirmations *confirmations, uint64_t job,
                                        uint32_t slot, uint64_t join_number)
{
    struct confirmed_job *found = find(confirmations, job);
    if (found == NULL || join_number >= found->joined_before)
        return CONFIRMATION_UNKNOWN;
    switch (bits_of(found, slot)) {
    case DUE:
        change_bits(found, slot, DUE | CONFIRMED);
        increase(&found->counts.confirmed);
        return CONFIRMATION_FIRST;
    case CONFIRMED:
        return CONFIRMATION_AGAIN;
    default:
        return CONFIRMATION_UNKNOWN;
    }
}

bool confirmations_joined_before(const struct confirmations *confirmations, uint64_t job,
                                 uint64_t *joined_before)
{
    const struct confirmed_job *found = find(confirmations, job);
    if (found != NULL)
        *joined_before = found->joined_before;
    return found != NULL;
}

const struct confirmation_counts *confirmations_counts(const struct confirmations *confirmations,
                                                       uint64_t job)
{
    const struct confirmed_job *found = find(confirmations, job);
    return found != NULL ? &found->counts : NULL;
}

/* ---- the handover ---- */

/* The bits of a broadcast are handed over in runs of words that are not zero, up to a run of none.
 */
enum { WORD_BYTES = 8 };

static size_t bits_words(const struct confirmations *confirmations)
{
    return confirmations->slots / SLOTS_PER_BYTE / WORD_BYTES + 1;
}

static bool is_zero(const struct confirmed_job *job, size_t word)
{
    uint64_t bits;
    memcpy(&bits, job->bits + word * WORD_BYTES, sizeof bits);
    return bits == 0;
}

static void put_run(struct handover_writer *writer, const struct confirmed_job *job, size_t first,
                    size_t words)
{
    handover_put32(writer, (uint32_t)first);
    handover_put32(writer, (uint32_t)words);
    handover_put_bytes(writer, job->bits + first * WORD_BYTES, words * WORD_BYTES);
}

static void put_bits(struct handover_writer *writer, const struct confirmations *confirmations,
                     const struct confirmed_job *job)
{
    size_t end = bits_words(confirmations);
    /* Without a frame no bit is set, and the memory is not even read. */
    for (size_t word = job->counts.framed == 0 ? end : 0; word < end; word++) {
        size_t first = word;
        while (word < end && !is_zero(job, word))
            word++;
        if (word > first)
            put_run(writer, job, first, word - first);
    }
    put_run(writer, job, 0, 0);
}

static void put_job(struct handover_writer *writer, const struct confirmations *confirmations,
                    size_t place)
{
    const struct confirmed_job *job = &confirmations->jobs[place];
    handover_put8(writer, job->remembered);
    if (!job->remembered)
        return;
    handover_put64(writer, confirmations->numbers[place]);
    handover_put64(writer, job->joined_before);
    handover_put64(writer, job->order);
    handover_put8(writer, job->ended);
    handover_put64(writer, job->counts.framed);
    handover_put64(writer, job->counts.confirmed);
    if (job->bits != NULL) {
        put_bits(writer, confirmations, job);
    } else {
        handover_put32(writer, job->only.slot);
        handover_put8(writer, job->only.bits);
    }
}

void confirmations_hand_over(const struct confirmations *confirmations,
                             struct handover_writer *writer)
{
    handover_put32(writer, confirmations->slots);
    handover_put64(writer, confirmations->begun);
    handover_put16(writer, PLACES);
    for (size_t i = 0; i < PLACES; i++)
        put_job(writer, confirmations, i);
}

static int get_bits(struct handover_reader *reader, const struct confirmations *confirmations,
                    struct confirmed_job *job)
{
    size_t end = bits_words(confirmations);
    for (;;) {
        uint32_t first = handover_get32(reader), words = handover_get32(reader);
        if (words == 0)
            return reader->failed ? -EPROTO : 0;
        const uint8_t *bits = handover_get_bytes(reader, (size_t)words * WORD_BYTES);
        if (bits == NULL || first >= end || words > end - first)
            return -EPROTO;
        memcpy(job->bits + (size_t)first * WORD_BYTES, bits, (size_t)words * WORD_BYTES);
    }
}

static int get_job(struct handover_reader *reader, struct confirmations *confirmations,
                   size_t place)
{
    struct confirmed_job *job = &confirmations->jobs[place];
    job->remembered = handover_get8(reader) != 0;
    if (!job->remembered)
        return 0;
    confirmations->numbers[place] = handover_get64(reader);
    job->joined_before = handover_get64(reader);
    job->order = handover_get64(reader);
    job->ended = handover_get8(reader) != 0;
    job->counts.framed = handover_get64(reader);
    job->counts.confirmed = handover_get64(reader);
    if (job->bits != NULL)
        return get_bits(reader, confirmations, job);
    job->only.slot = handover_get32(reader);
    job->only.bits = handover_get8(reader) & (DUE | CONFIRMED);
    return 0;
}

int confirmations_take_over(struct confirmations *confirmations, struct handover_reader *reader)
{
    int error = handover_get32(reader) == confirmations->slots ? 0 : -EPROTO;
    confirmations->begun = handover_get64(reader);
    if (handover_get16(reader) != PLACES)
        error = -EPROTO;
    for (size_t i = 0; i < PLACES && error == 0; i++)
        error = get_job(reader, confirmations, i);
    return error != 0 || reader->failed ? -EPROTO : 0;
}
