#include "load/run/load_run.h"

#include "load/run/collect_result.h"
#include "load/run/interval_recorder.h"
#include "os/log/error_message.h"
#include "os/loop/timer.h"
#include "os/process/clock.h"
#include "os/process/host.h"
#include "os/process/processor_count.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* Until the schedule begins; by then all threads have been started. */
    START_NS = 2 * 1000 * 1000,
};

static const uint64_t MS_NS = 1000000;

struct load_run {
    const struct load_run_setting *setting;
    struct load_result *result;
    struct sender *senders[LOAD_THREADS_MAX];
    bool requested[LOAD_THREADS_MAX]; /* the sender has a report to send */
    uint32_t created, running, registered;
    uint64_t measure_ns;
    struct loop_timer ticks;
    bool ticking;
    struct interval_recorder recorder;
    bool no_reply_printed, error_printed;
    bool aborted;
};

/* ---- Reports of the senders ---- */

/* After the last reply a sender still receives for a while; an empty interval then is not recorded.
 */
static void end_interval(struct load_run *run)
{
    if (run->running == 0 && interval_recorder_is_empty(&run->recorder))
        return;
    uint64_t end_ms = (clock_now_ns() - run->measure_ns) / MS_NS;
    const struct load_interval *interval = interval_recorder_end(&run->recorder, end_ms);
    if (interval)
        progress_output_interval(run->setting->progress, interval, &run->result->counts);
}

static bool awaits_reports(const struct load_run *run)
{
    for (uint32_t i = 0; i < run->created; i++)
        if (run->requested[i])
            return true;
    return false;
}

/* The last report of a sender also stands for one that was requested. */
static void on_report(void *state, const struct sender_report *report)
{
    struct load_run *run = state;
    bool awaited = awaits_reports(run);

    interval_recorder_add(&run->recorder, &report->counts, &report->corrected);
    run->requested[report->sender] = false;
    run->running -= report->last;
    if ((awaited && !awaits_reports(run)) || run->running == 0)
        end_interval(run);
    if (run->running == 0)
        loop_stop(run->setting->main_loop->loop);
}

/* The end of an interval: requests a report of each sender, unless one is still missing. */
static void on_tick(void *state)
{
    struct load_run *run = state;
    if (!run->ticking)
        loop_timer_every(&run->ticks, (uint32_t)(run->setting->options->interval_ns / MS_NS));
    run->ticking = true;
    if (awaits_reports(run) || run->running < run->created)
        return;
    for (uint32_t i = 0; i < run->created; i++) {
        run->requested[i] = true;
        sender_request_report(run->senders[i]);
    }
}

/* ---- Other messages of the senders ---- */

static void on_error(void *state, const struct sender_error *message)
{
    struct load_run *run = state;
    int error = message->error;
    bool *printed =
        error == 0 || error == -ECONNREFUSED ? &run->no_reply_printed : &run->error_printed;
    char address[ADDR_TEXT_BYTES];
    if (*printed)
        return;
    *printed = true;
    addr_format(&run->setting->target, address);
    progress_output_clear(run->setting->progress);
    if (error == 0)
        print_error("no reply within the timeout",
                    "continuing, but check that a service listens there", "sending to %s", address);
    else if (error == -ECONNREFUSED)
        print_error("refused: no service listens on that UDP port",
                    "continuing, but start the service, or check the address and the port",
                    "sending to %s", address);
    else
        print_error(strerror(-error), "continuing and counting send errors", "sending to %s",
                    address);
}

static void on_registered(void *state)
{
    struct load_run *run = state;
    if (++run->registered == run->created)
        run->setting->fanout->registered(run->setting->fanout->state, run);
}

static void on_copies(void *state, const struct sender_copies *copies)
{
    struct load_run *run = state;
    run->setting->fanout->copies(run->setting->fanout->state, copies);
}

static void on_interrupted(void *state, int times)
{
    struct load_run *run = state;
    run->result->stopped_early = true;
    run->aborted = times > 1;
    for (uint32_t i = 0; i < run->created; i++)
        (run->aborted ? sender_abort : sender_stop)(run->senders[i]);
    if (run->setting->fanout)
        run->setting->fanout->interrupted(run->setting->fanout->state);
}

void load_run_expect_copies(struct load_run *run, const struct copy_counts_payload *payload)
{
    for (uint32_t i = 0; i < run->created; i++)
        sender_expect_copies(run->senders[i], payload);
}

void load_run_count_copies(struct load_run *run)
{
    for (uint32_t i = 0; i < run->created; i++)
        sender_count_copies(run->senders[i]);
}

void load_run_leave(struct load_run *run)
{
    for (uint32_t i = 0; i < run->created; i++)
        sender_leave(run->senders[i]);
}

/* ---- Start and end ---- */

static struct sender_setting sender_setting_of(struct load_run *run)
{
    const struct load_options *options = run->setting->options;
    uint64_t start_ns = clock_now_ns() + (run->setting->rate ? START_NS : 0);
    run->measure_ns = start_ns + options->omit_ns;
    return (struct sender_setting){
        .options = options,
        .rate = run->setting->rate,
        .senders = options->threads,
        .start_ns = start_ns,
        .measure_ns = run->measure_ns,
        .end_ns = options->duration_ns == UINT64_MAX ? UINT64_MAX
                                                     : run->measure_ns + options->duration_ns,
        .spins = options->threads < processor_count(),
        .stays_registered = run->setting->fanout != NULL,
        .mailbox = run->setting->main_loop->mailbox,
        .callbacks = {run, on_report, on_error, on_registered, on_copies},
    };
}

static void close_clients(struct simulated_clients *clients, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++)
        simulated_clients_close(&clients[i]);
}

/* Opens each thread's share of the clients: all or none. */
static int open_clients(const struct load_run *run, struct simulated_clients *clients,
                        char error[LOAD_RUN_ERROR_BYTES])
{
    const struct load_options *options = run->setting->options;
    const struct simulated_clients_plan plan = {
        .target = run->setting->target,
        .sources = options->sources,
        .source_count = options->source_count,
        .count = options->clients,
    };
    uint64_t threads = options->threads;
    for (uint32_t i = 0; i < threads; i++) {
        uint32_t first = (uint32_t)(options->clients * (uint64_t)i / threads);
        uint32_t next = (uint32_t)(options->clients * (i + UINT64_C(1)) / threads);
        int failed = simulated_clients_open(&clients[i], &plan, first, next - first, error);
        if (failed) {
            close_clients(clients, 0, i + 1);
            return failed;
        }
    }
    return 0;
}

static int create_senders(struct load_run *run, char error[LOAD_RUN_ERROR_BYTES])
{
    struct simulated_clients clients[LOAD_THREADS_MAX];
    uint32_t threads = run->setting->options->threads;

    int failed = open_clients(run, clients, error);
    if (failed)
        return failed;
    struct sender_setting setting = sender_setting_of(run);
    for (; run->created < threads; run->created++) {
        setting.number = run->created;
        run->senders[run->created] = sender_new(&setting, &clients[run->created]);
        if (!run->senders[run->created]) {
            snprintf(error, LOAD_RUN_ERROR_BYTES,
                     "cannot simulate %u clients: not enough memory or descriptors; lower -c",
                     run->setting->options->clients);
            close_clients(clients, run->created, threads);
            return -ENOMEM;
        }
    }
    return 0;
}

/* Starts all senders, or aborts those that were started. */
static int start_senders(struct load_run *run, char error[LOAD_RUN_ERROR_BYTES])
{
    for (; run->running < run->created; run->running++) {
        int failed = sender_start(run->senders[run->running]);
        if (!failed)
            continue;
        snprintf(error, LOAD_RUN_ERROR_BYTES, "cannot start a thread: %s; lower -T",
                 strerror(-failed));
        for (uint32_t i = 0; i < run->running; i++)
            sender_abort(run->senders[i]);
        return failed;
    }
    return 0;
}

/* Runs the loop until the last report of each sender was handled, so that none is left in the
 * mailbox. */
static int run_senders(struct load_run *run, char error[LOAD_RUN_ERROR_BYTES])
{
    struct main_loop *main_loop = run->setting->main_loop;
    int failed = start_senders(run, error);

    loop_timer_once(&run->ticks,
                    run->measure_ns + run->setting->options->interval_ns - clock_now_ns());
    main_loop->interrupted = on_interrupted;
    main_loop->state = run;
    if (main_loop->interrupts > 0)
        on_interrupted(run, main_loop->interrupts);
    int loop_error = run->running > 0 ? loop_run_until_stopped(main_loop->loop) : 0;
    main_loop->interrupted = NULL;
    main_loop_defer_forced_exit(true);
    if (loop_error && !failed)
        snprintf(error, LOAD_RUN_ERROR_BYTES, "cannot wait for the senders: %s; lower -T",
                 strerror(-loop_error));
    for (uint32_t i = 0; i < run->created && loop_error; i++)
        sender_abort(run->senders[i]);
    for (uint32_t i = 0; i < run->created; i++)
        sender_join(run->senders[i]);
    if (loop_error) /* the messages are in the memory of the senders, which is freed next */
        mailbox_handle_all(main_loop->mailbox);
    return failed ? failed : loop_error;
}

int load_run_once(const struct load_run_setting *setting, struct load_result *result,
                  char error[LOAD_RUN_ERROR_BYTES])
{
    struct load_run run = {.setting = setting, .result = result};
    *result = (struct load_result){.exact = true};
    interval_recorder_init(&run.recorder, result);

    int failed = collect_result_describe(result, setting->options, &setting->target, error);
    if (!failed)
        failed = create_senders(&run, error);
    if (!failed) {
        failed = loop_timer_open(setting->main_loop->loop, &run.ticks, on_tick, &run);
        if (failed)
            snprintf(error, LOAD_RUN_ERROR_BYTES,
                     "cannot create a timer: %s; raise the limit of descriptors",
                     strerror(-failed));
    }
    if (!failed)
        failed = run_senders(&run, error);
    loop_timer_close(&run.ticks);
    progress_output_clear(setting->progress);
    if (!failed && run.aborted) {
        snprintf(error, LOAD_RUN_ERROR_BYTES,
                 "waiting for the last replies: interrupted twice; nothing is reported");
        failed = -EINTR;
    }
    if (!failed)
        failed = collect_result_conclude(result, setting->options, setting->rate, run.senders,
                                         run.created, error);
    for (uint32_t i = 0; i < run.created; i++)
        sender_free(run.senders[i]);
    /* Another step may follow, and output between the steps may block. */
    if (setting->options->find_max)
        main_loop_defer_forced_exit(false);
    return failed;
}
