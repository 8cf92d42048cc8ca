/* Tests of drawing a screen, on a simulated terminal. */
#include "terminal/screen.h"

#include "tty_fixture.h"

static char bytes[SCREEN_BYTES];

static struct tty drawn_tty(struct screen *screen, unsigned columns, unsigned rows)
{
    size_t size = screen_end(screen);
    struct tty tty = tty_new(columns, rows);
    cr_assert_leq(size, sizeof bytes);
    tty_write(&tty, bytes, size);
    cr_assert_eq(tty.scrolled, 0, "the window has scrolled");
    return tty;
}

Test(screen, overwrites_the_previous_screen_in_place)
{
    struct screen screen;
    screen_begin(&screen, bytes, 20, 4, false, false);
    screen_put(&screen, SCREEN_PLAIN, "one");
    screen_end_row(&screen);
    screen_format(&screen, SCREEN_BOLD, "two %d", 2);
    struct tty tty = drawn_tty(&screen, 20, 4);
    cr_expect_str_eq(tty_row(&tty, 0), "one");
    cr_expect_str_eq(tty_row(&tty, 1), "two 2");
    cr_expect_str_eq(tty_row(&tty, 2), "");
    cr_expect_str_eq(tty_row(&tty, 3), "");
    /* The screen is neither cleared first nor shown before it is complete. */
    cr_expect_null(memmem(bytes, screen.size, "\x1b[2J", 4));
    cr_expect_eq(memcmp(bytes, "\x1b[?2026h\x1b[H", 11), 0);
    cr_expect_eq(memcmp(bytes + screen.size - 8, "\x1b[?2026l", 8), 0);
}

Test(screen, truncates_to_the_window)
{
    struct screen screen;
    screen_begin(&screen, bytes, 5, 2, true, true);
    for (int i = 0; i < 4; i++) {
        screen_put(&screen, SCREEN_BAD, "abc");
        screen_put(&screen, SCREEN_PLAIN, "defgh");
        screen_level(&screen, SCREEN_GOOD, 8);
        screen_end_row(&screen);
    }
    cr_expect_eq(screen_rows_left(&screen), 0);
    struct tty tty = drawn_tty(&screen, 5, 2);
    cr_expect_str_eq(tty_row(&tty, 0), "abcde");
    cr_expect_str_eq(tty_row(&tty, 1), "abcde");
}

Test(screen, fits_any_window)
{
    for (unsigned columns = 1; columns < 30; columns++)
        for (unsigned rows = 1; rows < 8; rows++) {
            struct screen screen;
            screen_begin(&screen, bytes, columns, rows, true, true);
            for (int i = 0; i < 8; i++) {
                screen_format(&screen, SCREEN_BOLD, "%.*s", i * 4,
                              "abcdefghijklmnopqrstuvwxyzabcdef");
                screen_bar(&screen, SCREEN_GOOD, 10, 500);
                screen_end_row(&screen);
            }
            drawn_tty(&screen, columns, rows);
        }
}

Test(screen, draws_part_of_a_window_beyond_its_limits)
{
    struct screen screen;
    screen_begin(&screen, bytes, 60000, 60000, true, true);
    for (int row = 0; row < SCREEN_ROWS_MAX + 5; row++) {
        for (int column = 0; column < SCREEN_COLUMNS_MAX + 5; column++)
            screen_level(&screen, SCREEN_BAD, 8);
        screen_end_row(&screen);
    }
    cr_expect_leq(screen_end(&screen), sizeof bytes);
}

Test(screen, does_not_let_a_text_control_the_terminal)
{
    struct screen screen;
    screen_begin(&screen, bytes, 40, 1, false, false);
    screen_put(&screen, SCREEN_BAD,
               "a\x1b[31mb\nc\xc2\x9b"
               "d\x7f");
    struct tty tty = drawn_tty(&screen, 40, 1);
    cr_expect_str_eq(tty_row(&tty, 0), "a?[31mb?c??d?");
    cr_expect_null(memmem(bytes, screen.size, "\x1b[31m", 5));
}

Test(screen, draws_levels_as_blocks_or_in_ascii)
{
    struct screen screen;
    for (int blocks = 0; blocks < 2; blocks++) {
        screen_begin(&screen, bytes, 40, 1, false, blocks);
        for (unsigned level = 0; level <= SCREEN_LEVELS; level++)
            screen_level(&screen, SCREEN_PLAIN, level);
        struct tty tty = drawn_tty(&screen, 40, 1);
        cr_expect_str_eq(tty_row(&tty, 0), blocks ? " @@@@@@@@" : " _.-:=+*#");
    }
    cr_expect_not_null(memmem(bytes, screen.size, "\u2581\u2582", 6));
}

Test(screen, fills_a_bar_by_permille)
{
    static const struct {
        unsigned permille;
        const char *bar;
    } cases[] = {
        {0, "[----]"}, {249, "[----]"}, {250, "[#---]"}, {999, "[###-]"}, {1000, "[####]"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct screen screen;
        screen_begin(&screen, bytes, 40, 1, true, true);
        screen_bar(&screen, SCREEN_GOOD, 6, cases[i].permille);
        struct tty tty = drawn_tty(&screen, 40, 1);
        cr_expect_str_eq(tty_row(&tty, 0), cases[i].bar);
    }
}

Test(screen, pads_to_a_column_and_never_moves_back)
{
    struct screen screen;
    screen_begin(&screen, bytes, 10, 1, false, false);
    screen_put(&screen, SCREEN_PLAIN, "ab");
    screen_pad_to(&screen, 4);
    screen_put(&screen, SCREEN_PLAIN, "c");
    screen_pad_to(&screen, 2);
    screen_put(&screen, SCREEN_PLAIN, "d");
    screen_pad_to(&screen, 99);
    struct tty tty = drawn_tty(&screen, 10, 1);
    cr_expect_str_eq(tty_row(&tty, 0), "ab  cd");
}
