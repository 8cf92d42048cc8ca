#ifndef SIM_OS_STATE_FILES_H
#define SIM_OS_STATE_FILES_H

#include <stdint.h>

/* The state file of the server, in memory: it outlives the server, as a disk does. Its steps take
 * time, may fail, and are lost by a crash (world/faults). check/saved is called for each of them.
 */

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

/* The server has crashed: the step that was going on has no effect, and the file stays as it is. */
void state_files_crash(void);

/* How long the main thread has waited for the disk in all, in milliseconds. */
uint64_t state_files_waited_ms(void);

#endif
