#ifndef SIM_CORE_TRACE_H
#define SIM_CORE_TRACE_H

#include <stdbool.h>
#include <stdint.h>

/* The record of a run: its last events, and a hash of all of them, by which two runs of one seed
 * can be compared. */

/* TRACE(name, text with %d for each of up to four numbers) */
#define TRACE_KINDS(TRACE)                                              \
    TRACE(RUN, "thread %d runs")                                        \
    TRACE(RECEIVED, "socket %d: received %d datagrams")                 \
    TRACE(SENT, "socket %d: sent %d bytes to port %d, result %d")       \
    TRACE(ARRIVED, "port %d: a datagram of %d bytes from port %d")      \
    TRACE(LOST, "port %d: a datagram from port %d is lost, reason %d")  \
    TRACE(TIMER, "timer %d expires")                                    \
    TRACE(MESSAGE, "a message to thread %d")                            \
    TRACE(STREAM_IN, "stream %d: %d bytes from the client")             \
    TRACE(STREAM_OUT, "stream %d: %d bytes to the client")              \
    TRACE(CLIENT, "client %d: action %d, message %d")                   \
    TRACE(OPERATOR, "operator %d: command %d")                          \
    TRACE(ANSWER, "operator %d: command %d is answered, status %d")     \
    TRACE(FAULT, "a fault of kind %d, errno %d")                        \
    TRACE(SIGNAL, "signal %d")                                          \
    TRACE(PHASE, "phase %d")                                            \
    TRACE(START, "start %d")                                            \
    TRACE(CRASH, "the process ends at once (by a signal: %d)")          \
    TRACE(PROCESS, "process %d is started by process %d")               \
    TRACE(PROCESS_END, "process %d has ended, in manner %d: %d")        \
    TRACE(FROZEN, "process %d is stopped for %d ms")                    \
    TRACE(HANDOVER, "process %d sends a message of kind %d, result %d") \
    TRACE(STATE, "the state file: step %d, result %d, %d bytes")        \
    TRACE(STATE_READ, "the state file is opened: result %d, %d bytes")  \
    TRACE(JOURNAL, "the journal: step %d, result %d, %d bytes")         \
    TRACE(BOOT, "the host boots, %d ms ago")                            \
    TRACE(WALL, "the wall clock leaps by %d ms")                        \
    TRACE(HOST, "the host changes: %d is removed, eth0 %d, eth1 %d")    \
    TRACE(LOG, "log line %d of level %d")                               \
    TRACE(FRAME, "port %d: a frame of %d bytes to port %d by %d")       \
    TRACE(OFFLOAD, "port %d: the offload takes a datagram from port %d of %d bytes, action %d")

#define TRACE(name, text) TRACE_##name,
enum trace_kind { TRACE_KINDS(TRACE) TRACE_COUNT };
#undef TRACE

/* The replay is the command that is printed with a broken promise. */
void trace_begin(uint64_t seed, const char *replay, bool verbose);
void trace(enum trace_kind kind, uint64_t a, uint64_t b, uint64_t c, uint64_t d);

/* The hash and the number of all events so far. */
uint64_t trace_hash(void);
uint64_t trace_count(void);

/* Reports a broken promise with the last events, and ends the process with status 1. */
_Noreturn void broken_promise(const char *promise, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
