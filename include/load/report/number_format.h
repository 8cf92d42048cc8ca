#ifndef LOAD_REPORT_NUMBER_FORMAT_H
#define LOAD_REPORT_NUMBER_FORMAT_H

#include <stdint.h>

/* Formats numbers for the reports: the same digits in all of them, a decimal point in every locale,
 * never NaN or Infinity. Each function writes to text and returns it. */

enum {
    NUMBER_FORMAT_BYTES = 32,
};

/* Nanoseconds without rounding: as microseconds ("85.203") or milliseconds ("0.085203"). */
const char *number_format_us(uint64_t ns, char text[NUMBER_FORMAT_BYTES]);
const char *number_format_ms(uint64_t ns, char text[NUMBER_FORMAT_BYTES]);

/* Nanoseconds as seconds, rounded to milliseconds ("10.000"); below 0.01 s to microseconds
 * ("0.000118"). */
const char *number_format_seconds(uint64_t ns, char text[NUMBER_FORMAT_BYTES]);

/* Nanoseconds with at least three digits and a unit: "85.2 µs", "1.20 ms", "2050 s" (UTF-8). */
const char *number_format_duration(uint64_t ns, char text[NUMBER_FORMAT_BYTES]);

/* A rate: "0.25", "99998.7", "100000"; one decimal from 1000 on, below that three. A value that is
 * negative or not finite gives "0". */
const char *number_format_rate(double rate, char text[NUMBER_FORMAT_BYTES]);

/* A share from 0 to 1 as "0.873"; values outside are clamped. */
const char *number_format_share(double share, char text[NUMBER_FORMAT_BYTES]);

/* part as a percentage of whole: "99.800", or "-" if whole is 0. Only an exact 0 is "0.000" and
 * only an exact 1 is "100.000"; between them, values are rounded to "<0.001" and ">99.999" at most.
 */
const char *number_format_percent(uint64_t part, uint64_t whole, char text[NUMBER_FORMAT_BYTES]);

/* How many of part there are for each of whole: "1.180"; "-" if whole is 0. */
const char *number_format_ratio(uint64_t part, uint64_t whole, char text[NUMBER_FORMAT_BYTES]);

/* A count: "1000000". */
const char *number_format_count(uint64_t count, char text[NUMBER_FORMAT_BYTES]);

/* One of the above with grouped thousands: "1,000,000", "158,334.975". */
const char *number_format_grouped(const char *number, char text[NUMBER_FORMAT_BYTES]);

#endif
