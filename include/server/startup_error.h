#ifndef SERVER_STARTUP_ERROR_H
#define SERVER_STARTUP_ERROR_H

/* What is said of a start that can't go on. */

/* Says in one line of the log what could not be done, on what, why (of a negative errno), and what
 * to do. Returns error. */
int startup_error_report(const char *what, const char *on, int error, const char *advice);

/* What to do about what runs out (descriptors, memory), wherever that happens; else otherwise. */
const char *startup_error_advice(int error, const char *otherwise);

#endif
