#ifndef SIM_OS_LOG_H
#define SIM_OS_LOG_H

#include "os/log/log.h"

#include <stdbool.h>
#include <stdint.h>

/* What the server has logged. */

/* The number of lines of a level. */
uint64_t simulated_log_count(enum config_log_level level);

/* How often that sentence was logged. */
uint64_t simulated_log_times(const char *sentence);

/* Whether the server writes its log in this way; the fake itself captures each line. */
bool simulated_log_is(enum config_log_level level, enum config_log_format format,
                      enum config_log_target target);

/* The value of a counter in the final report; false if there is none. */
bool simulated_log_final(const char *counter, uint64_t *value);

/* Whether the server has printed its ready line. */
bool simulated_log_is_ready(void);

/* The server has ended: forgets what it has logged. */
void simulated_log_reset(void);

/* A process has ended: its ready line is not written any more. */
void simulated_log_process_ended(int process);

/* Prints each line to standard error. */
void simulated_log_print(bool wanted);

#endif
