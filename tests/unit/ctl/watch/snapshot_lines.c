#include "ctl/watch/snapshot_lines.h"

#include "server_snapshot_fixture.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(snapshot_lines, .init = snapshot_setup);

static const char *line_of(void (*write)(FILE *out, const struct server_snapshot *snapshot,
                                         const char *time))
{
    static char text[8192];
    FILE *out = fmemopen(text, sizeof text, "w");
    cr_assert_not_null(out);
    write(out, &snapshot, "NOW");
    cr_assert_eq(fclose(out), 0);
    return text;
}

Test(snapshot_lines, text_has_the_increasing_losses_and_the_running_job)
{
    cr_expect_str_eq(line_of(snapshot_lines_text), "NOW  clients 1234/1000000  received 1000.0/s  "
                                                   "replied 990.0/s  drop_oversize 10.0/s\n");
    add_job(3, "running", 4000, 1000);
    poll_server(1000, 0);
    cr_expect_str_eq(line_of(snapshot_lines_text), "NOW  clients 1234/1000000  received 1000.0/s  "
                                                   "replied 1020.0/s  job 3 25.0%\n");
    snapshot.is_up = false;
    snprintf(snapshot.error, sizeof snapshot.error, "why");
    cr_expect_str_eq(line_of(snapshot_lines_text), "NOW  away  why\n");
}

Test(snapshot_lines, json_has_every_counter)
{
    add_job(3, "running", 4000, 1000);
    add_job(2, "done", 4000, 1000);
    cr_expect_str_eq(
        line_of(snapshot_lines_json),
        "{\"time\":\"NOW\",\"clients\":1234,\"max\":1000000,\"uptime_s\":11100,"
        "\"per_s\":{\"received\":1000.0,\"replied\":990.0,\"silent\":0.0,\"drop_oversize\":10.0,"
        "\"drop_port_zero\":0.0,\"joined\":0.0},"
        "\"total\":{\"received\":2000,\"replied\":1980,\"silent\":0,\"drop_oversize\":20,"
        "\"drop_port_zero\":0,\"joined\":1234},"
        "\"jobs\":[{\"id\":3,\"state\":\"running\",\"targets\":4000,\"sent\":1000,\"failed\":0,"
        "\"skipped\":0,\"duration_ms\":1000,\"selector\":\"\"}]}\n");
    snapshot.is_up = false;
    snprintf(snapshot.error, sizeof snapshot.error, "\"why\"");
    cr_expect_str_eq(line_of(snapshot_lines_json),
                     "{\"time\":\"NOW\",\"error\":\"\\\"why\\\"\"}\n");
}

Test(snapshot_lines, have_the_messages_and_events_of_subscribers_once_there_was_one)
{
    for (uint64_t i = 1; i <= 2; i++) {
        counter_rates_begin(&snapshot.rates, snapshot.rates.time_ns + S_NS);
        counter_rates_add(&snapshot.rates, "received", i * 7);
        counter_rates_add(&snapshot.rates, "replied", i * 7);
        counter_rates_add(&snapshot.rates, "listen_messages", i * 7);
        counter_rates_add(&snapshot.rates, "listen_events", 1);
        counter_rates_add(&snapshot.rates, "listen_lost", i * 2);
        counter_rates_end(&snapshot.rates);
    }
    cr_expect_str_eq(line_of(snapshot_lines_text),
                     "NOW  clients 1234/1000000  received 7.0/s  replied 7.0/s  messages 7.0/s  "
                     "events 0.0/s  listen_lost 2.0/s\n");
    cr_expect_not_null(
        strstr(line_of(snapshot_lines_json),
               "\"listen_messages\":7.0,\"listen_events\":0.0,\"listen_lost\":2.0}"));
    for (uint64_t i = 3; i <= 4; i++) {
        counter_rates_begin(&snapshot.rates, snapshot.rates.time_ns + S_NS);
        counter_rates_add(&snapshot.rates, "listen_messages", 0);
        counter_rates_add(&snapshot.rates, "listen_events", 0);
        counter_rates_end(&snapshot.rates);
    }
    cr_expect_null(strstr(line_of(snapshot_lines_text), "messages"), "nobody has subscribed");
}

Test(snapshot_lines, have_the_copies_and_the_selector_of_a_job_for_some_clients)
{
    static const char job[] = "\"sent\":1000,\"failed\":0,\"skipped\":0,\"duration_ms\":1000,"
                              "\"selector\":\"to=192.0.2.0/24,idle-max=5m\"}]}\n";
    add_job(3, "running", 1000, 1000);
    snprintf(snapshot.jobs[0].selector, sizeof snapshot.jobs[0].selector,
             "to=192.0.2.0/24,idle-max=5m");
    cr_expect_not_null(strstr(line_of(snapshot_lines_text), "  job 3 1000 sent\n"));
    cr_expect_not_null(strstr(line_of(snapshot_lines_json), job));
}

Test(snapshot_lines, have_the_confirmations_of_a_job_that_waits_for_them)
{
    static const char job[] = "\"selector\":\"\",\"confirmed\":750,\"silent\":250,\"plain\":3,"
                              "\"rounds\":2,\"datagrams\":1253}]}\n";
    add_job(3, "confirming", 1003, 1003);
    struct job_status *status = &snapshot.jobs[0];
    status->is_confirmed = true;
    status->confirmed = 750;
    status->silent = 250;
    status->plain = 3;
    status->rounds = 2;
    status->datagrams = 1253;
    cr_expect_not_null(strstr(line_of(snapshot_lines_text), "  job 3 75.0% confirmed\n"));
    cr_expect_not_null(strstr(line_of(snapshot_lines_json), job));
}
