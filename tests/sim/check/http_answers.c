#include "sim/check/http_answers.h"

#include "sim/check/gaps.h"
#include "sim/check/model_bounds.h"
#include "sim/check/totals.h"
#include "sim/core/trace.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char PROMISE[] = "an HTTP answer is well-formed";

/* ---- reading ---- */

/* The value of a field that the head must have exactly once. */
static const char *field(const char *head, const char *end, const char *name)
{
    size_t length = strlen(name);
    const char *value = NULL;
    for (const char *line = head; line < end; line = strstr(line, "\r\n") + 2) {
        if (strncmp(line, name, length) != 0)
            continue;
        if (value != NULL)
            broken_promise(PROMISE, "it has '%s' twice", name);
        value = line + length;
    }
    if (value == NULL)
        broken_promise(PROMISE, "it has no '%s'", name);
    return value;
}

size_t http_answers_read(const char *bytes, size_t size, bool is_head, struct http_read *answer)
{
    static const char version[] = "HTTP/1.1 ";
    size_t compared = size < sizeof version - 1 ? size : sizeof version - 1;
    if (memcmp(bytes, version, compared) != 0)
        broken_promise(PROMISE, "it begins with '%.20s'", bytes);
    const char *end = size > 0 ? strstr(bytes, "\r\n\r\n") : NULL;
    if (end == NULL)
        return 0;
    end += 2; /* of the last field */
    answer->status = (int)strtol(bytes + compared, NULL, 10);
    field(bytes, end, "Date: ");
    field(bytes, end, "Content-Type: ");
    size_t length = strtoull(field(bytes, end, "Content-Length: "), NULL, 10);
    size_t head = (size_t)(end - bytes) + 2;
    answer->body = bytes + head;
    answer->size = is_head ? 0 : length;
    return size - head < answer->size ? 0 : head + answer->size;
}

/* ---- numbers ---- */

struct http_known http_answers_known(void)
{
    struct http_known known = {.received = totals_base()->received + totals.datagrams +
                                           totals.stream_messages,
                               .gaps = gaps_known()};
    known.counted = totals_may_wait() ? totals_base()->received : known.received;
    const struct model_bounds *bounds = model_bounds();
    for (size_t i = 0; i < MODEL_WORKERS_MAX; i++) {
        known.at_least += bounds->at_least[i];
        known.at_most += bounds->at_most[i];
    }
    return known;
}

static uint64_t number_after(const struct http_read *answer, const char *name)
{
    const char *found = memmem(answer->body, answer->size, name, strlen(name));
    if (found == NULL)
        broken_promise(PROMISE, "it has no '%s'", name);
    return strtoull(found + strlen(name), NULL, 10);
}

static void check_received(uint64_t received, uint64_t before, uint64_t now)
{
    if (received < before || received > now)
        broken_promise("the metrics have the counters of the server",
                       "%" PRIu64 " received instead of %" PRIu64 " to %" PRIu64, received, before,
                       now);
}

void http_answers_check_status(const struct http_read *answer, const struct http_known *before,
                               bool is_recent)
{
    struct http_known now = http_answers_known();
    if (answer->size < 3 || answer->body[0] != '{' ||
        memcmp(answer->body + answer->size - 2, "}\n", 2) != 0)
        broken_promise(PROMISE, "it is no JSON object");
    check_received(number_after(answer, "\"stats\":{\"received\":"), before->counted, now.received);
    if (!is_recent)
        return;
    uint64_t arrived = now.received - before->received;
    uint64_t clients = number_after(answer, "\"status\":{\"clients\":");
    uint64_t streams = number_after(answer, "\"streams\":");
    uint64_t at_least = now.at_least < before->at_least ? now.at_least : before->at_least;
    uint64_t at_most = now.at_most > before->at_most ? now.at_most : before->at_most;
    if (clients < streams || clients - streams + arrived < at_least ||
        clients - streams > at_most + arrived)
        broken_promise("the metrics have the number of clients",
                       "%" PRIu64 " clients, of them %" PRIu64 " streams, instead of %" PRIu64
                       " to %" PRIu64,
                       clients, streams, at_least, at_most);
}

/* Each line is a comment, or the name of a metric and its value. */
static void check_lines(const struct http_read *answer)
{
    const char *at = answer->body, *end = answer->body + answer->size;
    if (answer->size == 0 || end[-1] != '\n')
        broken_promise(PROMISE, "the last line of the metrics is not whole");
    for (const char *next; at < end; at = next + 1) {
        char *rest;
        next = memchr(at, '\n', (size_t)(end - at));
        if (*at == '#')
            continue;
        const char *value = memrchr(at, ' ', (size_t)(next - at));
        if (value != NULL)
            strtod(value + 1, &rest);
        if (value == NULL || rest != next)
            broken_promise(PROMISE, "a line of the metrics is '%.*s'", (int)(next - at), at);
    }
}

void http_answers_check_metrics(const struct http_read *answer, const struct http_known *before)
{
    static const char name[] = "\nudpsrv_datagrams_received_total{";
    const char *at = answer->body, *end = answer->body + answer->size;
    uint64_t received = 0;
    check_lines(answer);
    while ((at = memmem(at, (size_t)(end - at), name, sizeof name - 1)) != NULL) {
        at = strchr(at, '}') + 2;
        received += strtoull(at, NULL, 10);
    }
    check_received(received, before->counted, http_answers_known().received);
    gaps_measured(number_after(answer, "\nudpsrv_publish_gaps_total "),
                  number_after(answer, "\nudpsrv_publish_missing_entries_total "), before->gaps);
}
