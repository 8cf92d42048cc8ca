#ifndef SIM_OS_STATE_FILES_H
#define SIM_OS_STATE_FILES_H

#include <stdbool.h>
#include <stdint.h>

/* The state file of the server, in memory, with PATH.new, PATH.lock and PATH.bad: it outlives the
 * server, as a disk does. Its steps take time, may fail, and are lost by a crash (world/faults).
 * check/saved is called for each of them. */

enum state_damage {
    STATE_UNDAMAGED,
    STATE_TORN,          /* truncated at any byte */
    STATE_FLIPPED,       /* one bit of it has changed */
    STATE_BLOCK_LOST,    /* its second block is missing */
    STATE_GROWN,         /* bytes follow its end */
    STATE_OTHER_VERSION, /* of another version of the server */
    STATE_OTHER_OWNER,   /* another user can write it */
    STATE_PUT_BACK,      /* it is the file before the last one again, undamaged */
    STATE_DAMAGES,
};

/* Does that to the file while the server is down. Returns what was done: nothing if there is no
 * such file. */
enum state_damage state_files_damage(enum state_damage damage);

/* What keeps a server with a state file from starting. */
enum state_obstacle {
    STATE_FREE,
    STATE_LOCKED,  /* another server has the lock */
    STATE_SPECIAL, /* it is a directory, a device or a symbolic link */
    STATE_OBSTACLES,
};
void state_files_obstruct(enum state_obstacle how);
enum state_obstacle state_files_obstacle(void);

/* A process has ended: a rename that was going on is done or not, any other step has no effect. */
void state_files_process_ended(int process);
/* The host has lost its power after that: so is what was renamed and not written to the disk. */
void state_files_power_failure(void);

/* The process has no descriptor of these files. */
bool state_files_are_closed(int process);

/* A step of a disk begins, and takes as long as is returned; and ends. For sim/os/journal_files. */
uint64_t state_files_step_begun(void);
void state_files_step_ended(uint64_t ns);

/* How long the steps of the thread of the file have taken in all, in milliseconds: without the one
 * that goes on, and with all of it. */
uint64_t state_files_done_ms(void);
uint64_t state_files_busy_ms(void);

#endif
