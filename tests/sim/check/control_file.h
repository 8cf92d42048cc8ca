#ifndef SIM_CHECK_CONTROL_FILE_H
#define SIM_CHECK_CONTROL_FILE_H

#include "sim/os/files.h"

#include <stdbool.h>

/* The file of the control socket, or of the observers' socket. It has the mode and the group of its
 * keys, or the group of server.group; the process stays in the group of the key, so that it can
 * remove the file. */
void control_file_check(const struct simulated_file *file, bool observes);

#endif
