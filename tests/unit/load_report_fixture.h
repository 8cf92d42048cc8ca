#ifndef LOAD_REPORT_FIXTURE_H
#define LOAD_REPORT_FIXTURE_H

#include "load/result.h"

#include <stdio.h>

typedef int report_verb(FILE *out, const struct load_result *result);

/* Ten seconds of a run that all reports have something to say of: a stall, losses, two wrong
 * replies, a fan-out. The counts add up. load_result_free it. */
struct load_result report_sample(void);

/* A run that was over before anything was sent. */
struct load_result report_empty(void);

/* What a report has printed, NUL-terminated; the caller frees it. */
char *report_print(report_verb *verb, const struct load_result *result);

/* A text of every byte but NUL, and what would end a script element, a string, an attribute. */
const char *report_hostile(void);

/* The verbs say why they could not write. */
void report_expect_error(report_verb *verb);

/* Reads one JSON value (RFC 8259), strictly; returns what stands behind it, or NULL. */
const char *report_json_value(const char *json);

/* Where the value of the member of that name begins in an object, or NULL. Names may be chained:
 * "latency.raw.p99". */
const char *report_json_member(const char *json, const char *path);

#endif
