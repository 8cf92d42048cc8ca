/* os/log: the log and the messages are captured. */
#include "sim/os/log.h"

#include "os/log/error_message.h"
#include "os/log/stdout_line.h"
#include "sim/check/confirmed.h"
#include "sim/core/broken.h"
#include "sim/core/draw.h"
#include "sim/core/event_queue.h"
#include "sim/core/trace.h"
#include "sim/os/processes.h"
#include "sim/world/faults.h"
#include "sim/world/upgrades.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAIRS_MAX = 96, SENTENCES_MAX = 128 };

static uint64_t lines[LOG_LEVEL_DEBUG + 1];
static struct {
    char text[96];
    uint64_t times;
} sentences[SENTENCES_MAX];
static size_t sentence_count;
static struct {
    char key[32];
    uint64_t value;
} finals[PAIRS_MAX];
static size_t final_count;
static bool ready, prints;
static struct {
    uint64_t limited_ms[LOG_KINDS];
    enum config_log_level level;
    enum config_log_format format;
    enum config_log_target target;
    char last_error[LOG_LAST_ERROR_BYTES]; /* "": none */
} logs[PROCESSES_MAX];

uint64_t simulated_log_count(enum config_log_level level)
{
    return lines[level];
}

uint64_t simulated_log_times(const char *sentence)
{
    for (size_t i = 0; i < sentence_count; i++)
        if (strcmp(sentences[i].text, sentence) == 0)
            return sentences[i].times;
    return 0;
}

bool simulated_log_final(const char *counter, uint64_t *value)
{
    for (size_t i = 0; i < final_count; i++)
        if (strcmp(finals[i].key, counter) == 0) {
            *value = finals[i].value;
            return true;
        }
    return false;
}

bool simulated_log_is_ready(void)
{
    return ready;
}

void simulated_log_reset(void)
{
    memset(lines, 0, sizeof lines);
    memset(logs, 0, sizeof logs);
    sentence_count = final_count = 0;
    ready = false;
}

void simulated_log_print(bool wanted)
{
    prints = wanted;
}

static void count_sentence(const char *sentence)
{
    size_t i = 0;
    while (i < sentence_count && strcmp(sentences[i].text, sentence) != 0)
        i++;
    if (i == SENTENCES_MAX)
        return;
    if (i == sentence_count) {
        sentence_count++;
        sentences[i].times = 0;
        snprintf(sentences[i].text, sizeof sentences[i].text, "%s", sentence);
    }
    sentences[i].times++;
}

static void keep_error(const char *sentence, const struct log_pair *pairs, size_t count)
{
    char *text = logs[processes_current()].last_error;
    size_t at = (size_t)snprintf(text, LOG_LAST_ERROR_BYTES, "%s", sentence);
    for (size_t i = 0; i < count && at < LOG_LAST_ERROR_BYTES; i++)
        at += (size_t)snprintf(text + at, LOG_LAST_ERROR_BYTES - at, " %s=%s", pairs[i].key,
                               pairs[i].value);
}

static void record(enum config_log_level level, const char *sentence, const struct log_pair *pairs,
                   size_t count)
{
    lines[level]++;
    /* What a process says that never serves is not of the server. */
    if (processes_current() != processes_successor())
        count_sentence(sentence);
    trace(TRACE_LOG, lines[level], level, 0, 0);
    if (level == LOG_LEVEL_ERROR)
        keep_error(sentence, pairs, count);
    for (size_t i = 0; i < count && strncmp(sentence, "cannot upgrade", 14) == 0; i++)
        if (strcmp(pairs[i].key, "reason") == 0)
            upgrades_failed(pairs[i].value);
    if (strcmp(sentence, "a broadcast ended") == 0)
        confirmed_logged_end(strtoull(pairs[0].value, NULL, 10));
    if (strcmp(sentence, "stopped") == 0)
        for (final_count = 0; final_count < count; final_count++) {
            snprintf(finals[final_count].key, sizeof finals[0].key, "%s", pairs[final_count].key);
            finals[final_count].value = strtoull(pairs[final_count].value, NULL, 10);
        }
    if (!prints)
        return;
    fprintf(stderr, "  %12.6f  log of %d: %s", (double)event_queue_now_ns() / 1e9,
            (int)processes_pid(processes_current()), sentence);
    for (size_t i = 0; i < count; i++)
        fprintf(stderr, " %s=%s", pairs[i].key, pairs[i].value);
    fputc('\n', stderr);
}

static void record_list(enum config_log_level level, const char *sentence, va_list arguments)
{
    struct log_pair pairs[PAIRS_MAX];
    size_t count = 0;
    const char *key;
    while (count < PAIRS_MAX && (key = va_arg(arguments, const char *)) != NULL)
        pairs[count++] = (struct log_pair){key, va_arg(arguments, const char *)};
    record(level, sentence, pairs, count);
}

void log_event(enum config_log_level level, const char *sentence, ...)
{
    va_list arguments;
    va_start(arguments, sentence);
    record_list(level, sentence, arguments);
    va_end(arguments);
}

void log_pairs(enum config_log_level level, const char *sentence, const struct log_pair *pairs,
               size_t count)
{
    record(level, sentence, pairs, count);
}

void log_limited(enum log_kind kind, uint64_t now_ms, const char *sentence, ...)
{
    va_list arguments;
    uint64_t *limited_ms = &logs[processes_current()].limited_ms[kind];
    if (*limited_ms != 0 && now_ms - *limited_ms < LOG_REPEAT_MS)
        return;
    *limited_ms = now_ms;
    va_start(arguments, sentence);
    record_list(LOG_LEVEL_WARNING, sentence, arguments);
    va_end(arguments);
}

void log_setup(const char *name, enum config_log_level level, enum config_log_format format,
               enum config_log_target target)
{
    (void)name;
    int process = processes_current();
    logs[process].level = level;
    logs[process].format = format;
    logs[process].target = broken_is("log") ? LOG_TARGET_STDERR : target;
}

bool simulated_log_is(enum config_log_level level, enum config_log_format format,
                      enum config_log_target target)
{
    int process = processes_current();
    return level == logs[process].level && format == logs[process].format &&
           target == logs[process].target;
}

int log_start(void)
{
    return faults_refuse_memory() ? -EAGAIN : 0;
}

void log_close(void)
{
}

/* ---- messages on standard error ---- */

static void print_to_stderr(const char *text)
{
    count_sentence("a message on standard error");
    if (prints)
        fprintf(stderr, "  stderr: %s\n", text);
}

void print_error(const char *why, const char *next, const char *attempt, ...)
{
    (void)next;
    (void)attempt;
    print_to_stderr(why);
}

void print_error_text(const char *text, const char *next)
{
    (void)next;
    print_to_stderr(text);
}

void print_config_error(const char *fault, bool named)
{
    (void)named;
    print_to_stderr(fault);
}

int print_usage_error(const char *why, ...)
{
    print_to_stderr(why);
    return EXIT_USAGE;
}

/* ---- the ready line ---- */

static void call_done(struct mailbox_message *message)
{
    struct stdout_line *line = (struct stdout_line *)message;
    ready = line->error == 0;
    line->done(line->state, line->error);
}

static struct stdout_line *written; /* now; NULL: none */
static int writer;                  /* the process */

static void forget_line(void)
{
    if (written != NULL)
        event_queue_remove(written);
    written = NULL;
}

void simulated_log_process_ended(int process)
{
    if (process == writer)
        forget_line();
    memset(&logs[process], 0, sizeof logs[process]);
}

static void end_writing(void *state)
{
    struct stdout_line *line = state;
    written = NULL;
    line->ended = true;
    mailbox_post(line->mailbox, &line->message);
}

int stdout_line_start(struct stdout_line *line, char *text, struct mailbox *mailbox,
                      stdout_line_done *done, void *state)
{
    if (faults_refuse_memory()) {
        free(text);
        return -EAGAIN;
    }
    *line = (struct stdout_line){.message.handle = call_done,
                                 .mailbox = mailbox,
                                 .text = text,
                                 .done = done,
                                 .state = state,
                                 .error = faults_refuse_output()};
    written = line;
    writer = scheduler_process();
    event_queue_add(draw_range(DRAW_SCHEDULE, 1000, 20000000), end_writing, line);
    return 0;
}

void stdout_line_stop(struct stdout_line *line)
{
    forget_line();
    free(line->text);
    line->text = NULL;
}

/* ---- the last error ---- */

void log_keep_last_error(void)
{
}

const char *log_last_error(char text[LOG_LAST_ERROR_BYTES])
{
    const char *last = logs[processes_current()].last_error;
    strcpy(text, last[0] != '\0' ? last : "it did not say why");
    return text;
}
