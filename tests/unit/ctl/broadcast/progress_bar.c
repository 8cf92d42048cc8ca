#include "ctl/broadcast/progress_bar.h"

#include "tty_fixture.h"

static struct job_status running = {
    .id = 7, .state = "running", .targets = 4000, .sent = 1000, .duration_ms = 500};

static const char *row(const struct job_status *job, unsigned columns)
{
    static struct tty tty;
    char bytes[PROGRESS_BAR_BYTES];
    size_t size = progress_bar_draw(job, columns, bytes);
    cr_assert_lt(size, sizeof bytes);
    cr_assert_eq(size, strlen(bytes));
    tty = tty_new(columns, 2);
    tty_write(&tty, bytes, size);
    cr_assert_eq(tty.row, 0, "it wraps at %u", columns);
    cr_assert_lt(tty.column, columns, "it takes the last of %u columns", columns);
    return tty_row(&tty, 0);
}

Test(progress_bar, shows_percent_rate_and_time)
{
    cr_expect_str_eq(row(&running, 60),
                     "job 7 25.0 % [######------------------] 2,000/s  0:02 to go");
}

Test(progress_bar, fits_any_window_and_shows_only_whole_pieces)
{
    static const char *const all[] = {"job 7", "job 7 25.0 %", "job 7 25.0 % 2,000/s",
                                      "job 7 25.0 % 2,000/s  0:02 to go"};
    cr_expect_str_eq(row(&running, 5), "");
    for (unsigned columns = 6; columns < 43; columns++) {
        const char *expected = all[columns < 13 ? 0 : columns < 21 ? 1 : columns < 33 ? 2 : 3];
        cr_expect_str_eq(row(&running, columns), expected, "at %u", columns);
    }
    for (unsigned columns = 43; columns <= 200; columns++) {
        const char *shown = row(&running, columns);
        cr_expect_eq(strncmp(shown, "job 7 25.0 % [", 14), 0, "at %u: '%s'", columns, shown);
        cr_expect_not_null(strstr(shown, "] 2,000/s  0:02 to go"), "at %u: '%s'", columns, shown);
    }
    char bytes[PROGRESS_BAR_BYTES];
    cr_expect_lt(progress_bar_draw(&running, 65535, bytes), sizeof bytes);
}

Test(progress_bar, shows_no_time_while_it_is_unknown)
{
    struct job_status job = running;
    job.sent = 0;
    cr_expect_str_eq(row(&job, 40), "job 7 0.0 % [---------------------] 0/s");
    snprintf(job.state, sizeof job.state, "waiting");
    cr_expect_str_eq(row(&job, 40), "job 7 waiting");
}

Test(progress_bar, shows_the_copies_of_a_job_whose_targets_are_unknown)
{
    struct job_status job = running;
    snprintf(job.selector, sizeof job.selector, "to=192.0.2.0/24");
    cr_expect_str_eq(row(&job, 60), "job 7 1,000 sent  2,000/s");
    cr_expect_str_eq(row(&job, 20), "job 7 1,000 sent");
    cr_expect_str_eq(row(&job, 10), "job 7");
    snprintf(job.state, sizeof job.state, "waiting");
    cr_expect_str_eq(row(&job, 60), "job 7 waiting");
}

Test(progress_bar, is_erased_as_a_whole)
{
    struct tty tty = tty_new(40, 1);
    char bytes[PROGRESS_BAR_BYTES];
    tty_write(&tty, bytes, progress_bar_draw(&running, 40, bytes));
    tty_write(&tty, PROGRESS_BAR_ERASE, strlen(PROGRESS_BAR_ERASE));
    cr_expect_str_eq(tty_row(&tty, 0), "");
    cr_expect_eq(tty.column, 0);
}

Test(progress_bar, shows_the_confirmations_of_a_job_that_waits_for_them)
{
    struct job_status job = {.id = 7,
                             .state = "confirming",
                             .is_confirmed = true,
                             .confirmed = 750,
                             .silent = 250,
                             .rounds = 2};
    cr_expect_str_eq(row(&job, 70),
                     "job 7 75.0 % [#################------] confirmed, 250 silent  round 2");
    snprintf(job.state, sizeof job.state, "running");
    cr_expect_str_eq(row(&job, 70),
                     "job 7 75.0 % [#################------] confirmed, 250 silent  round 2");
    job.rounds = 1;
    cr_expect_not_null(strstr(row(&job, 70), "/s"),
                       "the first round is a broadcast like any other");
}
