/* From the setting to the result: the main thread's part of a run. */
#include "load/run/load_run.h"

#include "load/run/verdict.h"
#include "os/log/error_message.h"
#include "os/process/clock.h"
#include "os/process/host.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* The schedule begins when its threads have surely been started. */
    START_NS = 2 * 1000 * 1000,
    HOST_BYTES = 256,
};

static const uint64_t MS_NS = 1000000;

struct run {
    const struct run_setting *is;
    struct load_result *result;
    struct sender *senders[LOAD_THREADS_MAX];
    bool asked[LOAD_THREADS_MAX]; /* its letter is still to come */
    uint32_t made, running, staying;
    uint64_t measure_ns;
    struct loop_timer ticks;
    bool ticking;
    struct load_interval interval; /* the one at hand */
    struct histogram corrected;    /* of it */
    size_t interval_room;
    bool said_silent, said_error;
    bool aborted;
};

/* ---- Counters ---- */

static void add_counts(struct load_counts *into, const struct load_counts *from)
{
    into->sent += from->sent;
    into->replied += from->replied;
    into->wrong += from->wrong;
    into->lost += from->lost;
    into->late += from->late;
    into->duplicate += from->duplicate;
    into->unsolicited += from->unsolicited;
    into->send_errors += from->send_errors;
    into->own_drops += from->own_drops;
    into->challenged += from->challenged;
    into->refused += from->refused;
}

/* Room for one interval more; without it, the one at hand goes on. */
static bool has_interval_room(struct run *run)
{
    struct load_result *result = run->result;
    if (result->interval_count < run->interval_room)
        return true;
    size_t room = run->interval_room ? 2 * run->interval_room : 64;
    if (run->interval_room >= LOAD_INTERVALS_MAX)
        return false;
    struct load_interval *intervals = realloc(result->intervals, room * sizeof *intervals);
    if (!intervals)
        return false;
    result->intervals = intervals;
    run->interval_room = room;
    return true;
}

/* Behind the last request and its answer a sender still listens for a while; nothing to report. */
static bool is_empty_end(const struct run *run)
{
    static const struct load_counts nothing;
    return run->running == 0 && memcmp(&run->interval.counts, &nothing, sizeof nothing) == 0;
}

static void close_interval(struct run *run)
{
    struct load_interval *interval = &run->interval;
    if (is_empty_end(run) || !has_interval_room(run))
        return;
    interval->end_ms = (clock_now_ns() - run->measure_ns) / MS_NS;
    interval->p50_ns = histogram_percentile(&run->corrected, 500000);
    interval->p99_ns = histogram_percentile(&run->corrected, 990000);
    interval->max_ns = run->corrected.max;
    run->result->intervals[run->result->interval_count++] = *interval;
    progress_interval(run->is->progress, interval, &run->result->counts);
    *interval = (struct load_interval){.start_ms = interval->end_ms};
    histogram_init(&run->corrected);
}

static bool awaits_letters(const struct run *run)
{
    for (uint32_t i = 0; i < run->made; i++)
        if (run->asked[i])
            return true;
    return false;
}

/* A letter with counters; the last one of a sender also stands for one that was asked for. */
static void take_letter(void *state, struct sender_report *letter)
{
    struct run *run = state;
    bool awaited = awaits_letters(run);

    add_counts(&run->interval.counts, &letter->counts);
    add_counts(&run->result->counts, &letter->counts);
    histogram_merge(&run->corrected, &letter->corrected);
    histogram_merge(&run->result->corrected, &letter->corrected);
    for (uint32_t i = 0; i < run->made; i++)
        if (run->senders[i] == letter->from)
            run->asked[i] = false;
    run->running -= letter->last;
    if ((awaited && !awaits_letters(run)) || run->running == 0)
        close_interval(run);
    if (run->running == 0)
        loop_stop(run->is->stage->loop);
}

/* The end of an interval: everyone is asked, unless somebody still owes the last answer. */
static void tick(void *state)
{
    struct run *run = state;
    if (!run->ticking)
        loop_timer_every(&run->ticks, (uint32_t)(run->is->options->interval_ns / MS_NS));
    run->ticking = true;
    if (awaits_letters(run) || run->running < run->made)
        return;
    for (uint32_t i = 0; i < run->made; i++) {
        run->asked[i] = true;
        sender_ask(run->senders[i]);
    }
}

/* ---- What else senders say ---- */

static void take_trouble(void *state, const struct sender_error *trouble)
{
    struct run *run = state;
    bool *said = trouble->error == 0 || trouble->error == -ECONNREFUSED ? &run->said_silent
                                                                        : &run->said_error;
    char address[ADDR_TEXT_BYTES];
    if (*said)
        return;
    *said = true;
    addr_format(&run->is->target, address);
    progress_clear(run->is->progress);
    if (trouble->error == 0)
        print_error("no reply within the timeout",
                    "going on, but check that a service listens there", "sending to %s", address);
    else if (trouble->error == -ECONNREFUSED)
        print_error("refused: no service listens on that UDP port",
                    "going on, but start the service, or check the address and the port",
                    "sending to %s", address);
    else
        print_error(strerror(-trouble->error), "going on, counting send errors", "sending to %s",
                    address);
}

static void take_staying(void *state)
{
    struct run *run = state;
    if (++run->staying == run->made)
        run->is->fanout->staying(run->is->fanout->state, run);
}

static void take_copies(void *state, const struct sender_copies *copies)
{
    struct run *run = state;
    run->is->fanout->copied(run->is->fanout->state, &copies->tally);
}

static void interrupted(void *state, int times)
{
    struct run *run = state;
    run->result->stopped_early = true;
    run->aborted = times > 1;
    for (uint32_t i = 0; i < run->made; i++)
        (run->aborted ? sender_abort : sender_stop)(run->senders[i]);
    if (run->is->fanout)
        run->is->fanout->interrupted(run->is->fanout->state);
}

void run_expect_copies(struct run *run, const struct copy_counts_payload *payload)
{
    for (uint32_t i = 0; i < run->made; i++)
        sender_expect_copies(run->senders[i], payload);
}

void run_count_copies(struct run *run)
{
    for (uint32_t i = 0; i < run->made; i++)
        sender_count_copies(run->senders[i]);
}

void run_release(struct run *run)
{
    for (uint32_t i = 0; i < run->made; i++)
        sender_release(run->senders[i]);
}

/* ---- Begin and end ---- */

static struct sender_setting sender_setting_of(struct run *run)
{
    const struct load_options *options = run->is->options;
    uint64_t start_ns = clock_now_ns() + (run->is->rate ? START_NS : 0);
    run->measure_ns = start_ns + options->omit_ns;
    return (struct sender_setting){
        .options = options,
        .rate = run->is->rate,
        .senders = options->threads,
        .start_ns = start_ns,
        .measure_ns = run->measure_ns,
        .end_ns = options->duration_ns == UINT64_MAX ? UINT64_MAX
                                                     : run->measure_ns + options->duration_ns,
        .spins = options->threads < host_processors(),
        .stays = run->is->fanout != NULL,
        .mailbox = run->is->stage->mailbox,
        .state = run,
        .handed = take_letter,
        .trouble = take_trouble,
        .staying = take_staying,
        .copied = take_copies,
    };
}

static void close_clients(struct simulated_clients *clients, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++)
        simulated_clients_close(&clients[i]);
}

/* Each thread's share of the clients, opened; all or none. */
static int open_clients(const struct run *run, struct simulated_clients *clients,
                        char error[RUN_ERROR_BYTES])
{
    const struct load_options *options = run->is->options;
    const struct simulated_clients_plan plan = {
        .target = run->is->target,
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

static int make_senders(struct run *run, char error[RUN_ERROR_BYTES])
{
    struct simulated_clients clients[LOAD_THREADS_MAX];
    uint32_t threads = run->is->options->threads;

    int failed = open_clients(run, clients, error);
    if (failed)
        return failed;
    struct sender_setting setting = sender_setting_of(run);
    for (; run->made < threads; run->made++) {
        setting.number = run->made;
        run->senders[run->made] = sender_new(&setting, &clients[run->made]);
        if (!run->senders[run->made]) {
            snprintf(error, RUN_ERROR_BYTES,
                     "cannot simulate %u clients: memory or descriptors are short; lower -c",
                     run->is->options->clients);
            close_clients(clients, run->made, threads);
            return -ENOMEM;
        }
    }
    return 0;
}

/* Starts all, or ends those that were started. */
static int start_senders(struct run *run, char error[RUN_ERROR_BYTES])
{
    for (; run->running < run->made; run->running++) {
        int failed = sender_start(run->senders[run->running]);
        if (!failed)
            continue;
        snprintf(error, RUN_ERROR_BYTES, "cannot start a thread: %s; lower -T", strerror(-failed));
        for (uint32_t i = 0; i < run->running; i++)
            sender_abort(run->senders[i]);
        return failed;
    }
    return 0;
}

/* Runs the loop until each sender's last letter was read, so that none is left in the mailbox. */
static int run_senders(struct run *run, char error[RUN_ERROR_BYTES])
{
    struct main_loop *stage = run->is->stage;
    int failed = start_senders(run, error);

    loop_timer_once(&run->ticks, run->measure_ns + run->is->options->interval_ns - clock_now_ns());
    stage->interrupted = interrupted;
    stage->state = run;
    if (stage->interrupts > 0)
        interrupted(run, stage->interrupts);
    int broken = run->running > 0 ? loop_run_until_stopped(stage->loop) : 0;
    stage->interrupted = NULL;
    main_loop_hold(true);
    if (broken && !failed)
        snprintf(error, RUN_ERROR_BYTES, "cannot wait for the senders: %s; lower -T",
                 strerror(-broken));
    for (uint32_t i = 0; i < run->made && broken; i++)
        sender_abort(run->senders[i]);
    for (uint32_t i = 0; i < run->made; i++)
        sender_join(run->senders[i]);
    return failed ? failed : broken;
}

static int report_replies(struct run *run, uint64_t tolerated, char error[RUN_ERROR_BYTES])
{
    struct load_result *result = run->result;
    const struct load_options *options = run->is->options;
    struct reply_counts *all = reply_counts_new(options->expected, options->expected_count);
    int failed = all ? 0 : -ENOMEM;

    for (uint32_t i = 0; i < run->made && !failed; i++)
        reply_counts_merge(all, sender_summary(run->senders[i]).replies);
    if (!failed)
        failed = reply_counts_report(all, result);
    if (!failed) {
        result->rotation_known = options->expected_count > 0 && result->counts.replied > 0;
        result->rotation_even = reply_counts_spread(all) <= 1 + tolerated;
    }
    reply_counts_free(all);
    if (failed)
        snprintf(error, RUN_ERROR_BYTES, "cannot report: memory is short; free some");
    return failed;
}

static int conclude(struct run *run, char error[RUN_ERROR_BYTES])
{
    struct load_result *result = run->result;
    uint64_t turns_lost = result->counts.lost + result->counts.wrong;

    result->exact = true;
    for (uint32_t i = 0; i < run->made; i++) {
        struct sender_summary summary = sender_summary(run->senders[i]);
        histogram_merge(&result->raw, summary.raw);
        histogram_merge(&result->lag, summary.lag);
        result->exact &= summary.exact;
        result->unsent += summary.unsent;
        /* Near the end of the warm-up the server may have taken requests in another order. */
        turns_lost += summary.open_before;
        if (summary.sending_ns > result->duration_ns)
            result->duration_ns = summary.sending_ns;
        double share = summary.sending_ns ? (double)summary.cpu_ns / (double)summary.sending_ns : 0;
        result->cpu_share = share > result->cpu_share ? share : result->cpu_share;
    }
    double seconds = (double)result->duration_ns / 1e9;
    result->requested_rate = run->is->rate;
    result->achieved_rate = seconds > 0 ? (double)result->counts.sent / seconds : 0;
    result->answered_rate = seconds > 0 ? (double)result->counts.replied / seconds : 0;
    result->cpu_share = result->cpu_share < 1 ? result->cpu_share : 1;
    verdict_judge(result);
    return report_replies(run, turns_lost, error);
}

static int describe(const struct run *run, char error[RUN_ERROR_BYTES])
{
    struct load_result *result = run->result;
    const struct load_options *options = run->is->options;
    char target[ADDR_TEXT_BYTES], host[HOST_BYTES];

    histogram_init(&result->corrected);
    histogram_init(&result->raw);
    histogram_init(&result->lag);
    result->command = options->command ? strdup(options->command) : NULL;
    result->target = strdup(addr_format(&run->is->target, target));
    result->host = strdup(host_describe(host, sizeof host));
    clock_wall_text(result->started);
    result->clients = options->clients;
    result->threads = options->threads;
    result->timeout_ns = options->timeout_ns;
    result->max_loss_ppm = options->max_loss_ppm;
    if (result->command && result->target && result->host)
        return 0;
    snprintf(error, RUN_ERROR_BYTES, "cannot begin: memory is short; free some, or lower -c");
    return -ENOMEM;
}

int run_load(const struct run_setting *setting, struct load_result *result,
             char error[RUN_ERROR_BYTES])
{
    struct run run = {.is = setting, .result = result};
    *result = (struct load_result){.exact = true};
    histogram_init(&run.corrected);

    int failed = describe(&run, error);
    if (!failed)
        failed = make_senders(&run, error);
    if (!failed) {
        failed = loop_timer_open(setting->stage->loop, &run.ticks, tick, &run);
        if (failed)
            snprintf(error, RUN_ERROR_BYTES,
                     "cannot make a timer: %s; raise the limit of descriptors", strerror(-failed));
    }
    if (!failed)
        failed = run_senders(&run, error);
    loop_timer_close(&run.ticks);
    progress_clear(setting->progress);
    if (!failed && run.aborted) {
        snprintf(error, RUN_ERROR_BYTES,
                 "waiting for the last replies: interrupted twice; nothing is reported");
        failed = -EINTR;
    }
    if (!failed)
        failed = conclude(&run, error);
    for (uint32_t i = 0; i < run.made; i++)
        sender_free(run.senders[i]);
    /* Another step may follow, and what is printed between them may block. */
    if (setting->options->find_max)
        main_loop_hold(false);
    return failed;
}
