#ifndef SYSTEM_UDPLOAD_STAND_IN_H
#define SYSTEM_UDPLOAD_STAND_IN_H

#include "harness.h"

/* A service that the test itself implements, and udpload, which measures it; one of each per test.
 */

extern int stand_in_udp;
extern const char *stand_in_name; /* its address */
extern int stand_in_received;     /* requests received */
extern int64_t stand_in_pause_ms; /* the longest time between two requests of one stand_in_serve */
extern struct process load_process;

void stand_in_open(void); /* on 127.0.0.1 */
void stand_in_open_at(const char *local);
void stand_in_send(const struct endpoint *to, const char *text);

/* Handles each request; number counts from 1. The first of these replies "yes", the second nothing.
 */
typedef void stand_in_handler(int number, const struct endpoint *from);
stand_in_handler stand_in_reply_yes, stand_in_ignore;

/* Starts udpload with the words of a text, in which @ is the service's address and FILE the report.
 */
void load_start(const char *words);

/* Handles requests until udpload has ended or count requests were received in total. */
void stand_in_serve(stand_in_handler *serve, int count);

/* Returns what udpload has written to stdout (0) or stderr (1) so far. */
const char *load_text(int stream);

/* Waits for the end of udpload. Returns its JSON report, whose counts must add up. On a busy
 * machine the sender may report that it did not keep up. */
const char *load_report(void);
const char *load_report_file(void);

void report_count(const char *json, const char *what, int64_t count);
void report_exact(const char *json);

#endif
