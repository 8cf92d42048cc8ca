/* Tests of base/spsc_ring in one thread: records committed and released, compared with a model.
 * With two threads: tests/plain/event_queue_tsan.c. */
#include "base/spsc_ring.h"

#include "base/prng.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM = 256 };

static _Alignas(SPSC_RING_ALIGNMENT) uint8_t memory[ROOM];
static struct spsc_ring ring;

static void set_up(void)
{
    spsc_ring_init(&ring, memory, ROOM);
}

TestSuite(spsc_ring, .init = set_up);

static bool put(const char *text)
{
    char *record = spsc_ring_reserve(&ring, strlen(text) + 1);
    if (record == NULL)
        return false;
    strcpy(record, text);
    spsc_ring_commit(&ring);
    return true;
}

static void expect_front(const char *text)
{
    const char *record = spsc_ring_front(&ring);
    cr_assert_not_null(record);
    cr_assert_str_eq(record, text);
    spsc_ring_release(&ring);
}

Test(spsc_ring, delivers_records_in_order)
{
    cr_assert_null(spsc_ring_front(&ring));
    cr_assert(put("one"));
    cr_assert(put("two"));
    expect_front("one");
    cr_assert(put("three"));
    expect_front("two");
    expect_front("three");
    cr_assert_null(spsc_ring_front(&ring));
}

Test(spsc_ring, shows_a_record_only_after_its_commit_and_replaces_one_that_has_none)
{
    strcpy(spsc_ring_reserve(&ring, 8), "draft");
    cr_assert_null(spsc_ring_front(&ring));
    strcpy(spsc_ring_reserve(&ring, 8), "final");
    spsc_ring_commit(&ring);
    expect_front("final");
    cr_assert_null(spsc_ring_front(&ring));
}

Test(spsc_ring, accepts_the_largest_record_whenever_it_is_empty)
{
    for (size_t size = 0; size <= ROOM / 2; size++) {
        spsc_ring_init(&ring, memory, ROOM);
        if (size <= spsc_ring_record_max(&ring)) {
            cr_assert_not_null(spsc_ring_reserve(&ring, size));
            spsc_ring_commit(&ring);
            cr_assert_not_null(spsc_ring_front(&ring));
            spsc_ring_release(&ring);
        }
        cr_assert_not_null(spsc_ring_reserve(&ring, spsc_ring_record_max(&ring)),
                           "after one of %zu bytes", size);
    }
    cr_assert_null(spsc_ring_reserve(&ring, spsc_ring_record_max(&ring) + 1));
    cr_assert_null(spsc_ring_reserve(&ring, SIZE_MAX));
}

Test(spsc_ring, refuses_a_record_when_it_is_full_and_keeps_the_others)
{
    unsigned count = 0;
    char text[2] = "a";
    for (; put(text); count++)
        text[0]++;
    cr_assert_eq(count, ROOM / (SPSC_RING_RECORD_EXTRA + SPSC_RING_ALIGNMENT));
    for (text[0] = 'a'; count > 0; count--, text[0]++)
        expect_front(text);
    cr_assert(put("room again"));
}

Test(spsc_ring, skips_the_gap_before_a_record_that_does_not_fit_before_the_end)
{
    char long_text[81];
    memset(long_text, 'x', 80);
    long_text[80] = '\0';
    for (int turn = 0; turn < 100; turn++) { /* 112 bytes each, which do not divide the room */
        cr_assert(put(long_text));
        expect_front(long_text);
        cr_assert(put("short"));
        expect_front("short");
    }
}

Test(spsc_ring, aligns_records_for_any_object)
{
    for (size_t size = 0; size < 5; size++) {
        const void *record = spsc_ring_reserve(&ring, size);
        cr_assert_eq((uintptr_t)record % SPSC_RING_ALIGNMENT, 0);
        spsc_ring_commit(&ring);
    }
}

Test(spsc_ring, has_passed_a_mark_once_all_before_it_is_released)
{
    cr_assert(spsc_ring_has_passed(&ring, spsc_ring_mark(&ring)));
    put("one");
    put("two");
    uint64_t mark = spsc_ring_mark(&ring);
    put("three");
    cr_assert_not(spsc_ring_has_passed(&ring, mark));
    expect_front("one");
    cr_assert_not(spsc_ring_has_passed(&ring, mark));
    expect_front("two");
    cr_assert(spsc_ring_has_passed(&ring, mark));
    expect_front("three");
    cr_assert(spsc_ring_has_passed(&ring, mark));
}

/* Commits and releases at random, and compares with a list of the expected records. */
Test(spsc_ring, agrees_with_a_model_through_a_million_random_steps)
{
    enum { RECORDS = 64, BYTES = 4096 };
    struct {
        size_t size;
        uint8_t fill;
    } held[RECORDS];
    size_t first = 0, count = 0;
    struct prng prng;
    uint64_t refused = 0;
    uint8_t *block = aligned_alloc(SPSC_RING_ALIGNMENT, BYTES);
    spsc_ring_init(&ring, block, BYTES);
    prng_init(&prng, 6);
    for (uint32_t step = 0; step < 1000000; step++) {
        if (count < RECORDS && prng_next(&prng) % 2 == 0) {
            size_t size = prng_next(&prng) % (prng_next(&prng) % 10 == 0 ? 2000 : 60);
            uint8_t *record = spsc_ring_reserve(&ring, size);
            refused += record == NULL;
            cr_assert(record != NULL || count > 0, "an empty ring has room for %zu", size);
            if (record == NULL)
                continue;
            cr_assert(record >= block && record + size <= block + BYTES);
            memset(record, (int)(step & 0xff), size);
            spsc_ring_commit(&ring);
            held[(first + count) % RECORDS].size = size;
            held[(first + count++) % RECORDS].fill = (uint8_t)step;
        } else if (count > 0) {
            const uint8_t *record = spsc_ring_front(&ring);
            cr_assert_not_null(record);
            for (size_t k = 0; k < held[first].size; k++)
                cr_assert_eq(record[k], held[first].fill);
            spsc_ring_release(&ring);
            first = (first + 1) % RECORDS;
            count--;
        }
        cr_assert_eq(spsc_ring_front(&ring) == NULL, count == 0);
    }
    cr_assert_gt(refused, 1000, "the ring was never full");
    free(block);
}
