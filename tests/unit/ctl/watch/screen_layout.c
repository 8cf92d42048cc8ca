#include "ctl/watch/screen_layout.h"

#include "ctl/watch/header_section.h"
#include "server_snapshot_fixture.h"
#include "tty_fixture.h"

#include <stdlib.h>

static struct tty tty;
static char drawn[SCREEN_BYTES];
static size_t drawn_size;

TestSuite(screen_layout, .init = snapshot_setup);

static void draw(unsigned columns, unsigned rows)
{
    struct screen screen;
    screen_begin(&screen, drawn, columns, rows, true, true);
    screen_layout_draw(&snapshot, &screen);
    drawn_size = screen_end(&screen);
    tty = tty_new(columns, rows);
    tty_write(&tty, drawn, drawn_size);
    cr_assert_eq(tty.scrolled, 0, "%u x %u has scrolled", columns, rows);
}

/* Returns the row that begins with text, -1 if no row does. */
static int row_of(const char *text)
{
    for (unsigned row = 0; row < tty.rows; row++)
        if (strncmp(tty_row(&tty, row), text, strlen(text)) == 0)
            return (int)row;
    return -1;
}

Test(screen_layout, shows_the_server_its_clients_and_the_rates)
{
    draw(80, 24);
    cr_expect_str_eq(tty_row(&tty, 0), "udpsrv up 3h 05m  0.1.0  2 workers  /run/udpsrv.sock");
    cr_expect_str_eq(tty_row(&tty, 1),
                     "1,234 clients of 1,000,000  0.1 %  0.0/s joined  0.0/s expired");
    cr_expect_str_eq(tty_row(&tty, 2),
                     "1,000/s requests  990/s replies  10.0/s dropped, refused or failed");
    cr_expect_str_eq(tty_row(&tty, 23), "q quits");
    draw(80, 8);
    cr_expect_not_null(strstr(tty_row(&tty, 3), "@ 5 min, peak 1,000/s"));
    draw(40, 12);
    cr_expect_not_null(strstr(tty_row(&tty, 5), "@ peak 1,000/s"));
}

/* Two polls, a second apart: 1,500 messages, 2 events and 3 losses a second for subscribers. */
static void poll_subscribers(void)
{
    for (uint64_t i = 1; i <= 2; i++) {
        counter_rates_begin(&snapshot.rates, snapshot.rates.time_ns + S_NS);
        counter_rates_add(&snapshot.rates, "received", 100000 + i * 1000);
        counter_rates_add(&snapshot.rates, "replied", 100000 + i * 1000);
        counter_rates_add(&snapshot.rates, "joined", 1234);
        counter_rates_add(&snapshot.rates, "listen_messages", i * 1500);
        counter_rates_add(&snapshot.rates, "listen_events", i * 2);
        counter_rates_add(&snapshot.rates, "listen_lost", i * 3);
        counter_rates_end(&snapshot.rates);
    }
}

Test(screen_layout, shows_the_messages_and_events_of_subscribers_once_there_was_one)
{
    draw(80, 24);
    cr_expect_eq(row_of("subscribers:"), -1);
    poll_subscribers();
    draw(80, 24);
    cr_expect_eq(row_of("subscribers:  1,500/s messages  2.0/s events  3.0/s lost"), 3);
    cr_expect_eq(row_of("listen_messages"), -1, "the header has it");
    cr_expect_eq(row_of("listen_events"), -1, "the header has it");
    cr_expect_gt(row_of("listen_lost"), 3, "a loss is among the losses");
    draw(40, 12);
    cr_expect_gt(row_of("1,500/s messages  2.0/s events"), 3, "the label does not fit");
    draw(80, 9);
    cr_expect_eq(row_of("subscribers:"), -1);
    cr_expect_gt(row_of("listen_messages"), 3, "a low window has it among the counters");
    snapshot.stale_s = 4;
    draw(80, 24);
    cr_expect_eq(row_of("subscribers:"), -1, "no rates of now");
    cr_expect_gt(row_of("listen_messages"), 3, "the total");
}

Test(screen_layout, has_no_rates_before_the_second_poll)
{
    counter_rates_reset(&snapshot.rates);
    poll_server(1000, 10);
    draw(80, 24);
    cr_expect_eq(row_of("rates follow in a second"), 2);
    for (unsigned row = 0; row < tty.rows; row++)
        cr_expect_null(strstr(tty_row(&tty, row), ".0/s"), "%s", tty_row(&tty, row));
}

Test(screen_layout, lists_losses_first_then_other_counters_and_then_losses_that_are_zero)
{
    draw(80, 24);
    int dropped = row_of("drop_oversize             10.0/s"), joined = row_of("joined");
    cr_expect_gt(dropped, 3);
    cr_expect_gt(joined, dropped);
    cr_expect_gt(row_of("drop_port_zero             0.0/s"), joined);
    cr_expect_eq(row_of("kicked"), -1);
    draw(80, 7);
    cr_expect_gt(row_of("joined"), 3);
    cr_expect_eq(row_of("drop_port_zero"), -1, "not all of them fit");
    draw(80, 24);
    cr_expect_eq(row_of("silent"), -1);
    cr_expect_not_null(strstr(tty_row(&tty, (unsigned)joined), "1,234 in all"));
}

Test(screen_layout, shows_unknown_counters_of_a_newer_server)
{
    counter_rates_begin(&snapshot.rates, snapshot.rates.time_ns + S_NS);
    counter_rates_add(&snapshot.rates, "drop_of_tomorrow", 5);
    counter_rates_end(&snapshot.rates);
    draw(80, 24);
    cr_expect_gt(row_of("drop_of_tomorrow"), 3);
}

static void add_jobs(void)
{
    for (uint64_t i = 1; i < 9; i++)
        add_job(i, i < 6 ? "done" : "running", 1000, 100 * i);
}

Test(screen_layout, fits_any_window_and_keeps_the_most_important_rows)
{
    add_jobs();
    for (unsigned columns = 1; columns <= 120; columns += columns < 30 ? 1 : 9)
        for (unsigned rows = 1; rows <= 40; rows++) {
            draw(columns, rows);
            if (columns < 20 || rows < 5)
                continue;
            cr_expect_eq(row_of("udpsrv up 3h 05m"), 0);
            cr_expect_eq(row_of("1,234 clients"), 1);
            cr_expect_gt(row_of("1,000/s requests"), 1);
            cr_expect_gt(row_of("job 6 running"), 3, "%u x %u", columns, rows);
            if (rows < HEADER_TALL_ROWS)
                cr_expect_eq(row_of("job 6 running"), 4, "%u x %u", columns, rows);
        }
}

/* ---- Words ---- */

static char words[1 << 16];

static void add_word(const char *word)
{
    char blank_before[160];
    snprintf(blank_before, sizeof blank_before, " %s ", word);
    if (strstr(words, blank_before))
        return;
    cr_assert_lt(strlen(words) + strlen(word) + 2, sizeof words);
    strcat(strcat(words, word), " ");
}

/* A name may be truncated at one of its underscores. */
static void expect_known(const char *word, unsigned columns, unsigned rows)
{
    char blank_before[160], part[160];
    snprintf(blank_before, sizeof blank_before, " %s ", word);
    snprintf(part, sizeof part, " %s_", word);
    cr_expect(strstr(words, blank_before) || strstr(words, part), "'%s' at %u x %u", word, columns,
              rows);
}

/* Passes each word of the last drawing to visit, but no charts or bars. */
static void each_word(void (*visit)(const char *word, unsigned columns, unsigned rows))
{
    for (unsigned row = 0; row < tty.rows; row++) {
        char text[TTY_COLUMNS + 1];
        snprintf(text, sizeof text, "%s", tty_row(&tty, row));
        for (char *word = strtok(text, " @"); word; word = strtok(NULL, " @"))
            if (!strstr(word, "--") && word[0] != '[')
                visit(word, tty.columns, tty.rows);
    }
}

static void add_drawn_word(const char *word, unsigned columns, unsigned rows)
{
    (void)columns;
    (void)rows;
    add_word(word);
}

/* Each word in a narrow window is also in a wide one: no word is truncated. */
static void expect_no_truncated_words(void)
{
    static const char *const others[] = {"lost", "peak", "min,", "5",     "...",    "more", "in",
                                         "last", "seen", "ago:", "rates", "follow", "15s",  "30s",
                                         "45s",  "1m",   "2m",   "3m",    "4m",     "90s",  "2",
                                         "3",    "4",    "6",    "7"};
    /* A name that only the wide windows have as a whole. */
    snapshot.rates.list[snapshot.rates.count++] =
        (struct counter_rate){.name = "drop_longer_name", .value = 1234567, .known = true};
    strcpy(words, " ");
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        add_word(others[i]);
    draw(190, 60);
    each_word(add_drawn_word);
    draw(190, 12);
    each_word(add_drawn_word);
    draw(190, 9); /* low windows have the counters of subscribers below, with their totals */
    each_word(add_drawn_word);
    for (unsigned columns = 20; columns < 190; columns += columns < 90 ? 1 : 7)
        for (unsigned rows = 5; rows <= 55; rows += 1 + rows / 8) {
            draw(columns, rows);
            each_word(expect_known);
        }
}

Test(screen_layout, truncates_no_word_in_any_window)
{
    add_jobs();
    snapshot.jobs[2].failed = 12;
    snapshot.jobs[3].skipped = 1234;
    expect_no_truncated_words();
    counter_rates_reset(&snapshot.rates);
    poll_server(1000, 10);
    expect_no_truncated_words();
}

Test(screen_layout, truncates_no_word_of_the_row_about_subscribers)
{
    poll_subscribers();
    expect_no_truncated_words();
}

Test(screen_layout, truncates_no_word_while_the_server_is_down)
{
    snapshot.is_up = false;
    snapshot.down_s = 75;
    snapshot.stale_s = 77;
    snprintf(snapshot.error, sizeof snapshot.error,
             "cannot connect to /run/udpsrv.sock: no server answers there (Connection refused); "
             "start udpsrv, or name its socket with -s");
    expect_no_truncated_words();
}

Test(screen_layout, truncates_no_word_while_the_answer_is_late)
{
    add_jobs();
    snapshot.stale_s = 4;
    expect_no_truncated_words();
}

Test(screen_layout, a_long_message_is_wrapped_at_its_blanks)
{
    snapshot.is_up = false;
    snprintf(snapshot.error, sizeof snapshot.error, "one two three four five six seven eight");
    draw(20, 20);
    cr_expect_eq(row_of("one two three four"), 1);
    cr_expect_eq(row_of("five six seven eight"), 2);
    draw(20, 8);
    cr_expect_eq(row_of("one two three ..."), 1);
}

/* ---- Wide windows ---- */

/* A poll of a server with as many counters as udpsrv has. */
static void poll_many_counters(void)
{
    uint64_t now_ns = snapshot.rates.time_ns + S_NS;
    counter_rates_begin(&snapshot.rates, now_ns);
    counter_rates_add(&snapshot.rates, "received", now_ns / S_NS * 1000);
    for (int i = 0; i < 36; i++) {
        char name[32];
        snprintf(name, sizeof name, "%scounter_%02d", i < 24 ? "drop_" : "", i);
        counter_rates_add(&snapshot.rates, name, i == 30 ? now_ns / S_NS * 7 : (uint64_t)i);
    }
    counter_rates_end(&snapshot.rates);
    sparkline_add(&snapshot.request_history, 1000);
    sparkline_add(&snapshot.loss_history, 0);
    sparkline_add(&snapshot.client_history, snapshot.clients);
    sparkline_add(&snapshot.copy_history, 0);
}

/* The percentage of filled cells if each row is divided into that many cells. */
static unsigned filled_percent(unsigned parts)
{
    unsigned filled = 0;
    for (unsigned row = 0; row < tty.rows; row++)
        for (unsigned part = 0; part < parts; part++) {
            unsigned width = tty.columns / parts, found = 0;
            tty_row(&tty, row);
            for (unsigned i = 0; i < width && !found; i++) {
                char cell = tty.cells[row][part * width + i];
                if (cell == '\0')
                    break;
                found = cell != ' ';
            }
            filled += found;
        }
    return filled * 100 / (parts * tty.rows);
}

Test(screen_layout, fills_a_wide_window_with_charts_and_counters_side_by_side)
{
    for (int i = 0; i < SPARKLINE_STEPS; i++)
        poll_many_counters();
    add_jobs();
    draw(200, 50);
    int caption = row_of("requests  1,000/s  peak 1,000/s");
    cr_expect_eq(caption, 4);
    cr_expect_not_null(strstr(tty_row(&tty, (unsigned)caption), "  lost  "));
    int below = row_of("clients  1,234  peak 1,234");
    cr_expect_gt(below, caption + 6);
    cr_expect_not_null(strstr(tty_row(&tty, (unsigned)below), "  copies sent  "));
    int first = row_of("drop_counter_01");
    cr_expect_gt(first, below + 6);
    cr_expect_not_null(strstr(tty_row(&tty, (unsigned)first), " in all   "));
    cr_expect_not_null(strstr(tty_row(&tty, (unsigned)first), "   drop_counter_"));
    cr_expect_geq(filled_percent(2), 65, "%u %%", filled_percent(2));
}

/* A poll of a server that has just started: most counters are 0. */
static void poll_zeros(void)
{
    counter_rates_begin(&snapshot.rates, snapshot.rates.time_ns + S_NS);
    counter_rates_add(&snapshot.rates, "received", 1);
    counter_rates_add(&snapshot.rates, "joined", 1);
    for (int i = 0; i < 18; i++) {
        char name[32];
        snprintf(name, sizeof name, "drop_counter_%02d", i);
        counter_rates_add(&snapshot.rates, name, 0);
    }
    counter_rates_end(&snapshot.rates);
}

Test(screen_layout, counters_that_are_zero_take_no_rows_from_a_chart)
{
    for (unsigned rows = 24; rows <= 50; rows++) {
        for (int i = 0; i < 3; i++)
            poll_zeros();
        draw(90, rows);
        int caption = row_of("requests");
        cr_expect_geq(caption, 3, "90 x %u has no diagram", rows);
        cr_expect_not(row_of("drop_counter_00") >= 0 && row_of("drop_counter_17") < 0);
        cr_expect_geq(row_of("joined"), caption + 3);
    }
    cr_expect_geq(row_of("drop_counter_17"), 0, "both fit into a tall window");
}

Test(screen_layout, shows_the_history_of_a_counter_in_a_wide_window)
{
    for (int i = 0; i < SPARKLINE_STEPS; i++)
        poll_many_counters();
    draw(200, 50);
    bool found = false;
    for (unsigned row = 0; row < tty.rows; row++) {
        const char *counter = strstr(tty_row(&tty, row), "counter_30");
        found |= counter && strstr(counter, "@@@@");
    }
    cr_expect(found);
}

Test(screen_layout, a_chart_has_the_whole_width_from_the_first_minute)
{
    for (int i = 0; i < 60; i++)
        poll_many_counters();
    draw(66, 40);
    int caption = row_of("requests");
    cr_assert_gt(caption, 2);
    const char *bars = tty_row(&tty, (unsigned)caption + 1);
    cr_expect_geq(strlen(bars) - strspn(bars, " "), 60);
    unsigned times = (unsigned)caption + 1;
    while (times < tty.rows && !strstr(tty_row(&tty, times), "30s---"))
        times++;
    cr_expect_lt(times, tty.rows, "the axis below it has times");
}

Test(screen_layout, shows_the_progress_of_open_jobs_and_then_the_ended_ones)
{
    add_job(1, "done", 10, 10);
    add_job(2, "cancelled", 10, 3);
    add_job(3, "running", 4000, 1000);
    add_job(4, "waiting", 0, 0);
    snapshot.jobs[1].failed = 4;
    draw(80, 24);
    int running = row_of("job 3 running  25.0 % [######------------------]  1,000/s  0:03 to go");
    cr_expect_gt(running, 3);
    cr_expect_eq(row_of("job 4 waiting  5 bytes"), running + 1);
    cr_expect_eq(row_of("job 2 cancelled  3 of 10 sent  4 failed"), running + 2);
    cr_expect_eq(row_of("job 1 done  10 of 10 sent"), running + 3);
}

Test(screen_layout, shows_the_selector_of_a_job_and_no_share_of_unknown_targets)
{
    add_job(3, "running", 1000, 1000);
    add_job(4, "done", 7, 7);
    for (size_t i = 0; i < 2; i++)
        snprintf(snapshot.jobs[i].selector, sizeof snapshot.jobs[i].selector, "to=192.0.2.0/24");
    draw(100, 40);
    int open = row_of("job 3 running  1,000 sent  1,000/s  5 bytes  to=192.0.2.0/24");
    cr_expect_eq(row_of("job 4 done  7 of 7 sent  5 bytes  to=192.0.2.0/24"), open + 1);
}

Test(screen_layout, shows_how_many_jobs_do_not_fit)
{
    for (uint64_t i = 1; i <= 30; i++)
        add_job(i, "waiting", 0, 0);
    draw(80, 12);
    cr_expect_gt(row_of("... "), 4);
    cr_expect_gt(row_of("drop_oversize"), 4, "the jobs leave rows for counters");
}

Test(screen_layout, shows_that_the_server_is_down_and_the_age_of_the_values)
{
    snapshot.is_up = false;
    snapshot.down_s = 75;
    snapshot.stale_s = 77;
    snprintf(snapshot.error, sizeof snapshot.error,
             "no server answers: Connection\x1b[31m refused");
    draw(80, 24);
    cr_expect_eq(row_of("udpsrv away 1m 15s  /run/udpsrv.sock"), 0);
    cr_expect_eq(row_of("no server answers: Connection?[31m refused"), 1);
    cr_expect_eq(row_of("values last updated 1m 17s ago:"), 2);
    cr_expect_eq(row_of("1,234 clients of 1,000,000  0.1 %"), 3);
    int received = row_of("received "), oversize = row_of("drop_oversize ");
    cr_expect_gt(received, 3);
    cr_expect_gt(oversize, 3);
    cr_expect_not_null(strstr(tty_row(&tty, (unsigned)oversize), " 20 in all"));
}

static void expect_no_rates(void)
{
    for (unsigned row = 0; row < tty.rows; row++) {
        const char *text = tty_row(&tty, row), *per_s = strstr(text, "/s");
        cr_expect(!per_s || strstr(text, "peak "), "a rate of now: %s", text);
        cr_expect_null(strstr(text, " to go"), "%s", text);
    }
}

Test(screen_layout, shows_no_current_rate_while_the_server_is_down_or_late)
{
    add_job(3, "running", 4000, 1000);
    snapshot.stale_s = 4;
    draw(80, 24);
    cr_expect_eq(row_of("udpsrv no answer for 4s  /run/udpsrv.sock"), 0);
    cr_expect_eq(row_of("values last updated 4s ago:"), 1);
    expect_no_rates();
    draw(200, 50);
    expect_no_rates();
    snapshot.is_up = false;
    draw(80, 24);
    expect_no_rates();
    draw(200, 50);
    expect_no_rates();
}

Test(screen_layout, shows_no_values_before_the_first_successful_poll)
{
    snapshot = (struct server_snapshot){.socket_path = "/nowhere"};
    draw(80, 24);
    cr_expect_eq(row_of("udpsrv connecting  /nowhere"), 0);
    cr_expect_str_eq(tty_row(&tty, 1), "");
}

Test(screen_layout, has_no_styles_and_no_blocks_if_they_are_off)
{
    struct screen screen;
    screen_begin(&screen, drawn, 80, 24, false, false);
    screen_layout_draw(&snapshot, &screen);
    size_t size = screen_end(&screen);
    for (size_t i = 0; i < size; i++)
        cr_assert(drawn[i] >= 0);
    for (size_t i = 2; i < size; i++)
        cr_assert_not(drawn[i] == 'm' && drawn[i - 1] == '[' && drawn[i - 2] == '\x1b');
}
