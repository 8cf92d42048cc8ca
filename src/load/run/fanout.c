/* Registers clients, has the server broadcast, and counts who got what. */
#include "load/run/fanout.h"

#include "load/run/control_client.h"
#include "load/run/verdict.h"
#include "os/process/clock.h"
#include "os/process/random.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* "udpload HEX16 NUMBER10": what no other broadcast has. */
    PAYLOAD_BYTES = 8 + 16 + 1 + 10,
};

/* What a command of the control socket may take: as long as udpctl(8) waits. */
static const uint64_t ANSWER_NS = 5000000000;

struct fanout {
    const struct run_setting *is;
    struct run *run;
    struct control_client *operator;
    struct loop_timer wait;
    uint64_t nonce;
    char *bytes;
    struct copy_counts_payload payload;
    uint32_t tallies; /* those that have come for the broadcast at hand */
    uint64_t targets; /* of the broadcast at hand */
    struct load_fanout sums;
    struct histogram delays;
    int failed;
    char *error;
};

static void end_broken(struct fanout *fanout, int failed, const char *error)
{
    snprintf(fanout->error, RUN_ERROR_BYTES, "%s", error);
    fanout->failed = failed;
    if (fanout->run)
        run_release(fanout->run);
}

/* The payload is new each time, so that a late copy of the last broadcast isn't one of this. */
static void broadcast(struct fanout *fanout)
{
    char text[PAYLOAD_BYTES + 1];
    fanout->tallies = 0;
    snprintf(text, sizeof text, "udpload %016" PRIx64 " %010" PRIu64, fanout->nonce,
             fanout->sums.broadcasts + 1);
    memcpy(fanout->bytes, text, PAYLOAD_BYTES);
    fanout->payload.start_ns = clock_now_ns();
    run_expect_copies(fanout->run, &fanout->payload);
    if (control_client_broadcast(fanout->operator, fanout->bytes, fanout->payload.size) != 0)
        end_broken(fanout, -ENOMEM, "cannot command the broadcast: memory is short; free some");
}

static void on_staying(void *state, struct run *run)
{
    struct fanout *fanout = state;
    fanout->run = run;
    if (fanout->is->stage->interrupts > 0 || fanout->failed)
        run_release(run);
    else
        broadcast(fanout);
}

/* The server has sent all copies; the last ones are on their way. */
static void on_answered(void *state, uint64_t targets, const char *error)
{
    struct fanout *fanout = state;
    if (fanout->failed)
        return;
    fanout->targets = targets;
    if (error)
        end_broken(fanout, -EPROTO, error);
    else
        loop_timer_once(&fanout->wait, fanout->is->options->timeout_ns);
}

static void on_waited(void *state)
{
    struct fanout *fanout = state;
    run_count_copies(fanout->run);
}

static void on_copied(void *state, const struct copy_counts_tally *tally)
{
    struct fanout *fanout = state;
    fanout->sums.expected += tally->expected;
    fanout->sums.received += tally->received;
    fanout->sums.missing += tally->expected - tally->received;
    fanout->sums.doubled += tally->doubled;
    histogram_merge(&fanout->delays, &tally->delays);
    if (++fanout->tallies < fanout->is->options->threads)
        return;
    fanout->sums.broadcasts++;
    fanout->sums.targets += fanout->targets;
    if (fanout->sums.broadcasts < fanout->is->options->broadcasts &&
        fanout->is->stage->interrupts == 0)
        broadcast(fanout);
    else
        run_release(fanout->run);
}

/* The broadcast at hand isn't counted: nobody knows how much of it was still to come. */
static void on_interrupted(void *state)
{
    struct fanout *fanout = state;
    if (fanout->run)
        run_release(fanout->run);
}

static int prepare(struct fanout *fanout)
{
    const struct load_options *options = fanout->is->options;
    size_t size = options->message_size > PAYLOAD_BYTES ? options->message_size : PAYLOAD_BYTES;
    int failed = random_fill(&fanout->nonce, sizeof fanout->nonce);

    histogram_init(&fanout->delays);
    fanout->bytes = malloc(size);
    if (!failed && !fanout->bytes)
        failed = -ENOMEM;
    if (!failed)
        failed = loop_timer_open(fanout->is->stage->loop, &fanout->wait, on_waited, fanout);
    if (failed) {
        snprintf(fanout->error, RUN_ERROR_BYTES,
                 "cannot prepare the broadcast: %s; free some memory or descriptors",
                 strerror(-failed));
        return failed;
    }
    memset(fanout->bytes, '.', size);
    fanout->payload = (struct copy_counts_payload){(const uint8_t *)fanout->bytes, size, 0};
    uint64_t limit_ns = options->timeout_ns > ANSWER_NS ? options->timeout_ns : ANSWER_NS;
    return control_client_open(&fanout->operator, fanout->is->stage->loop, options->control,
                               limit_ns, on_answered, fanout, fanout->error);
}

int fanout_run(const struct run_setting *setting, struct load_result *result,
               char error[RUN_ERROR_BYTES])
{
    struct fanout fanout = {.is = setting, .error = error};
    const struct run_fanout hooks = {&fanout, on_staying, on_copied, on_interrupted};
    struct run_setting with_hooks = *setting;

    *result = (struct load_result){.exact = true};
    with_hooks.fanout = &hooks;
    int failed = prepare(&fanout);
    if (!failed)
        failed = run_load(&with_hooks, result, error);
    loop_timer_close(&fanout.wait);
    control_client_close(fanout.operator);
    free(fanout.bytes);
    failed = failed ? failed : fanout.failed;
    if (failed)
        return failed;
    result->fanout = fanout.sums;
    result->fanout.done = true;
    if (fanout.delays.count > 0) {
        result->fanout.first_ns = fanout.delays.min;
        result->fanout.median_ns = histogram_percentile(&fanout.delays, 500000);
        result->fanout.last_ns = fanout.delays.max;
    }
    verdict_judge(result);
    return 0;
}
