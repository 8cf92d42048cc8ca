#ifndef LOAD_REPORT_NUMBER_TEXT_H
#define LOAD_REPORT_NUMBER_TEXT_H

#include <stdint.h>

/* Numbers as the reports print them: one way for all, so that they agree to the digit; a decimal
 * point in every locale, and never NaN or Infinity. Each writes to text and returns it. */

enum {
    NUMBER_TEXT_BYTES = 32,
};

/* Nanoseconds, exactly: as microseconds ("85.203"), as milliseconds ("0.085203"). */
const char *number_text_us(uint64_t ns, char text[NUMBER_TEXT_BYTES]);
const char *number_text_ms(uint64_t ns, char text[NUMBER_TEXT_BYTES]);

/* Nanoseconds as seconds, rounded to "10.000"; less than 0.01 s to "0.000118". */
const char *number_text_seconds(uint64_t ns, char text[NUMBER_TEXT_BYTES]);

/* Nanoseconds for people: three digits or more and the unit, "85.2 µs", "1.20 ms", "2050 s"
 * (UTF-8). */
const char *number_text_duration(uint64_t ns, char text[NUMBER_TEXT_BYTES]);

/* A rate: "0.25", "99998.7", "100000"; a tenth is enough from 1000 on, else a thousandth. What no
 * rate can be (negative, not finite) is "0". */
const char *number_text_rate(double rate, char text[NUMBER_TEXT_BYTES]);

/* A share of one, from 0 to 1, as "0.873"; what is outside counts as the nearest of the two. */
const char *number_text_share(double share, char text[NUMBER_TEXT_BYTES]);

/* How many percent part is of whole, "99.800", "-" if whole is 0. Only what is nothing reads
 * "0.000", and only what is all "100.000": between them it is "<0.001" and ">99.999" at the
 * utmost. */
const char *number_text_percent(uint64_t part, uint64_t whole, char text[NUMBER_TEXT_BYTES]);

/* A count: "1000000". */
const char *number_text_count(uint64_t count, char text[NUMBER_TEXT_BYTES]);

/* One of the above with its thousands set apart: "1,000,000", "158,334.975". */
const char *number_text_grouped(const char *figure, char text[NUMBER_TEXT_BYTES]);

#endif
