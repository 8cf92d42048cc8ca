#ifndef SERVER_STARTUP_ERROR_H
#define SERVER_STARTUP_ERROR_H

/* Log lines and advice for errors of the start. */

/* Logs an error of the start: `what` could not be done with `on`, for the reason of `error`
 * (-errno), with advice what to do. Returns error. */
int startup_error_report(const char *what, const char *on, int error, const char *advice);

/* Returns advice about a shortage of descriptors or memory; `otherwise` for any other error. */
const char *startup_error_advice(int error, const char *otherwise);

#endif
