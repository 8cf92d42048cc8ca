/* Tests of the entries that have no result yet. */
#include "ctl/bridge/publish_window.h"

#include <criterion/criterion.h>

TestSuite(publish_window, .timeout = 10);

static struct publish_window window;

static uint64_t add(uint64_t entry, bool confirms)
{
    return publish_window_add(&window, &(struct stream_position){.id = {entry, 0}}, confirms);
}

Test(publish_window, results_may_come_in_any_order)
{
    struct publish_window_entry entry;
    uint64_t one = add(1, false), two = add(2, true), three = add(3, false);
    cr_assert(publish_window_remove(&window, two, &entry));
    cr_expect_eq(entry.position.id.ms, 2);
    cr_expect(entry.confirms);
    uint64_t four = add(4, false);
    cr_assert(publish_window_remove(&window, three, &entry));
    cr_assert(publish_window_remove(&window, one, &entry));
    cr_expect_eq(entry.position.id.ms, 1);
    cr_expect_eq(window.count, 1);
    cr_assert(publish_window_remove(&window, four, &entry));
    cr_expect_eq(entry.position.id.ms, 4);
}

Test(publish_window, a_reference_is_removed_once_and_never_used_again)
{
    struct publish_window_entry entry;
    uint64_t one = add(1, false);
    cr_assert_not(publish_window_remove(&window, 0, &entry));
    cr_assert_not(publish_window_remove(&window, one + 1, &entry));
    cr_assert(publish_window_remove(&window, one, &entry));
    cr_assert_not(publish_window_remove(&window, one, &entry));
    add(2, false);
    publish_window_clear(&window);
    cr_expect_gt(add(3, false), one + 1);
}

Test(publish_window, has_room_for_32_entries_of_which_4_are_to_be_confirmed)
{
    for (int i = 0; i < 4; i++) {
        cr_assert(publish_window_has_room(&window, true));
        add(1, true);
    }
    cr_assert_not(publish_window_has_room(&window, true));
    for (unsigned room = 28; room > 0; room--) {
        cr_assert_eq(publish_window_room(&window), room >= PUBLISH_WINDOW_READ ? room : 0);
        cr_assert(publish_window_has_room(&window, false));
        add(1, false);
    }
    cr_assert_eq(publish_window_room(&window), 0);
    cr_assert_not(publish_window_has_room(&window, false));
    publish_window_clear(&window);
    cr_assert(publish_window_has_room(&window, true));
    cr_assert_eq(publish_window_room(&window), 32);
}
