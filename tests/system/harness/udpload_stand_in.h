#ifndef SYSTEM_UDPLOAD_STAND_IN_H
#define SYSTEM_UDPLOAD_STAND_IN_H

#include "harness.h"

/* A service that the test itself plays, and udpload, which measures it. One of each in a test. */

extern int stand_in_udp;
extern const char *stand_in_name; /* its address */
extern int stand_in_served;       /* requests that came */
extern struct process load_process;

void stand_in_begin(void); /* on 127.0.0.1 */
void stand_in_begin_at(const char *local);
void stand_in_say(const struct endpoint *to, const char *text);

/* What the service does with each request; number counts from 1. These two say yes, and nothing. */
typedef void serve_one(int number, const struct endpoint *from);
serve_one stand_in_answers, stand_in_is_silent;

/* Starts udpload with words from a text, of which @ is the service's name and FILE the report's. */
void load_start(const char *words);

/* Serves until udpload has ended, or so many requests in all have come. */
void load_serve(serve_one *serve, int count);

/* What it has written to stdout (0) or stderr (1) so far. */
const char *load_text(int stream);

/* The report, once udpload has ended, whose counts add up. A busy machine may keep it from keeping
 * up, which it then says. */
const char *load_report(void);
const char *load_report_file(void);

void report_count(const char *json, const char *what, int64_t count);
void report_exact(const char *json);

#endif
