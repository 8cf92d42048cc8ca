#ifndef HTTP_HTTP_DATE_H
#define HTTP_HTTP_DATE_H

#include <stdint.h>

/* Dates of HTTP (RFC 9110, section 5.6.7). */

enum { HTTP_DATE_BYTES = 30 };

/* Writes a time in milliseconds since 1970 UTC as "Sun, 29 Nov 2026 08:49:37 GMT"; times after the
 * year 9999 as its last second. Returns text. */
const char *http_date_format(uint64_t wall_ms, char text[HTTP_DATE_BYTES]);

#endif
