#ifndef SIM_CHECK_SAVED_H
#define SIM_CHECK_SAVED_H

#include "sim/check/model.h"

#include <stdbool.h>
#include <stdint.h>

/* The oracle of the state file: who must be, and who may be, in the last complete snapshot, by the
 * model, and what has to come of it at the next start. It never reads the file. Times of a snapshot
 * are bounds: a client may be copied at any moment from its begin to its end. */

/* ---- what happens to the file ---- */

/* A snapshot is begun, gets bytes, is complete, or is given up (error 0: it is discarded). An error
 * may come after it is complete. */
void saved_begin(void);
void saved_adding(void);
void saved_committed(void);
void saved_failed(int error);
/* The server will write snapshots. */
void saved_opened(void);

/* While it is down: the file was damaged, or the one before it was put back. */
void saved_damaged(void);
void saved_put_back(void);

/* The server opens it at its start, with that result; cannot read all of it; and keeps it aside:
 * succeeded, and the file is aside. */
void saved_read(int error);
void saved_read_failed(void);
void saved_kept_aside(bool succeeded, bool is_aside);

/* The wall clock has leapt. */
void saved_wall_leapt(void);

/* ---- what happens in the server ---- */

/* The model has applied a datagram; known: it was registered before. */
void saved_applied(struct model_entry *entry, enum chance known, enum chance registers);

/* The server has given that id to a job. */
void saved_job(uint64_t id);

/* ---- starts and ends ---- */

/* Before the workers run: who is registered, and the counters, by what the start says of the file.
 * The model then has the clients that were restored. */
void saved_check_start(void);

/* A phase without faults has ended: the last snapshot is not older than its interval. */
void saved_check_interval(void);

/* The server is to stop. It has ended, orderly or not; was_ready: its start had succeeded. */
void saved_stopping(void);
void saved_check_end(bool was_ready);
void saved_reset(void);

#endif
