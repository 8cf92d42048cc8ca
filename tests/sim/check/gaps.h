#ifndef SIM_CHECK_GAPS_H
#define SIM_CHECK_GAPS_H

#include <stdbool.h>
#include <stdint.h>

/* The oracle of the gaps of publish streams: each gap is counted once, however often it is
 * reported, and over upgrades. A stream has its reports from one session at a time. When a session
 * has ended before all its reports were answered, it is not known which of them the server has
 * taken; from then on there is only a most for the counts of that stream, until the server starts
 * anew. */

/* A gap that is reported, and whether it has to be counted. */
struct gap_report {
    uint32_t after;   /* the number of the entry before the gap */
    uint32_t missing; /* 0: another stream has the name */
    uint32_t entries;
};

/* Draws a report of a stream: a new gap, or the last one again, as it was or grown. It is sent, and
 * answered in the order of the reports, as gaps_answered says. */
struct gap_report gaps_draw(unsigned stream);
void gaps_answered(unsigned stream, bool is_counted);

/* The session of a stream has ended. */
void gaps_session_ended(unsigned stream);

/* `streams`, which was asked at that time, has these counts of a stream. */
void gaps_listed(unsigned stream, uint64_t gaps, uint64_t missing, uint64_t asked_ms);

/* The metrics have these counts of all streams; known is what gaps_known has returned when they
 * were asked for: the least number of gaps. */
uint64_t gaps_known(void);
void gaps_measured(uint64_t gaps, uint64_t missing, uint64_t known);

/* The server has ended. */
void gaps_reset(void);

#endif
