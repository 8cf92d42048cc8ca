#include "ctl/watch/draw_screen.h"

#include "ctl/output/readable_numbers.h"
#include "ctl/watch/draw_header.h"
#include "ctl/watch/watch_lines.h"
#include "tty_fixture.h"

#include <stdlib.h>

static struct watch_data view;
static struct tty tty;
static char drawn[SCREEN_BYTES];
static size_t drawn_size;

static const uint64_t S_NS = 1000000000;

/* A second in which the counters have moved by so much. */
static void look(uint64_t received, uint64_t oversize)
{
    uint64_t now_ns = view.rates.time_ns + S_NS;
    rates_begin(&view.rates, now_ns);
    rates_value(&view.rates, "received", now_ns / S_NS * received);
    rates_value(&view.rates, "replied", now_ns / S_NS * (received - oversize));
    rates_value(&view.rates, "silent", 0);
    rates_value(&view.rates, "drop_oversize", now_ns / S_NS * oversize);
    rates_value(&view.rates, "drop_port_zero", 0);
    rates_value(&view.rates, "joined", 1234);
    rates_end(&view.rates);
    sparkline_add(&view.requests, received);
    sparkline_add(&view.losses, oversize);
    sparkline_add(&view.held, view.clients);
    sparkline_add(&view.copies, 0);
}

static void setup(void)
{
    view = (struct watch_data){.place = "/run/udpsrv.sock",
                               .there = true,
                               .clients = 1234,
                               .max = 1000000,
                               .uptime_s = 3 * 3600 + 5 * 60,
                               .workers = 2,
                               .version = "0.1.0"};
    look(1000, 10);
    look(1000, 10);
}

TestSuite(draw_screen, .init = setup);

static void draw(unsigned columns, unsigned rows)
{
    struct screen screen;
    screen_begin(&screen, drawn, columns, rows, true, true);
    draw_screen(&view, &screen);
    drawn_size = screen_end(&screen);
    tty = tty_new(columns, rows);
    tty_write(&tty, drawn, drawn_size);
    cr_assert_eq(tty.scrolled, 0, "%u x %u has scrolled", columns, rows);
}

/* The number of the row that begins with text, -1 if there is none. */
static int row_of(const char *text)
{
    for (unsigned row = 0; row < tty.rows; row++)
        if (strncmp(tty_row(&tty, row), text, strlen(text)) == 0)
            return (int)row;
    return -1;
}

static void add_job(uint64_t id, const char *state, uint64_t targets, uint64_t sent)
{
    struct job_status *job = &view.jobs[view.job_count++];
    *job = (struct job_status){
        .id = id, .targets = targets, .sent = sent, .duration_ms = 1000, .bytes = 5};
    snprintf(job->state, sizeof job->state, "%s", state);
}

Test(draw_screen, shows_the_server_its_clients_and_the_rates)
{
    draw(80, 24);
    cr_expect_str_eq(tty_row(&tty, 0), "udpsrv up 3h 05m  0.1.0  2 workers  /run/udpsrv.sock");
    cr_expect_str_eq(tty_row(&tty, 1),
                     "1,234 clients of 1,000,000  0.1 %  0.0/s joined  0.0/s expired");
    cr_expect_str_eq(tty_row(&tty, 2),
                     "1,000/s requests  990/s replies  10.0/s dropped, refused or failed");
    cr_expect_str_eq(tty_row(&tty, 23), "q leaves");
    draw(80, 8);
    cr_expect_not_null(strstr(tty_row(&tty, 3), "@ 5 min, peak 1,000/s"));
    draw(40, 12);
    cr_expect_not_null(strstr(tty_row(&tty, 5), "@ peak 1,000/s"));
}

Test(draw_screen, has_no_rates_before_the_second_look)
{
    rates_forget(&view.rates);
    look(1000, 10);
    draw(80, 24);
    cr_expect_eq(row_of("rates follow in a second"), 2);
    for (unsigned row = 0; row < tty.rows; row++)
        cr_expect_null(strstr(tty_row(&tty, row), ".0/s"), "%s", tty_row(&tty, row));
}

Test(draw_screen, lists_losses_first_then_what_has_counted_and_then_reasons_without_a_loss)
{
    draw(80, 24);
    int dropped = row_of("drop_oversize             10.0/s"), joined = row_of("joined");
    cr_expect_gt(dropped, 3);
    cr_expect_gt(joined, dropped);
    cr_expect_gt(row_of("drop_port_zero             0.0/s"), joined);
    cr_expect_eq(row_of("kicked"), -1);
    draw(80, 7);
    cr_expect_gt(row_of("joined"), 3);
    cr_expect_eq(row_of("drop_port_zero"), -1, "there is no room for all of them");
    draw(80, 24);
    cr_expect_eq(row_of("silent"), -1);
    cr_expect_not_null(strstr(tty_row(&tty, (unsigned)joined), "1,234 in all"));
}

Test(draw_screen, a_counter_of_a_newer_server_is_a_counter)
{
    rates_begin(&view.rates, view.rates.time_ns + S_NS);
    rates_value(&view.rates, "drop_of_tomorrow", 5);
    rates_end(&view.rates);
    draw(80, 24);
    cr_expect_gt(row_of("drop_of_tomorrow"), 3);
}

static void add_jobs(void)
{
    for (uint64_t i = 1; i < 9; i++)
        add_job(i, i < 6 ? "done" : "running", 1000, 100 * i);
}

Test(draw_screen, fits_any_window_and_keeps_what_matters)
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
            if (rows < HEAD_ROOMY_ROWS)
                cr_expect_eq(row_of("job 6 running"), 4, "%u x %u", columns, rows);
        }
}

/* ---- Words ---- */

static char words[1 << 16];

static void learn(const char *word)
{
    char apart[160];
    snprintf(apart, sizeof apart, " %s ", word);
    if (strstr(words, apart))
        return;
    cr_assert_lt(strlen(words) + strlen(word) + 2, sizeof words);
    strcat(strcat(words, word), " ");
}

/* A name may end at one of its underscores. */
static void expect_known(const char *word, unsigned columns, unsigned rows)
{
    char apart[160], part[160];
    snprintf(apart, sizeof apart, " %s ", word);
    snprintf(part, sizeof part, " %s_", word);
    cr_expect(strstr(words, apart) || strstr(words, part), "'%s' at %u x %u", word, columns, rows);
}

/* Hands on each word of the last drawing, diagrams and bars apart. */
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

static void learn_word(const char *word, unsigned columns, unsigned rows)
{
    (void)columns;
    (void)rows;
    learn(word);
}

/* Whatever is in a window that has room stands in a narrow one as a whole, or not at all. */
static void expect_no_cut_words(void)
{
    static const char *const others[] = {"lost", "peak", "min,", "5",     "...",    "more", "in",
                                         "last", "seen", "ago:", "rates", "follow", "15s",  "30s",
                                         "45s",  "1m",   "2m",   "3m",    "4m",     "90s",  "2",
                                         "3",    "4",    "6",    "7"};
    /* The longest name that is shown as a whole in the widest window, and is not in the narrowest.
     */
    view.rates.list[view.rates.count++] =
        (struct rate){.name = "drop_longer_name", .value = 1234567, .known = true};
    strcpy(words, " ");
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        learn(others[i]);
    draw(190, 60);
    each_word(learn_word);
    draw(190, 12);
    each_word(learn_word);
    for (unsigned columns = 20; columns < 190; columns += columns < 90 ? 1 : 7)
        for (unsigned rows = 5; rows <= 55; rows += 1 + rows / 8) {
            draw(columns, rows);
            each_word(expect_known);
        }
}

Test(draw_screen, cuts_no_word_whatever_the_window)
{
    add_jobs();
    view.jobs[2].failed = 12;
    view.jobs[3].skipped = 1234;
    expect_no_cut_words();
    rates_forget(&view.rates);
    look(1000, 10);
    expect_no_cut_words();
}

Test(draw_screen, cuts_no_word_while_the_server_is_away)
{
    view.there = false;
    view.away_s = 75;
    view.stale_s = 77;
    snprintf(view.trouble, sizeof view.trouble,
             "cannot connect to /run/udpsrv.sock: no server answers there (Connection refused); "
             "start udpsrv, or name its socket with -s");
    expect_no_cut_words();
}

Test(draw_screen, cuts_no_word_while_the_server_is_late)
{
    add_jobs();
    view.stale_s = 4;
    expect_no_cut_words();
}

Test(draw_screen, a_long_message_is_broken_at_its_blanks)
{
    view.there = false;
    snprintf(view.trouble, sizeof view.trouble, "one two three four five six seven eight");
    draw(20, 20);
    cr_expect_eq(row_of("one two three four"), 1);
    cr_expect_eq(row_of("five six seven eight"), 2);
    draw(20, 8);
    cr_expect_eq(row_of("one two three ..."), 1);
}

/* ---- Wide windows ---- */

/* A server with as many counters as ours. */
static void look_at_many(void)
{
    uint64_t now_ns = view.rates.time_ns + S_NS;
    rates_begin(&view.rates, now_ns);
    rates_value(&view.rates, "received", now_ns / S_NS * 1000);
    for (int i = 0; i < 36; i++) {
        char name[32];
        snprintf(name, sizeof name, "%scounter_%02d", i < 24 ? "drop_" : "", i);
        rates_value(&view.rates, name, i == 30 ? now_ns / S_NS * 7 : (uint64_t)i);
    }
    rates_end(&view.rates);
    sparkline_add(&view.requests, 1000);
    sparkline_add(&view.losses, 0);
    sparkline_add(&view.held, view.clients);
    sparkline_add(&view.copies, 0);
}

/* The share of rows that have something in each of so many parts of the width. */
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

Test(draw_screen, fills_a_wide_window_with_diagrams_and_counters_side_by_side)
{
    for (int i = 0; i < SPARKLINE_STEPS; i++)
        look_at_many();
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

/* A second of a server with as many counters, which has just begun. */
static void look_at_zeros(void)
{
    rates_begin(&view.rates, view.rates.time_ns + S_NS);
    rates_value(&view.rates, "received", 1);
    rates_value(&view.rates, "joined", 1);
    for (int i = 0; i < 18; i++) {
        char name[32];
        snprintf(name, sizeof name, "drop_counter_%02d", i);
        rates_value(&view.rates, name, 0);
    }
    rates_end(&view.rates);
}

Test(draw_screen, counters_of_nothing_take_no_place_of_a_diagram)
{
    for (unsigned rows = 24; rows <= 50; rows++) {
        for (int i = 0; i < 3; i++)
            look_at_zeros();
        draw(90, rows);
        int caption = row_of("requests");
        cr_expect_geq(caption, 3, "90 x %u has no diagram", rows);
        cr_expect_not(row_of("drop_counter_00") >= 0 && row_of("drop_counter_17") < 0);
        cr_expect_geq(row_of("joined"), caption + 3);
    }
    cr_expect_geq(row_of("drop_counter_17"), 0, "a high window has room for both");
}

Test(draw_screen, shows_the_past_of_a_counter_where_there_is_room)
{
    for (int i = 0; i < SPARKLINE_STEPS; i++)
        look_at_many();
    draw(200, 50);
    bool found = false;
    for (unsigned row = 0; row < tty.rows; row++) {
        const char *counter = strstr(tty_row(&tty, row), "counter_30");
        found |= counter && strstr(counter, "@@@@");
    }
    cr_expect(found);
}

Test(draw_screen, a_diagram_has_the_whole_width_from_the_first_minute_on)
{
    for (int i = 0; i < 60; i++)
        look_at_many();
    draw(66, 40);
    int caption = row_of("requests");
    cr_assert_gt(caption, 2);
    const char *bars = tty_row(&tty, (unsigned)caption + 1);
    cr_expect_geq(strlen(bars) - strspn(bars, " "), 60);
    unsigned times = (unsigned)caption + 1;
    while (times < tty.rows && !strstr(tty_row(&tty, times), "30s---"))
        times++;
    cr_expect_lt(times, tty.rows, "the line below it says how long ago that was");
}

Test(draw_screen, shows_how_far_a_job_is_and_the_latest_that_ended)
{
    add_job(1, "done", 10, 10);
    add_job(2, "cancelled", 10, 3);
    add_job(3, "running", 4000, 1000);
    add_job(4, "waiting", 0, 0);
    view.jobs[1].failed = 4;
    draw(80, 24);
    int running = row_of("job 3 running  25.0 % [######------------------]  1,000/s  0:03 to go");
    cr_expect_gt(running, 3);
    cr_expect_eq(row_of("job 4 waiting  5 bytes"), running + 1);
    cr_expect_eq(row_of("job 2 cancelled  3 of 10 sent  4 failed"), running + 2);
    cr_expect_eq(row_of("job 1 done  10 of 10 sent"), running + 3);
}

Test(draw_screen, says_how_many_there_is_no_room_for)
{
    for (uint64_t i = 1; i <= 30; i++)
        add_job(i, "waiting", 0, 0);
    draw(80, 12);
    cr_expect_gt(row_of("... "), 4);
    cr_expect_gt(row_of("drop_oversize"), 4, "the jobs leave room");
}

Test(draw_screen, shows_that_the_server_went_away_and_of_when_the_figures_are)
{
    view.there = false;
    view.away_s = 75;
    view.stale_s = 77;
    snprintf(view.trouble, sizeof view.trouble, "no server answers: Connection\x1b[31m refused");
    draw(80, 24);
    cr_expect_eq(row_of("udpsrv away 1m 15s  /run/udpsrv.sock"), 0);
    cr_expect_eq(row_of("no server answers: Connection?[31m refused"), 1);
    cr_expect_eq(row_of("figures last seen 1m 17s ago:"), 2);
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

Test(draw_screen, tells_no_rate_of_now_while_the_server_is_away_or_late)
{
    add_job(3, "running", 4000, 1000);
    view.stale_s = 4;
    draw(80, 24);
    cr_expect_eq(row_of("udpsrv no answer for 4s  /run/udpsrv.sock"), 0);
    cr_expect_eq(row_of("figures last seen 4s ago:"), 1);
    expect_no_rates();
    draw(200, 50);
    expect_no_rates();
    view.there = false;
    draw(80, 24);
    expect_no_rates();
    draw(200, 50);
    expect_no_rates();
}

Test(draw_screen, a_server_that_never_was_there_has_no_figures)
{
    view = (struct watch_data){.place = "/nowhere"};
    draw(80, 24);
    cr_expect_eq(row_of("udpsrv asking  /nowhere"), 0);
    cr_expect_str_eq(tty_row(&tty, 1), "");
}

Test(draw_screen, has_no_styles_and_no_blocks_if_they_are_unwanted)
{
    struct screen screen;
    screen_begin(&screen, drawn, 80, 24, false, false);
    draw_screen(&view, &screen);
    size_t size = screen_end(&screen);
    for (size_t i = 0; i < size; i++)
        cr_assert(drawn[i] >= 0);
    for (size_t i = 2; i < size; i++)
        cr_assert_not(drawn[i] == 'm' && drawn[i - 1] == '[' && drawn[i - 2] == '\x1b');
}

/* ---- As lines ---- */

static const char *line_of(void (*write)(FILE *out, const struct watch_data *view,
                                         const char *time))
{
    static char text[8192];
    FILE *out = fmemopen(text, sizeof text, "w");
    cr_assert_not_null(out);
    write(out, &view, "NOW");
    cr_assert_eq(fclose(out), 0);
    return text;
}

Test(draw_screen, a_line_has_the_losses_that_move_and_the_job_that_runs)
{
    cr_expect_str_eq(line_of(watch_lines_text), "NOW  clients 1234/1000000  received 1000.0/s  "
                                                "replied 990.0/s  drop_oversize 10.0/s\n");
    add_job(3, "running", 4000, 1000);
    look(1000, 0);
    cr_expect_str_eq(line_of(watch_lines_text), "NOW  clients 1234/1000000  received 1000.0/s  "
                                                "replied 1020.0/s  job 3 25.0%\n");
    view.there = false;
    snprintf(view.trouble, sizeof view.trouble, "why");
    cr_expect_str_eq(line_of(watch_lines_text), "NOW  away  why\n");
}

Test(draw_screen, json_has_every_counter)
{
    add_job(3, "running", 4000, 1000);
    add_job(2, "done", 4000, 1000);
    cr_expect_str_eq(
        line_of(watch_lines_json),
        "{\"time\":\"NOW\",\"clients\":1234,\"max\":1000000,\"uptime_s\":11100,"
        "\"per_s\":{\"received\":1000.0,\"replied\":990.0,\"silent\":0.0,\"drop_oversize\":10.0,"
        "\"drop_port_zero\":0.0,\"joined\":0.0},"
        "\"total\":{\"received\":2000,\"replied\":1980,\"silent\":0,\"drop_oversize\":20,"
        "\"drop_port_zero\":0,\"joined\":1234},"
        "\"jobs\":[{\"id\":3,\"state\":\"running\",\"targets\":4000,\"sent\":1000,\"failed\":0,"
        "\"skipped\":0,\"duration_ms\":1000}]}\n");
    view.there = false;
    snprintf(view.trouble, sizeof view.trouble, "\"why\"");
    cr_expect_str_eq(line_of(watch_lines_json), "{\"time\":\"NOW\",\"error\":\"\\\"why\\\"\"}\n");
}

/* ---- Figures ---- */

Test(draw_screen, figures_are_readable)
{
    char text[READABLE_BYTES];
    cr_expect_str_eq(readable_number(0, text), "0");
    cr_expect_str_eq(readable_number(999, text), "999");
    cr_expect_str_eq(readable_number(1000, text), "1,000");
    cr_expect_str_eq(readable_number(UINT64_MAX, text), "18,446,744,073,709,551,615");
    cr_expect_str_eq(readable_rate(0.04, text), "0.0");
    cr_expect_str_eq(readable_rate(99.94, text), "99.9");
    cr_expect_str_eq(readable_rate(99.96, text), "100");
    cr_expect_str_eq(readable_rate(1234.5, text), "1,235");
    readable_rate(1e30, text);
    cr_expect_str_eq(readable_span(59, text), "59s");
    cr_expect_str_eq(readable_span(61, text), "1m 01s");
    cr_expect_str_eq(readable_span(90061, text), "1d 01h");
    readable_span(UINT64_MAX, text);
}
