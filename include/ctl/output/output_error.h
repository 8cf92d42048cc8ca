#ifndef CTL_OUTPUT_OUTPUT_ERROR_H
#define CTL_OUTPUT_OUTPUT_ERROR_H

#include <stdbool.h>

/* How udpctl reports errors: as JSON on stdout or as a message on stderr; and the check that stdout
 * was written. */

/* Prints text: {"error":"..."} on stdout, or "udpctl: TEXT" on stderr. Returns 1, the exit status
 * of a failure. */
int output_error(bool json, const char *text);

/* Flushes stdout. Returns status, or 1 with an error message if stdout could not be written for
 * another reason than a closed pipe. */
int output_finish(int status);

#endif
