#include "ctl/broadcast/job_status.h"

#include <criterion/criterion.h>
#include <stdio.h>

static struct job_status read_job(const char *line)
{
    char copy[256];
    struct job_status job = {0};
    snprintf(copy, sizeof copy, "%s", line);
    const char *wrong = job_status_read(&job, copy);
    cr_assert_null(wrong, "'%s': %s", line, wrong);
    return job;
}

static void expect_invalid(const char *line)
{
    char copy[256];
    struct job_status job;
    snprintf(copy, sizeof copy, "%s", line);
    cr_expect_not_null(job_status_read(&job, copy), "'%s'", line);
}

Test(job_status, is_parsed_from_a_line_and_ignores_further_columns)
{
    struct job_status job = read_job("7 running 1000 200 30 20 500 12 - new");
    cr_expect_eq(job.id, 7);
    cr_expect(job_status_is(&job, "running"));
    cr_expect(job_status_is_open(&job));
    cr_expect_eq(job.targets, 1000);
    cr_expect_eq(job.sent, 200);
    cr_expect_eq(job.failed, 30);
    cr_expect_eq(job.skipped, 20);
    cr_expect_eq(job.duration_ms, 500);
    cr_expect_eq(job.bytes, 12);
    expect_invalid("");
    expect_invalid("7 running 1000 200 30 20 500");
    expect_invalid("7 running 1000 200  30 20 500 12");
    expect_invalid("x running 1000 200 30 20 500 12");
    expect_invalid("7 running 1000 -200 30 20 500 12");
}

Test(job_status, computes_progress_rate_and_remaining_time)
{
    struct job_status job = read_job("7 running 1000 200 30 20 500 12");
    uint64_t remaining_ms;
    cr_expect_eq(job_status_permille(&job), 250);
    cr_expect_eq(job_status_rate_pps(&job), 400);
    cr_expect(job_status_remaining_ms(&job, &remaining_ms));
    cr_expect_eq(remaining_ms, 1500);
}

Test(job_status, has_no_remaining_time_before_its_start_or_after_its_end)
{
    uint64_t remaining_ms;
    struct job_status job = read_job("7 waiting 0 0 0 0 0 12");
    cr_expect(job_status_is_open(&job));
    cr_expect_eq(job_status_permille(&job), 0);
    cr_expect_eq(job_status_rate_pps(&job), 0);
    cr_expect_not(job_status_remaining_ms(&job, &remaining_ms));
    job = read_job("7 running 1000 0 0 0 3 12");
    cr_expect_not(job_status_remaining_ms(&job, &remaining_ms));
    job = read_job("7 done 1000 1000 0 0 3 12");
    cr_expect_not(job_status_remaining_ms(&job, &remaining_ms));
    cr_expect_eq(job_status_permille(&job), 1000);
    job = read_job("7 done 0 0 0 0 0 12");
    cr_expect_eq(job_status_permille(&job), 1000, "there was no target");
}

Test(job_status, keeps_inconsistent_values_within_their_range)
{
    uint64_t remaining_ms;
    struct job_status job = read_job("7 running 10 200 0 0 1000 12");
    cr_expect_eq(job_status_permille(&job), 1000);
    cr_expect(job_status_remaining_ms(&job, &remaining_ms));
    cr_expect_eq(remaining_ms, 0);
    job = read_job("7 running 18446744073709551615 1 0 0 18446744073709551615 12");
    cr_expect_eq(job_status_permille(&job), 0);
    cr_expect(job_status_remaining_ms(&job, &remaining_ms));
    cr_expect_leq(remaining_ms, 1000000000000000);
}

Test(job_status, a_time_is_rounded_up_to_seconds)
{
    char text[JOB_STATUS_TIME_BYTES];
    cr_expect_str_eq(job_status_format_time(0, text), "0:00");
    cr_expect_str_eq(job_status_format_time(1, text), "0:01");
    cr_expect_str_eq(job_status_format_time(59000, text), "0:59");
    cr_expect_str_eq(job_status_format_time(59001, text), "1:00");
    cr_expect_str_eq(job_status_format_time(3599999, text), "1:00:00");
    cr_expect_str_eq(job_status_format_time(90061000, text), "25:01:01");
    job_status_format_time(UINT64_MAX, text);
}

Test(job_status, has_the_selector_of_a_job_for_some_clients)
{
    cr_expect_str_eq(read_job("7 done 10 10 0 0 3 12 to=::1,idle-max=1s new").selector,
                     "to=::1,idle-max=1s");
    cr_expect_str_eq(read_job("7 done 10 10 0 0 3 12 -").selector, "");
    cr_expect_str_eq(read_job("7 done 10 10 0 0 3 12").selector, "", "an older server");
    cr_expect_str_eq(read_job("7 done 10 10 0 0 3 12 listener=unix:/\x1b").selector,
                     "listener=unix:/\\x1b");
}

Test(job_status, has_no_remaining_time_while_its_targets_are_counted)
{
    uint64_t remaining_ms;
    struct job_status job = read_job("7 running 200 200 0 0 500 12 to=::1");
    cr_expect_not(job_status_has_targets(&job));
    cr_expect_not(job_status_remaining_ms(&job, &remaining_ms));
    cr_expect_eq(job_status_rate_pps(&job), 400);
    job = read_job("7 done 200 200 0 0 500 12 to=::1");
    cr_expect(job_status_has_targets(&job));
    job = read_job("7 running 1000 200 0 0 500 12 -");
    cr_expect(job_status_has_targets(&job));
}

Test(job_status, has_the_confirmations_that_follow_the_columns)
{
    struct job_status job = read_job("7 confirming 1000 1000 0 0 500 12 - confirmed=930 silent=50 "
                                     "plain=20 rounds=2 datagrams=1050 new=5 word");
    cr_expect(job.is_confirmed);
    cr_expect_eq(job.confirmed, 930);
    cr_expect_eq(job.silent, 50);
    cr_expect_eq(job.plain, 20);
    cr_expect_eq(job.rounds, 2);
    cr_expect_eq(job.datagrams, 1050);
    cr_expect(job_status_is_open(&job));
    cr_expect(job_status_is_confirming(&job));
    cr_expect_eq(job_status_confirmed_permille(&job), 948);
    job = read_job("7 running 1000 1000 0 0 500 12 - confirmed=930 silent=50 plain=20 rounds=1");
    cr_expect_not(job_status_is_confirming(&job), "the first round is a broadcast like any other");
    job = read_job("7 running 1000 1000 0 0 500 12 - confirmed=930 silent=50 plain=20 rounds=2");
    cr_expect(job_status_is_confirming(&job));
    job = read_job("7 done 3 3 0 0 500 12 - confirmed=0 silent=0 plain=3 rounds=1 datagrams=3");
    cr_expect_not(job_status_is_open(&job));
    cr_expect_eq(job_status_confirmed_permille(&job), 1000, "no client can confirm it");
    expect_invalid("7 done 3 3 0 0 500 12 - confirmed=x");
}

Test(job_status, has_no_confirmations_without_them)
{
    struct job_status job = read_job("7 running 1000 200 30 20 500 12 to=::1");
    cr_expect_not(job.is_confirmed);
    cr_expect_eq(job.confirmed + job.silent + job.plain + job.rounds + job.datagrams, 0);
    cr_expect_not(job_status_is_confirming(&job));
}
