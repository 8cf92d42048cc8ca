#ifndef SIM_OS_STATE_FILES_H
#define SIM_OS_STATE_FILES_H

/* The state file of the server, in memory: it outlives the server, as a disk does. */

#endif
