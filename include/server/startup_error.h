#ifndef SERVER_STARTUP_ERROR_H
#define SERVER_STARTUP_ERROR_H

/* Log lines and advice for errors of the start. */

/* Logs an error: what could not be done, on what, the reason (of a negative errno), and what to do.
 * Returns error. */
int startup_error_report(const char *what, const char *on, int error, const char *advice);

/* Returns what to do about a shortage of descriptors or memory, and otherwise for any other error.
 */
const char *startup_error_advice(int error, const char *otherwise);

#endif
