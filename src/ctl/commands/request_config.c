#include "ctl/commands/request_config.h"

#include "config/config_listing.h"
#include "ctl/commands/command_result.h"
#include "ctl/connection/blocking_request.h"
#include "ctl/output/json.h"
#include "ctl/output/output_error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    NAME_BYTES = 64, /* of "section.key"; "broadcast.multicast-interface" is one of the longest */
};

/* An entry of the answer, in memory of its own. */
struct entry {
    struct config_entry entry;
    char section[NAME_BYTES], key[NAME_BYTES];
    char *value; /* collected until the next entry begins */
    size_t size;
};

/* The answer to `config`, which is written to out entry by entry. */
struct config_answer {
    bool json;
    FILE *out;
    bool has_entry, has_last;
    struct entry entry, last; /* that is collected, and that was written before it */
    bool is_list_open;        /* in JSON */
};

/* ---- writing an entry ---- */

static const char NO_MEMORY[] = "not enough memory for it";

static const char *write_text(struct config_answer *answer, const struct config_entry *entry)
{
    char *text = config_entry_text(entry, answer->has_last ? answer->last.section : NULL);
    if (!text)
        return NO_MEMORY;
    fputs(text, answer->out);
    free(text);
    return NULL;
}

static void write_name(struct config_answer *answer, const struct config_entry *entry)
{
    char name[2 * NAME_BYTES];
    snprintf(name, sizeof name, "%s.%s", entry->section, entry->key);
    json_string(answer->out, name);
    fputs(":{", answer->out);
}

/* Members of a key are "value" and "after_restart". */
static void write_json(struct config_answer *answer, const struct config_entry *entry)
{
    const struct config_entry *last = answer->has_last ? &answer->last.entry : NULL;
    bool same_key =
        last && strcmp(last->section, entry->section) == 0 && strcmp(last->key, entry->key) == 0;
    bool is_item = entry->kind == CONFIG_ENTRY_ITEM;
    bool same_list =
        same_key && is_item && answer->is_list_open && last->after_restart == entry->after_restart;
    if (!same_list) {
        fputs(answer->is_list_open ? "]" : "", answer->out);
        fputs(same_key ? "," : last ? "}," : "{", answer->out);
        if (!same_key)
            write_name(answer, entry);
        fputs(entry->after_restart ? "\"after_restart\":" : "\"value\":", answer->out);
    }
    answer->is_list_open = is_item;
    fputs(same_list ? "," : is_item ? "[" : "", answer->out);
    if (entry->kind == CONFIG_ENTRY_UNSET || entry->kind == CONFIG_ENTRY_EMPTY)
        fputs(entry->kind == CONFIG_ENTRY_UNSET ? "null" : "[]", answer->out);
    else
        json_string(answer->out, entry->value);
}

/* Writes the entry that was collected, if there is one. */
static const char *end_entry(struct config_answer *answer)
{
    struct entry *entry = &answer->entry;
    const char *wrong = NULL;
    if (!answer->has_entry)
        return NULL;
    entry->entry.section = entry->section;
    entry->entry.key = entry->key;
    entry->entry.value = entry->value;
    if (answer->json)
        write_json(answer, &entry->entry);
    else
        wrong = write_text(answer, &entry->entry);
    free(entry->value);
    entry->value = NULL;
    entry->size = 0;
    answer->last = *entry;
    answer->last.entry.section = answer->last.section;
    answer->last.entry.key = answer->last.key;
    answer->has_entry = false;
    answer->has_last = true;
    return wrong;
}

/* ---- reading the answer ---- */

static const char *append(struct entry *entry, const char *piece)
{
    size_t size = strlen(piece);
    char *value = realloc(entry->value, entry->size + size + 1);
    if (!value)
        return NO_MEMORY;
    memcpy(value + entry->size, piece, size + 1);
    entry->value = value;
    entry->size += size;
    return NULL;
}

/* Takes "section.key VALUE" apart. */
static const char *begin_entry(struct config_answer *answer, const struct config_entry *kind,
                               char *line)
{
    char *value = line + strcspn(line, " ");
    if (*value != '\0')
        *value++ = '\0';
    const char *dot = strchr(line, '.');
    if (!dot || strlen(line) >= NAME_BYTES)
        return "it does not name a key";
    answer->entry.entry = *kind;
    snprintf(answer->entry.section, NAME_BYTES, "%.*s", (int)(dot - line), line);
    snprintf(answer->entry.key, NAME_BYTES, "%s", dot + 1);
    answer->has_entry = true;
    return append(&answer->entry, value);
}

/* Whether the text may be printed as it is. The server escapes all other bytes. */
static bool is_printable_ascii(const char *text)
{
    while (*text >= ' ' && *text <= '~')
        text++;
    return *text == '\0';
}

static const char *add_line(void *state, const char *key, char *value)
{
    struct config_answer *answer = state;
    struct config_entry kind = {.section = NULL};
    if (!is_printable_ascii(value))
        return "it has bytes that are not ASCII";
    if (strcmp(key, "more") == 0)
        return answer->has_entry ? append(&answer->entry, value) : NULL;
    const char *wrong = end_entry(answer);
    /* A newer server may have lines of other kinds. */
    if (wrong || !config_entry_set_name(&kind, key))
        return wrong;
    return begin_entry(answer, &kind, value);
}

/* ---- the command ---- */

static enum answer_result request(const struct ctl_options *options, struct config_answer *answer,
                                  char error[ANSWER_ERROR_BYTES])
{
    enum answer_result result =
        blocking_request(&options->server, "config", add_line, answer, error);
    const char *wrong = result == ANSWER_OK ? end_entry(answer) : NULL;
    if (result == ANSWER_OK && answer->json)
        fputs(!answer->has_last ? "{}\n" : answer->is_list_open ? "]}}\n" : "}}\n", answer->out);
    free(answer->entry.value);
    if (fclose(answer->out) == 0 && !wrong)
        return result;
    snprintf(error, ANSWER_ERROR_BYTES, "cannot show the answer: %s; free some memory", NO_MEMORY);
    return ANSWER_FAILED;
}

int command_config(const struct ctl_options *options)
{
    char error[ANSWER_ERROR_BYTES], *text = NULL;
    size_t size;
    struct config_answer answer = {.json = options->json, .out = open_memstream(&text, &size)};
    if (!answer.out)
        return output_error(options->json, "cannot ask for the configuration: not enough memory; "
                                           "free some");
    enum answer_result result = request(options, &answer, error);
    if (result == ANSWER_OK)
        fwrite(text, 1, size, stdout);
    free(text);
    return command_result_report(options, result, error);
}
