#ifndef SIM_CHECK_CONFIRMED_H
#define SIM_CHECK_CONFIRMED_H

#include "sim/check/model.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The oracle of confirmed broadcasts, and of messages to one client that are to be confirmed: which
 * clients get a frame and which ones a plain copy, how often and when, which confirmations count,
 * and what the server reports and lists. It knows only what was sent and received. */

/* The operator asks for one. Returns its number, from 1; 0: there is no number left. */
uint32_t confirmed_asked(bool is_message, uint64_t within_ms);
/* The server has not made a job of it: it has refused it, or called it a duplicate. */
void confirmed_refused(uint32_t job);
/* The server has given it that number among its jobs; and a job whose number is known, drawn by any
 * number (0: there is none). */
void confirmed_set_id(uint32_t job, uint64_t id);
uint32_t confirmed_any(uint64_t any, uint64_t *id);
/* The server logs that its job of that number has ended. */
void confirmed_logged_end(uint64_t id);

/* A message frame, as docs/protocol.md states it. */
struct confirmed_frame {
    uint64_t number;
    uint8_t leisure;
};

/* Reads the head of a message frame, and moves bytes and size to the payload. Returns false if it
 * is no such frame. */
bool confirmed_read_frame(struct confirmed_frame *frame, const void **bytes, size_t *size);

/* A copy of a job was taken (error 0) or refused: for that client, a frame or (NULL) plain; or
 * for another recipient. Returns whether it is the first one for that client. */
bool confirmed_sent(uint32_t job, const struct model_entry *to, const struct confirmed_frame *frame,
                    int error);
void confirmed_sent_plain(uint32_t job, bool taken);

/* A confirm was received, before the model has applied it; registers: it renews its client. */
void confirmed_received(const struct model_entry *entry, const uint8_t *bytes,
                        enum chance registers);
/* Whether the last confirm that was received counts as one, so that it is no bad frame. */
enum chance confirmed_counts(void);
/* Checks the sums of the counters confirmed and confirmed_again. */
void confirmed_check(uint64_t confirmed, uint64_t again);

/* What the server reports at the end of a job. */
struct confirmed_report {
    bool is_done;         /* and not cancelled; false if it is not known */
    uint64_t duration_ms; /* at least */
    uint64_t copies;      /* sent or failed, in the first round */
    uint64_t confirmed, silent, plain, rounds, datagrams;
};
void confirmed_ended(uint32_t job, const struct confirmed_report *report);

/* The clients of a job that are silent, or that have confirmed, are listed: begin, each, end. */
void confirmed_list_begin(uint32_t job, bool is_silent, uint64_t asked_ms);
void confirmed_list_add(const struct model_entry *entry);
void confirmed_list_end(void);
/* They are not, for that reason. */
void confirmed_list_refused(uint32_t job, uint64_t asked_ms, const char *reason);

void confirmed_reset(void);

#endif
