#ifndef UNIT_CONFIG_MACHINE_FIXTURE_H
#define UNIT_CONFIG_MACHINE_FIXTURE_H

#include "config/config_machine.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A machine that is fed with text, and what it says of that. begin and end go around each test. */
static struct config_machine *machine;

static inline void begin(void)
{
    machine = config_machine_new();
}

static inline void end(void)
{
    config_machine_free(machine);
}

/* Feeds the lines of text to the file at hand. */
static inline void feed(const char *text)
{
    while (*text) {
        size_t length = strcspn(text, "\n");
        cr_assert_neq(config_line(machine, text, length), CONFIG_NO_MEMORY);
        text += length + (text[length] == '\n');
    }
}

static inline void feed_file(const char *name, const char *text)
{
    cr_assert(config_file_begin(machine, name));
    feed(text);
    config_file_end(machine);
}

/* All complaints, a line each; the caller frees. */
static inline char *complaints(void)
{
    size_t count, dropped, size;
    char *text;
    FILE *stream = open_memstream(&text, &size);
    const struct config_diagnosis *diagnosis = config_diagnoses(machine, &count, &dropped);
    for (; count > 0; count--, diagnosis++)
        fprintf(stream, "%s:%u:%u: %s\n", diagnosis->file, diagnosis->line, diagnosis->column,
                diagnosis->text);
    if (dropped > 0)
        fprintf(stream, "%zu more\n", dropped);
    fclose(stream);
    return text;
}

static inline void expect_refused(const char *expected)
{
    cr_expect_null(config_finish(machine));
    char *text = complaints();
    cr_expect_str_eq(text, expected);
    free(text);
}

/* A whole configuration in the file f, and all that is said of it. */
static inline void expect_bad(const char *text, const char *expected)
{
    feed_file("f", text);
    expect_refused(expected);
}

static inline struct config *finish(void)
{
    struct config *config = config_finish(machine);
    if (!config) {
        char *text = complaints();
        cr_assert_fail("%s", text);
    }
    return config;
}

static inline void expect_messages(const struct config *config, const char *const *messages,
                                   size_t count)
{
    cr_assert_eq(config->reply.message_count, count);
    for (size_t i = 0; i < count; i++) {
        cr_expect_eq(config->reply.messages[i].size, strlen(messages[i]));
        cr_expect_arr_eq(config->reply.messages[i].bytes, messages[i], strlen(messages[i]));
    }
}
#define EXPECT_MESSAGES(config, ...)                       \
    expect_messages(config, (const char *[]){__VA_ARGS__}, \
                    sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *))

#endif
