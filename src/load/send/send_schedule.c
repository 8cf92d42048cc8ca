#include "load/send/send_schedule.h"

static const uint64_t SECOND_NS = 1000000000;

/* As in Bresenham's algorithm, a step is whole nanoseconds and a remainder that is carried, so that
 * rounding errors do not add up. */
void send_schedule_init(struct send_schedule *schedule, uint32_t rate, uint32_t shares,
                        uint32_t share)
{
    uint64_t step = shares * SECOND_NS, first = share * SECOND_NS;
    *schedule = (struct send_schedule){
        .next_ns = first / rate,
        .carried = first % rate,
        .step_ns = step / rate,
        .rest = step % rate,
        .rate = rate,
    };
}

static void advance_poisson(struct send_schedule *schedule)
{
    double gap_ns = prng_exponential(&schedule->prng) * schedule->mean_ns + schedule->fraction;
    uint64_t whole_ns = (uint64_t)gap_ns;
    schedule->fraction = gap_ns - (double)whole_ns;
    schedule->next_ns += whole_ns;
}

void send_schedule_init_poisson(struct send_schedule *schedule, uint32_t rate, uint32_t shares,
                                uint32_t share, uint64_t seed)
{
    *schedule = (struct send_schedule){
        .poisson = true,
        .rate = rate,
        .mean_ns = (double)SECOND_NS * shares / rate,
    };
    prng_init(&schedule->prng, seed);
    /* Each share derives its own seed from the common one. */
    uint64_t own = 0;
    for (uint32_t i = 0; i <= share; i++)
        own = prng_next(&schedule->prng);
    prng_init(&schedule->prng, own);
    advance_poisson(schedule);
}

uint64_t send_schedule_due_ns(const struct send_schedule *schedule)
{
    return schedule->next_ns;
}

void send_schedule_advance(struct send_schedule *schedule)
{
    if (schedule->poisson) {
        advance_poisson(schedule);
        return;
    }
    schedule->next_ns += schedule->step_ns;
    schedule->carried += schedule->rest;
    if (schedule->carried >= schedule->rate) {
        schedule->carried -= schedule->rate;
        schedule->next_ns++;
    }
}
