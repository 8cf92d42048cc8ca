#include "control_answers.h"

#include "control_stubs.h"
#include "server/control/control_state.h"
#include "server/events/event_lines.h"
#include "server/gateway/gateway_requests.h"
#include "server/gateway/gateway_session.h"
#include "target.h"

#include <string.h>

enum {
    /* Requests without a result: those of two batches, the broadcasts, the messages to be confirmed
     * whose client is not found yet, and the line that is being handled. The gateway must pause its
     * session before there are more. */
    REQUESTS_MAX = 2 * GATEWAY_BATCH_MESSAGES + STUB_JOBS_MAX + GATEWAY_FINDING_MAX + 1,
};

struct request {
    char ref[GATEWAY_REF_BYTES + 1];
    bool is_broadcast;
};

static struct {
    enum {
        ANSWERS_IDLE,    /* no command */
        ANSWERS_COMMAND, /* nothing is read of the answer */
        ANSWERS_LINES,   /* the first line is read */
        ANSWERS_GATEWAY, /* the same, and the peer sends requests */
        ANSWERS_ENDING   /* the same, and it sends no more of them */
    } state;
    char verb[16]; /* of the command; truncated */
    char line[EVENT_LINE_BYTES];
    size_t size;
    struct request requests[REQUESTS_MAX]; /* that have no result, and a ref other than - */
    size_t request_count;
    size_t dashes;         /* lines with the ref - that may still be read */
    bool is_handling;      /* a request is being handled: what is read is about it */
    size_t handled;        /* its index */
    bool must_be_refused;  /* it has no ref, so that its error has the ref - */
    size_t read_meanwhile; /* results and errors */
} answers;

void answers_open(void)
{
    must(answers.state == ANSWERS_IDLE && answers.size == 0);
}

/* ---- what the peer sends ---- */

/* Returns the next word of a line, or NULL with *size 0. */
static const char *next_word(const char **at, const char *end, size_t *size)
{
    while (*at < end && (**at == ' ' || **at == '\t'))
        ++*at;
    const char *word = *at;
    while (*at < end && **at != ' ' && **at != '\t')
        ++*at;
    *size = (size_t)(*at - word);
    return *size > 0 ? word : NULL;
}

static bool is_word(const char *word, size_t size, const char *expected)
{
    return size == strlen(expected) && memcmp(word, expected, size) == 0;
}

static void add_request(const char *ref, size_t size, bool is_broadcast)
{
    struct request *request = &answers.requests[answers.request_count];
    if (is_word(ref, size, "-")) {
        answers.dashes++;
        return;
    }
    must(answers.request_count < REQUESTS_MAX);
    memcpy(request->ref, ref, size);
    request->ref[size] = '\0';
    request->is_broadcast = is_broadcast;
    answers.request_count++;
}

static void send_request(const char *line, size_t size)
{
    const char *at = line, *end = line + size;
    size_t verb_size, ref_size;
    const char *verb = next_word(&at, end, &verb_size);
    const char *ref = next_word(&at, end, &ref_size);
    bool has_nul = memchr(line, '\0', size) != NULL;
    bool is_end = !has_nul && verb != NULL && is_word(verb, verb_size, "end");
    answers.is_handling = true;
    answers.handled = answers.request_count;
    answers.read_meanwhile = 0;
    answers.must_be_refused =
        has_nul || (is_end ? ref != NULL : ref == NULL || ref_size > GATEWAY_REF_BYTES);
    if (answers.must_be_refused)
        answers.dashes++;
    else if (is_end)
        answers.state = ANSWERS_ENDING;
    else
        add_request(ref, ref_size, is_word(verb, verb_size, "broadcast"));
}

void answers_sent(const uint8_t *line, size_t size)
{
    const char *at = (const char *)line, *end = at + size;
    must(answers.state == ANSWERS_IDLE || answers.state == ANSWERS_GATEWAY);
    if (answers.state == ANSWERS_GATEWAY) {
        send_request(at, size);
        return;
    }
    size_t verb_size;
    const char *verb = next_word(&at, end, &verb_size);
    answers.state = ANSWERS_COMMAND;
    if (verb_size >= sizeof answers.verb)
        verb_size = sizeof answers.verb - 1;
    if (verb_size > 0)
        memcpy(answers.verb, verb, verb_size);
    answers.verb[verb_size] = '\0';
}

void answers_handled(void)
{
    must(!answers.is_handling || answers.read_meanwhile <= 1);
    must(!answers.must_be_refused || answers.read_meanwhile == 1);
    answers.is_handling = answers.must_be_refused = false;
}

void answers_input_ended(int error)
{
    if (answers.state == ANSWERS_GATEWAY) {
        answers.state = ANSWERS_ENDING;
        answers.dashes += error != 0;
    } else {
        must(answers.state == ANSWERS_IDLE);
        if (error != 0)
            answers.state = ANSWERS_COMMAND; /* the session says why it ends */
    }
}

/* ---- what it reads ---- */

/* Removes the request that a result or an error is about. While a request is handled, that is the
 * one; otherwise the first with that ref, since those of one kind have their results in order. */
static void remove_request(const char *ref, size_t size, bool is_broadcast)
{
    size_t i = answers.is_handling ? answers.handled : 0;
    while (i < answers.request_count &&
           !(is_word(ref, size, answers.requests[i].ref) &&
             (answers.is_handling || answers.requests[i].is_broadcast == is_broadcast)))
        i++;
    must(i < answers.request_count);
    answers.request_count--;
    memmove(&answers.requests[i], &answers.requests[i + 1],
            (answers.request_count - i) * sizeof answers.requests[0]);
}

static bool begins_with(const char *line, size_t size, const char *start)
{
    return size >= strlen(start) && memcmp(line, start, strlen(start)) == 0;
}

static void read_result(const char *line, size_t size, bool is_error)
{
    const char *at = line, *end = line + size;
    size_t ref_size;
    const char *ref = next_word(&at, end, &ref_size);
    must(ref == line && at < end && *at == ' ');
    const char *rest = at + 1;
    size_t rest_size = (size_t)(end - rest);
    bool is_sent = rest_size > 5 && memcmp(rest, "sent=", 5) == 0;
    bool is_job =
        begins_with(rest, rest_size, "id=") || begins_with(rest, rest_size, "state=duplicate ");
    bool is_gap =
        is_word(rest, rest_size, "state=counted") || is_word(rest, rest_size, "state=known");
    answers.read_meanwhile++;
    must(is_error ? rest_size > 0 : is_sent || is_job || (is_gap && answers.is_handling));
    if (is_word(ref, ref_size, "-")) {
        must(answers.dashes > 0 && !is_job);
        answers.dashes--;
        return;
    }
    must(!answers.must_be_refused);
    remove_request(ref, ref_size, is_job);
}

static void read_gateway_line(const char *line, size_t size)
{
    bool is_result = begins_with(line, size, "result ");
    if (is_result || begins_with(line, size, "error "))
        read_result(line + (is_result ? 7 : 6), size - (is_result ? 7 : 6), !is_result);
    else if (begins_with(line, size, "permanent ")) /* the error follows */
        must(answers.is_handling && answers.read_meanwhile == 0);
    else
        must(begins_with(line, size, "message ") || begins_with(line, size, "event ") ||
             begins_with(line, size, "lost "));
}

static void read_first_line(const char *line, size_t size)
{
    bool is_ok = is_word(line, size, "ok");
    must(is_ok || begins_with(line, size, "error "));
    answers.state = is_ok && strcmp(answers.verb, "gateway") == 0 ? ANSWERS_GATEWAY : ANSWERS_LINES;
}

/* The last line of an answer. That of a gateway comes when it has ended, and after all results. */
static void read_dot(void)
{
    must(answers.state == ANSWERS_LINES || answers.state == ANSWERS_ENDING);
    if (answers.state == ANSWERS_ENDING)
        must(answers.request_count == 0 && !stub_job_is_pending());
    answers.state = ANSWERS_IDLE;
    answers.dashes = 0;
}

static void read_line(const char *line, size_t size)
{
    must(memchr(line, '\0', size) == NULL);
    must(size < CONTROL_LINE_BYTES_MAX || begins_with(line, size, "message "));
    if (answers.state == ANSWERS_COMMAND)
        read_first_line(line, size);
    else if (is_word(line, size, "."))
        read_dot();
    else if (answers.state != ANSWERS_LINES)
        read_gateway_line(line, size);
}

void answers_read(const char *bytes, size_t size)
{
    while (size > 0) {
        const char *newline = memchr(bytes, '\n', size);
        size_t part = newline != NULL ? (size_t)(newline + 1 - bytes) : size;
        must(answers.state != ANSWERS_IDLE);
        must(part <= sizeof answers.line - answers.size);
        memcpy(answers.line + answers.size, bytes, part);
        answers.size += part;
        bytes += part;
        size -= part;
        if (newline == NULL)
            break;
        read_line(answers.line, answers.size - 1);
        answers.size = 0;
    }
}

void answers_close(bool may_be_incomplete)
{
    must(may_be_incomplete || (answers.state == ANSWERS_IDLE && answers.size == 0));
    answers.state = ANSWERS_IDLE;
    answers.size = answers.request_count = answers.dashes = 0;
    answers.is_handling = answers.must_be_refused = false;
}

bool answers_last(void)
{
    return answers.state == ANSWERS_LINES &&
           (strcmp(answers.verb, "listen") == 0 || strcmp(answers.verb, "events") == 0);
}

bool answers_are_of_gateway(void)
{
    return answers.state == ANSWERS_GATEWAY;
}

void answers_check_all_answered(void)
{
    must(answers.request_count == 0);
}
