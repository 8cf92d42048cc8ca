/* The intended times of an open-loop load: exact, repeatable, and nobody's who is late. */
#include "load/send/send_schedule.h"

static const uint64_t SECOND_NS = 1000000000;

/* Bresenham's way to a division: whole steps, and a remainder that is carried, so that nothing is
 * ever rounded twice. */
void schedule_init(struct schedule *schedule, uint32_t rate, uint32_t shares, uint32_t share)
{
    uint64_t step = shares * SECOND_NS, first = share * SECOND_NS;
    *schedule = (struct schedule){
        .next_ns = first / rate,
        .carried = first % rate,
        .step_ns = step / rate,
        .rest = step % rate,
        .rate = rate,
    };
}

static void advance_poisson(struct schedule *schedule)
{
    double gap_ns = prng_exponential(&schedule->prng) * schedule->mean_ns + schedule->fraction;
    uint64_t whole_ns = (uint64_t)gap_ns;
    schedule->fraction = gap_ns - (double)whole_ns;
    schedule->next_ns += whole_ns;
}

void schedule_init_poisson(struct schedule *schedule, uint32_t rate, uint32_t shares,
                           uint32_t share, uint64_t seed)
{
    *schedule = (struct schedule){
        .poisson = true,
        .rate = rate,
        .mean_ns = (double)SECOND_NS * shares / rate,
    };
    prng_init(&schedule->prng, seed);
    /* Shares of one seed take seeds of their own from it. */
    uint64_t own = 0;
    for (uint32_t i = 0; i <= share; i++)
        own = prng_next(&schedule->prng);
    prng_init(&schedule->prng, own);
    advance_poisson(schedule);
}

uint64_t schedule_due_ns(const struct schedule *schedule)
{
    return schedule->next_ns;
}

void schedule_advance(struct schedule *schedule)
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
