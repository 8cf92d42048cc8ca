#ifndef SIM_WORLD_RESTARTS_H
#define SIM_WORLD_RESTARTS_H

#include <stdbool.h>
#include <stdint.h>

/* Restarts of a server with a state file: crashes, the time down, what happens to the wall clock,
 * the file and the configuration meanwhile. They are drawn from a sequence of their own. */

/* Returns how often the server is started, at least so often: more often where it has a state file.
 */
unsigned restarts_draw_count(unsigned starts);

/* Draws whether a start ends by a crash, and when. faults_ms: its time with faults. */
void restarts_draw(bool may_crash, uint64_t faults_ms);

/* A probability of a kind of faults of the disk, in one start in five that has a state file. */
uint32_t restarts_rarely(uint32_t per_million);

/* Polled in the time with faults and in the calm time after it, with what has passed of it; and the
 * stop has begun. */
void restarts_disturb(uint64_t passed_ms);
void restarts_calm(uint64_t passed_ms);
void restarts_stopping(void);
/* The stop goes on, since when. Some starts are ended by further signals while the last snapshot is
 * written; whether this one was. */
void restarts_stop_goes_on(uint64_t passed_ms);
bool restarts_have_hurried(void);

/* An upgrade has begun: if the server is to crash, it may be now. */
void restarts_successor_started(void);
/* A snapshot has begun. */
void restarts_snapshot_begun(void);

/* The server is down, after a crash or not: time passes, the wall clock leaps, the host boots, the
 * file is damaged, or cannot be used by the next start. */
void restarts_down(bool has_crashed);
/* Whether the next start has about the same configuration: it was changed already. */
bool restarts_keep_settings(void);

#endif
