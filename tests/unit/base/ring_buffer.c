/* Tests of base/ring_buffer: records pushed and released, compared with a model. */
#include "base/ring_buffer.h"

#include "base/prng.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM = 256 };

static _Alignas(RING_BUFFER_ALIGNMENT) uint8_t memory[ROOM];

static struct ring_buffer ring_of(size_t room)
{
    struct ring_buffer ring;
    ring_buffer_init(&ring, memory, room);
    return ring;
}

Test(ring_buffer, keeps_a_record_until_it_is_released)
{
    struct ring_buffer ring = ring_of(ROOM);
    cr_assert(ring_buffer_is_empty(&ring));
    char *a = ring_buffer_push(&ring, 5), *b = ring_buffer_push(&ring, 7);
    memcpy(a, "hello", 5);
    memcpy(b, "friends", 7);
    cr_assert_arr_eq(a, "hello", 5);
    cr_assert_not(ring_buffer_is_empty(&ring));
    ring_buffer_release(&ring, a);
    cr_assert_arr_eq(b, "friends", 7);
    ring_buffer_release(&ring, b);
    cr_assert(ring_buffer_is_empty(&ring));
}

Test(ring_buffer, accepts_the_largest_record_whenever_it_is_empty)
{
    struct ring_buffer ring = ring_of(ROOM);
    for (size_t size = 0; size <= 64; size += 16) {
        void *small = ring_buffer_push(&ring, size);
        cr_assert_not_null(small);
        ring_buffer_release(&ring, small);
        void *largest = ring_buffer_push(&ring, ring_buffer_record_max(&ring));
        cr_assert_not_null(largest, "after one of %zu bytes", size);
        ring_buffer_release(&ring, largest);
    }
    cr_assert_null(ring_buffer_push(&ring, ring_buffer_record_max(&ring) + 1));
    cr_assert_null(ring_buffer_push(&ring, SIZE_MAX));
}

Test(ring_buffer, refuses_a_record_when_it_is_full_and_keeps_the_others)
{
    struct ring_buffer ring = ring_of(ROOM);
    char *records[ROOM / RING_BUFFER_RECORD_EXTRA];
    size_t count = 0;
    for (char *record; (record = ring_buffer_push(&ring, 1)) != NULL; count++) {
        *record = (char)count;
        records[count] = record;
    }
    cr_assert_eq(count, ROOM / (RING_BUFFER_RECORD_EXTRA + RING_BUFFER_ALIGNMENT));
    for (size_t i = 0; i < count; i++)
        cr_assert_eq(*records[i], (char)i);
}

Test(ring_buffer, reclaims_a_record_only_after_those_before_it)
{
    struct ring_buffer ring = ring_of(128);
    void *first = ring_buffer_push(&ring, 16), *second = ring_buffer_push(&ring, 16),
         *third = ring_buffer_push(&ring, 48);
    cr_assert_not_null(third);
    ring_buffer_release(&ring, second);
    cr_assert_null(ring_buffer_push(&ring, 0));
    ring_buffer_release(&ring, first);
    cr_assert_not_null(ring_buffer_push(&ring, 16));
}

Test(ring_buffer, aligns_records_for_any_object)
{
    struct ring_buffer ring = ring_of(ROOM);
    for (size_t size = 0; size < 5; size++) {
        void *record = ring_buffer_push(&ring, size);
        cr_assert_eq((uintptr_t)record % RING_BUFFER_ALIGNMENT, 0);
    }
}

/* Pushes and releases at random, and compares with a list of the expected records. */
Test(ring_buffer, agrees_with_a_model_through_a_million_random_steps)
{
    enum { RECORDS = 64, BYTES = 4096 };
    struct {
        uint8_t *bytes;
        size_t size;
        uint8_t fill;
    } held[RECORDS];
    size_t count = 0;
    struct ring_buffer ring;
    struct prng prng;
    uint8_t *block = aligned_alloc(RING_BUFFER_ALIGNMENT, BYTES);
    ring_buffer_init(&ring, block, BYTES);
    prng_init(&prng, 6);
    uint64_t refused = 0;
    for (uint32_t step = 0; step < 1000000; step++) {
        if (count < RECORDS && prng_next(&prng) % 2 == 0) {
            size_t size = prng_next(&prng) % (prng_next(&prng) % 10 == 0 ? 2000 : 60);
            uint8_t *record = ring_buffer_push(&ring, size);
            refused += record == NULL;
            cr_assert(record != NULL || count > 0, "an empty ring has room for %zu", size);
            if (record == NULL)
                continue;
            cr_assert(record >= block && record + size <= block + BYTES);
            memset(record, (int)(step & 0xff), size);
            held[count].bytes = record;
            held[count].size = size;
            held[count++].fill = (uint8_t)step;
        } else if (count > 0) {
            size_t i = prng_next(&prng) % count;
            for (size_t k = 0; k < held[i].size; k++)
                cr_assert_eq(held[i].bytes[k], held[i].fill);
            ring_buffer_release(&ring, held[i].bytes);
            held[i] = held[--count];
        }
        cr_assert_eq(ring_buffer_is_empty(&ring), count == 0);
    }
    cr_assert_gt(refused, 1000, "the ring was never full");
    free(block);
}

/* Whether the records that are visited are the marked ones, in the order of pushing. */
static void expect_visited(const struct ring_buffer *ring, char *const *records,
                           const bool *released, size_t count)
{
    char *record = NULL;
    for (size_t i = 0; i < count; i++) {
        if (released[i])
            continue;
        record = ring_buffer_next(ring, record);
        cr_assert_eq(record, records[i], "record %zu", i);
    }
    cr_assert_null(ring_buffer_next(ring, record));
}

Test(ring_buffer, visits_the_records_that_are_not_released_in_their_order)
{
    enum { RECORDS = 4 };
    struct ring_buffer ring = ring_of(ROOM);
    cr_assert_null(ring_buffer_next(&ring, NULL));
    /* Rounds of records of different sizes begin at different places, also before a gap. */
    for (size_t round = 0; round < 50; round++) {
        for (unsigned which = 0; which < 1 << RECORDS; which++) {
            char *records[RECORDS];
            bool released[RECORDS] = {false};
            void *before = ring_buffer_push(&ring, round % 17);
            for (size_t i = 0; i < RECORDS; i++) {
                records[i] = ring_buffer_push(&ring, round + i <= 20 ? round + i : 3);
                cr_assert_not_null(records[i]);
            }
            ring_buffer_release(&ring, before);
            for (size_t i = 0; i < RECORDS; i++) {
                released[i] = (which >> i & 1) != 0;
                if (released[i])
                    ring_buffer_release(&ring, records[i]);
            }
            expect_visited(&ring, records, released, RECORDS);
            for (size_t i = 0; i < RECORDS; i++)
                if (!released[i])
                    ring_buffer_release(&ring, records[i]);
            /* Keeps the ring from being empty, with which it begins at the start again. */
            if (which % 3 == 0) {
                void *next = ring_buffer_push(&ring, 1);
                ring_buffer_release(&ring, next);
            }
        }
    }
}

Test(ring_buffer, visits_records_on_both_sides_of_the_end_of_its_memory)
{
    struct ring_buffer ring = ring_of(ROOM);
    void *first = ring_buffer_push(&ring, 96), *second = ring_buffer_push(&ring, 64);
    ring_buffer_release(&ring, first);
    void *third = ring_buffer_push(&ring, 64);
    cr_assert_lt((uint8_t *)third, (uint8_t *)second);
    cr_assert_eq(ring_buffer_next(&ring, NULL), second);
    cr_assert_eq(ring_buffer_next(&ring, second), third);
    cr_assert_null(ring_buffer_next(&ring, third));
}
