/* Completion of a line for udpctl, from the tables that it is read by. */
#include "ctl/tab_completion.h"

#include "ctl/command.h"
#include "ctl/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATIENCE_MS = 500 }; /* somebody waits with a finger on the key */

struct tab_completion_word {
    char *text;
    struct client_name name; /* of a client */
};

/* Makes room for one more word. */
static bool grow(struct tab_completion *complete)
{
    if (complete->count < complete->room)
        return true;
    size_t room = complete->room > 0 ? 2 * complete->room : 32;
    struct tab_completion_word *list = reallocarray(complete->list, room, sizeof *list);
    if (list)
        complete->list = list;
    const char **words = list ? reallocarray(complete->words, room, sizeof *words) : NULL;
    if (!words)
        return false;
    complete->words = words;
    complete->room = room;
    return true;
}

/* Offers a word, which may be in a text that doesn't last, if it begins with what was typed. False:
 * there is no room for more. */
static bool offer(struct tab_completion *complete, const char *dashes, const char *word)
{
    size_t length = (size_t)(complete->end - complete->start);
    struct tab_completion_word made = {0};
    if (asprintf(&made.text, "%s%s", dashes, word) < 0)
        return false;
    if (strncmp(made.text, complete->start, length) != 0) {
        free(made.text);
        return true;
    }
    if (complete->count == TAB_COMPLETION_WORDS_MAX || !grow(complete)) {
        free(made.text);
        return false;
    }
    complete->list[complete->count++] = made;
    return true;
}

/* The words of a choice, which have a '|' between. */
static void offer_choice(struct tab_completion *complete, const char *choice)
{
    for (;;) {
        char word[32];
        size_t length = strcspn(choice, "|");
        snprintf(word, sizeof word, "%.*s", (int)length, choice);
        offer(complete, "", word);
        if (choice[length] == '\0')
            break;
        choice += length + 1;
    }
}

static void offer_commands(struct tab_completion *complete)
{
    const struct option_command *command;
    for (size_t i = 0; (command = command_form(i)); i++)
        offer(complete, "", command->name);
    offer(complete, "", "quit");
}

static void offer_options(struct tab_completion *complete, const struct option_command *command)
{
    size_t count;
    const struct option_row *rows = ctl_options_rows(&count);
    uint32_t offered = ~(uint32_t)CTL_OWN | (command ? command->rows : 0);
    for (size_t i = 0; i < count; i++)
        if (offered & UINT32_C(1) << i)
            offer(complete, "--", rows[i].name);
}

static const char *take_listed(void *state, const char *key, char *value)
{
    value[strcspn(value, " ")] = '\0';
    bool wanted = strcmp(key, "client") == 0 || strcmp(key, "job") == 0;
    return !wanted || offer(state, "", value) ? NULL : "there are too many";
}

/* What the server has, partial if it doesn't say all of it in time. */
static void offer_listed(struct tab_completion *complete, const char *command)
{
    struct answer_server server = *complete->server;
    char error[ANSWER_ERROR_BYTES];
    server.timeout_ms = PATIENCE_MS;
    server.bounded = true;
    server.elsewhere = NULL;
    complete->choices->partial =
        answer_ask(&server, command, take_listed, complete, error) != ANSWER_OK;
}

static int compare_clients(const void *a, const void *b)
{
    const struct tab_completion_word *left = a, *right = b;
    int order = client_name_compare(&left->name, &right->name);
    return order != 0 ? order : strcmp(left->text, right->text);
}

/* A client may be known by several listeners. */
static void offer_clients(struct tab_completion *complete)
{
    offer_listed(complete, "clients");
    struct tab_completion_word *list = complete->list;
    size_t kept = 0;
    for (size_t i = 0; i < complete->count; i++)
        client_name_parse(&list[i].name, NULL, list[i].text);
    if (complete->count > 1)
        qsort(list, complete->count, sizeof *list, compare_clients);
    for (size_t i = 0; i < complete->count; i++) {
        if (kept > 0 && strcmp(list[kept - 1].text, list[i].text) == 0)
            free(list[i].text);
        else
            list[kept++] = list[i];
    }
    complete->count = kept;
}

/* ---- The line ---- */

/* What stands before the word that is completed. */
struct before {
    const struct option_command *command; /* NULL: none, or none that is known */
    const struct option_row *taker;       /* the option whose argument the word is */
    size_t operands;                      /* the command among them */
};

static const struct option_command *find_command(const char *word, size_t length)
{
    const struct option_command *command;
    for (size_t i = 0; (command = command_form(i)); i++)
        if (strlen(command->name) == length && strncmp(command->name, word, length) == 0)
            return command;
    return NULL;
}

/* The option of a word that begins with a dash, if it takes an argument that isn't within it. */
static const struct option_row *find_taker(const char *word, size_t length)
{
    size_t count;
    const struct option_row *rows = ctl_options_rows(&count);
    for (size_t i = 0; i < count; i++) {
        bool is_long = length > 2 && strlen(rows[i].name) == length - 2 &&
                       strncmp(word, "--", 2) == 0 &&
                       strncmp(rows[i].name, word + 2, length - 2) == 0;
        bool is_short = length == 2 && word[1] == rows[i].short_name;
        if (rows[i].argument && (is_long || is_short))
            return &rows[i];
    }
    return NULL;
}

/* Walks over the words before the last; *word is where that begins. */
static struct before walk(const char *line, const char **word)
{
    struct before before = {0};
    for (;;) {
        line += strspn(line, " \t");
        size_t length = strcspn(line, " \t");
        *word = line;
        if (line[length] == '\0')
            return before;
        if (before.taker) {
            before.taker = NULL;
        } else if (*line == '-' && length > 1) {
            before.taker = find_taker(line, length);
        } else {
            if (before.operands++ == 0)
                before.command = find_command(line, length);
        }
        line += length;
    }
}

void tab_completion_line(struct tab_completion *complete, const char *line, size_t cursor,
                         struct line_editor_choices *choices)
{
    struct before before = walk(line, &complete->start);
    const char *equals = strchr(complete->start, '=');
    tab_completion_free(complete);
    complete->choices = choices;
    complete->end = line + cursor;
    if (!before.taker && equals && strncmp(complete->start, "--", 2) == 0) {
        before.taker = find_taker(complete->start, (size_t)(equals - complete->start));
        complete->start = equals + 1;
    }
    if (before.taker) {
        if (strchr(before.taker->argument, '|'))
            offer_choice(complete, before.taker->argument);
    } else if (*complete->start == '-') {
        offer_options(complete, before.command);
    } else if (before.operands == 0) {
        offer_commands(complete);
    } else if (before.operands == 1 && before.command) {
        if (strcmp(before.command->arguments, "ADDRESS") == 0)
            offer_clients(complete);
        else if (strcmp(before.command->arguments, "ID") == 0)
            offer_listed(complete, "jobs");
    }
    for (size_t i = 0; i < complete->count; i++)
        complete->words[i] = complete->list[i].text;
    choices->begin = (size_t)(complete->start - line);
    choices->count = complete->count;
    choices->words = complete->words;
}

void tab_completion_free(struct tab_completion *complete)
{
    for (size_t i = 0; i < complete->count; i++)
        free(complete->list[i].text);
    free(complete->list);
    free(complete->words);
    complete->list = NULL;
    complete->words = NULL;
    complete->count = complete->room = 0;
}
