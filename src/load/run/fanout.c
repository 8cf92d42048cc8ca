#include "load/run/fanout.h"

#include "load/run/control_client.h"
#include "load/run/result_verdict.h"
#include "os/loop/timer.h"
#include "os/process/clock.h"
#include "os/process/random.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* "udpload HEX16 NUMBER10", unique to a broadcast. */
    PAYLOAD_BYTES = 8 + 16 + 1 + 10,
};

/* The timeout of a command on the control socket: the same as of udpctl(8). */
static const uint64_t ANSWER_NS = 5000000000;

struct fanout {
    const struct load_run_setting *setting;
    struct load_run *run;
    struct control_client *client;
    struct loop_timer wait;
    uint64_t nonce;
    /* Of the current broadcast and of the one before, which senders may still compare with what
     * they receive: the bytes of both, one after the other, and their payloads. */
    char *bytes;
    struct copy_counts_payload payloads[2];
    /* Of the current broadcast: tallies received, and clients that the server sent it to. */
    uint32_t tallies;
    struct control_client_job job; /* what the server reports of it */
    struct load_fanout sums;
    struct histogram delays, confirm_delays;
    int failed;
    char *error;
};

static void end_with_error(struct fanout *fanout, int failed, const char *error)
{
    snprintf(fanout->error, LOAD_RUN_ERROR_BYTES, "%s", error);
    fanout->failed = failed;
    if (fanout->run)
        load_run_leave(fanout->run);
}

/* Each broadcast has its own payload, so that late copies of the one before are not counted. Its
 * memory is that of the last but one, which all senders have left when they sent their tallies of
 * the last one. */
static void broadcast(struct fanout *fanout)
{
    char text[PAYLOAD_BYTES + 1];
    struct copy_counts_payload *payload = &fanout->payloads[fanout->sums.broadcasts % 2];
    char *bytes = fanout->bytes + fanout->sums.broadcasts % 2 * payload->size;
    fanout->tallies = 0;
    snprintf(text, sizeof text, "udpload %016" PRIx64 " %010" PRIu64, fanout->nonce,
             fanout->sums.broadcasts + 1);
    memcpy(bytes, text, PAYLOAD_BYTES);
    payload->start_ns = clock_now_ns();
    load_run_expect_copies(fanout->run, payload);
    if (control_client_broadcast(fanout->client, fanout->setting->options->confirm, bytes,
                                 payload->size) != 0)
        end_with_error(fanout, -ENOMEM,
                       "cannot command the broadcast: not enough memory; free some");
}

static void on_registered(void *state, struct load_run *run)
{
    struct fanout *fanout = state;
    fanout->run = run;
    if (fanout->setting->main_loop->interrupts > 0 || fanout->failed)
        load_run_leave(run);
    else
        broadcast(fanout);
}

/* The server has sent all copies; the last ones are still on the network. */
static void on_answered(void *state, const struct control_client_job *job, const char *error)
{
    struct fanout *fanout = state;
    if (fanout->failed)
        return;
    fanout->job = *job;
    if (error)
        end_with_error(fanout, -EPROTO, error);
    else
        loop_timer_once(&fanout->wait, fanout->setting->options->timeout_ns);
}

static void on_timeout(void *state)
{
    struct fanout *fanout = state;
    load_run_count_copies(fanout->run);
}

static void add_confirmations(struct fanout *fanout, const struct confirming_clients_tally *tally)
{
    struct load_confirm *sums = &fanout->sums.confirm;
    sums->clients += tally->clients;
    sums->confirmed += tally->confirmed;
    sums->silent += tally->clients - tally->confirmed;
    sums->frames += tally->frames;
    sums->frames_dropped += tally->frames_dropped;
    sums->frames_repeated += tally->repeated;
    sums->confirmations += tally->confirmations;
    sums->confirmations_dropped += tally->confirmations_dropped;
    sums->confirmations_failed += tally->confirmations_failed;
    histogram_merge(&fanout->confirm_delays, &tally->delays);
}

static void add_job(struct fanout *fanout)
{
    const struct control_client_job *job = &fanout->job;
    struct load_confirm *sums = &fanout->sums.confirm;
    fanout->sums.broadcasts++;
    fanout->sums.targets += job->targets;
    sums->server_confirmed += job->confirmed;
    sums->server_silent += job->silent;
    sums->plain += job->plain;
    sums->datagrams += job->datagrams;
    sums->rounds = job->rounds > sums->rounds ? job->rounds : sums->rounds;
}

static void on_copies(void *state, const struct sender_copies *copies)
{
    struct fanout *fanout = state;
    const struct copy_counts_tally *tally = &copies->tally;
    fanout->sums.expected += tally->expected;
    fanout->sums.received += tally->received;
    fanout->sums.missing += tally->expected - tally->received;
    fanout->sums.doubled += tally->doubled;
    histogram_merge(&fanout->delays, &tally->delays);
    if (fanout->setting->options->confirm)
        add_confirmations(fanout, &copies->confirming);
    if (++fanout->tallies < fanout->setting->options->threads)
        return;
    add_job(fanout);
    if (fanout->sums.broadcasts < fanout->setting->options->broadcasts &&
        fanout->setting->main_loop->interrupts == 0)
        broadcast(fanout);
    else
        load_run_leave(fanout->run);
}

/* The current broadcast is not counted: some of its copies may not have been received yet. */
static void on_interrupted(void *state)
{
    struct fanout *fanout = state;
    if (fanout->run)
        load_run_leave(fanout->run);
}

static int prepare(struct fanout *fanout)
{
    const struct load_options *options = fanout->setting->options;
    size_t size = options->message_size > PAYLOAD_BYTES ? options->message_size : PAYLOAD_BYTES;
    int failed = random_fill(&fanout->nonce, sizeof fanout->nonce);

    histogram_init(&fanout->delays);
    histogram_init(&fanout->confirm_delays);
    fanout->bytes = malloc(2 * size);
    if (!failed && !fanout->bytes)
        failed = -ENOMEM;
    if (!failed)
        failed =
            loop_timer_open(fanout->setting->main_loop->loop, &fanout->wait, on_timeout, fanout);
    if (failed) {
        snprintf(fanout->error, LOAD_RUN_ERROR_BYTES,
                 "cannot prepare the broadcast: %s; free some memory or descriptors",
                 strerror(-failed));
        return failed;
    }
    memset(fanout->bytes, '.', 2 * size);
    for (size_t i = 0; i < 2; i++)
        fanout->payloads[i] =
            (struct copy_counts_payload){(const uint8_t *)fanout->bytes + i * size, size, 0};
    uint64_t limit_ns = options->timeout_ns > ANSWER_NS ? options->timeout_ns : ANSWER_NS;
    return control_client_open(&fanout->client, fanout->setting->main_loop->loop, options->control,
                               limit_ns, on_answered, fanout, fanout->error);
}

static void set_result(const struct fanout *fanout, struct load_fanout *result)
{
    const struct histogram *delays = &fanout->delays, *confirm_delays = &fanout->confirm_delays;
    *result = fanout->sums;
    result->done = true;
    if (delays->count > 0) {
        result->first_ns = delays->min;
        result->median_ns = histogram_percentile(delays, 500000);
        result->last_ns = delays->max;
    }
    if (!fanout->setting->options->confirm)
        return;
    result->confirm.done = true;
    result->confirm.seen_twice = result->doubled;
    const uint64_t clients = result->confirm.clients;
    result->confirm.median_ns = histogram_percentile_of(confirm_delays, clients, 500000);
    result->confirm.p99_ns = histogram_percentile_of(confirm_delays, clients, 990000);
    result->confirm.last_ns = confirm_delays->count > 0 ? confirm_delays->max : UINT64_MAX;
}

int fanout_run(const struct load_run_setting *setting, struct load_result *result,
               char error[LOAD_RUN_ERROR_BYTES])
{
    struct fanout fanout = {.setting = setting, .error = error};
    const struct load_run_fanout hooks = {&fanout, on_registered, on_copies, on_interrupted};
    struct load_run_setting with_hooks = *setting;

    *result = (struct load_result){.exact = true};
    with_hooks.fanout = &hooks;
    int failed = prepare(&fanout);
    if (!failed)
        failed = load_run_once(&with_hooks, result, error);
    loop_timer_close(&fanout.wait);
    control_client_close(fanout.client);
    free(fanout.bytes);
    failed = failed ? failed : fanout.failed;
    if (failed)
        return failed;
    set_result(&fanout, &result->fanout);
    result_verdict_set(result);
    return 0;
}
