#ifndef SERVER_WORKERS_FILE_LIMIT_H
#define SERVER_WORKERS_FILE_LIMIT_H

#include "config/config.h"

#include <stddef.h>
#include <stdint.h>

/* Raises the process's limit on open files to what `count` workers need for the configuration, as
 * far as it is permitted. Returns the number of streams for which descriptors are left; at least a
 * quarter of the limit is reserved for them. */
uint32_t file_limit_raise(size_t count, const struct config *config);

#endif
