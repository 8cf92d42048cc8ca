#include "ctl/interactive/tab_completion.h"

#include "address/device_name.h"
#include "ctl/commands/command_dispatch.h"
#include "ctl/connection/blocking_request.h"
#include "ctl/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SERVER_TIMEOUT_MS = 500 }; /* short, because the user waits */

struct tab_completion_word {
    char *text;
    struct client_name name; /* only of a client: the sort key */
};

/* Makes sure that one more word fits. */
static bool grow(struct tab_completion *completion)
{
    if (completion->count < completion->capacity)
        return true;
    size_t capacity = completion->capacity > 0 ? 2 * completion->capacity : 32;
    struct tab_completion_word *list = reallocarray(completion->list, capacity, sizeof *list);
    if (list)
        completion->list = list;
    const char **words = list ? reallocarray(completion->words, capacity, sizeof *words) : NULL;
    if (!words)
        return false;
    completion->words = words;
    completion->capacity = capacity;
    return true;
}

/* Offers a copy of a word with dashes, or an at sign, before it, if it begins with the prefix.
 * Returns false if the list is full or memory is short. */
static bool offer(struct tab_completion *completion, const char *dashes, const char *word)
{
    size_t length = (size_t)(completion->end - completion->start);
    struct tab_completion_word new_word = {0};
    if (asprintf(&new_word.text, "%s%s", dashes, word) < 0)
        return false;
    if (strncmp(new_word.text, completion->start, length) != 0) {
        free(new_word.text);
        return true;
    }
    if (completion->count == TAB_COMPLETION_WORDS_MAX || !grow(completion)) {
        free(new_word.text);
        return false;
    }
    completion->list[completion->count++] = new_word;
    return true;
}

static const char NAMES[] = "[@NAME]"; /* in a table: the names of clients */

/* Offers the words of an argument like "idle|address". */
static void offer_choice(struct tab_completion *completion, const char *choice)
{
    for (;;) {
        char word[32];
        size_t length = strcspn(choice, "|");
        snprintf(word, sizeof word, "%.*s", (int)length, choice);
        if (strcmp(word, NAMES) != 0)
            offer(completion, "", word);
        if (choice[length] == '\0')
            break;
        choice += length + 1;
    }
}

static void offer_commands(struct tab_completion *completion)
{
    const struct option_command *command;
    for (size_t i = 0; (command = command_dispatch_get(i)); i++)
        offer(completion, "", command->name);
    offer(completion, "", "quit");
}

static void offer_options(struct tab_completion *completion, const struct option_command *command)
{
    size_t count;
    const struct option_row *rows = ctl_options_rows(&count);
    uint32_t offered = ~(uint32_t)CTL_COMMAND_OPTIONS | (command ? command->rows : 0);
    for (size_t i = 0; i < count; i++)
        if (offered & UINT32_C(1) << i)
            offer(completion, "--", rows[i].name);
}

/* Writes a name as a word of the line: as it is, or if it has a blank or a backslash, in the form
 * of address/device_name for these. What interactive/line_words takes away is doubled. */
static void quote_name(const struct device_name *name, char *out)
{
    bool is_escaped = memchr(name->bytes, ' ', name->size) != NULL ||
                      memchr(name->bytes, '\\', name->size) != NULL;
    for (const uint8_t *at = name->bytes; at < name->bytes + name->size; at++) {
        if (*at == ' ') {
            out = stpcpy(out, "\\\\x20");
            continue;
        }
        if (*at == '\\' && is_escaped)
            out = stpcpy(out, "\\\\");
        if (strchr("\\'\"", *at) != NULL)
            *out++ = '\\';
        *out++ = (char)*at;
    }
    *out = '\0';
}

/* Offers the name of a client, which is in the sixth column, if it has one. Clients of streams have
 * none, and the second column of those of Unix sockets is a path, which may have blanks. */
static bool offer_name(struct tab_completion *completion, const char *value)
{
    enum { ROOM = 5 * DEVICE_NAME_BYTES_MAX + 1 /* a blank takes five bytes */ };
    struct device_name name;
    char quoted[ROOM];
    if (strncmp(value, "unix:", 5) == 0)
        return true;
    for (int column = 1; column < 6 && value != NULL; column++)
        if ((value = strchr(value, ' ')) != NULL)
            value++;
    if (value == NULL || device_name_parse(&name, value) != NULL)
        return true;
    quote_name(&name, quoted);
    return offer(completion, "@", quoted);
}

static const char *on_name(void *state, const char *key, char *value)
{
    return strcmp(key, "client") != 0 || offer_name(state, value) ? NULL : "there are too many";
}

/* Offers the name of a publish stream, which is in the first column. */
static const char *on_stream(void *state, const char *key, char *value)
{
    enum { ROOM = 5 * DEVICE_NAME_BYTES_MAX + 1 };
    struct device_name name;
    char quoted[ROOM];
    value[strcspn(value, " ")] = '\0';
    if (strcmp(key, "stream") != 0 || device_name_parse(&name, value) != NULL)
        return NULL;
    quote_name(&name, quoted);
    return offer(state, "", quoted) ? NULL : "there are too many";
}

static const char *on_line(void *state, const char *key, char *value)
{
    if (strcmp(key, "client") == 0 && !offer_name(state, value))
        return "there are too many";
    value[strcspn(value, " ")] = '\0';
    bool wanted = strcmp(key, "client") == 0 || strcmp(key, "job") == 0;
    return !wanted || offer(state, "", value) ? NULL : "there are too many";
}

/* Offers the listener of a client, which is in the second column. */
static const char *on_listener(void *state, const char *key, char *value)
{
    struct tab_completion *completion = state;
    value = strchr(value, ' ');
    if (strcmp(key, "client") != 0 || value == NULL)
        return NULL;
    value++;
    value[strcspn(value, " ")] = '\0';
    for (size_t i = 0; i < completion->count; i++)
        if (strcmp(completion->list[i].text, value) == 0)
            return NULL;
    return offer(completion, "", value) ? NULL : "there are too many";
}

/* Offers what the server lists. The words are partial if not all of them arrive in time. */
static void offer_list(struct tab_completion *completion, const char *command,
                       answer_line_handler *on_each)
{
    struct control_server server = *completion->server;
    char error[ANSWER_ERROR_BYTES];
    server.timeout_ms = SERVER_TIMEOUT_MS;
    server.timeout_is_total = true;
    server.fallback_path = NULL;
    completion->choices->partial =
        blocking_request(&server, command, on_each, completion, error) != ANSWER_OK;
}

static int compare_clients(const void *a, const void *b)
{
    const struct tab_completion_word *left = a, *right = b;
    int order = client_name_compare(&left->name, &right->name);
    return order != 0 ? order : strcmp(left->text, right->text);
}

/* A client that is registered with several listeners is offered once. */
static void offer_clients(struct tab_completion *completion)
{
    offer_list(completion, "clients", on_line);
    struct tab_completion_word *list = completion->list;
    size_t count = 0;
    for (size_t i = 0; i < completion->count; i++)
        client_name_parse(&list[i].name, NULL, list[i].text);
    if (completion->count > 1)
        qsort(list, completion->count, sizeof *list, compare_clients);
    for (size_t i = 0; i < completion->count; i++) {
        if (count > 0 && strcmp(list[count - 1].text, list[i].text) == 0)
            free(list[i].text);
        else
            list[count++] = list[i];
    }
    completion->count = count;
}

/* ---- The line ---- */

/* The words before the one that is completed. */
struct line_context {
    const struct option_command *command; /* NULL: none, or an unknown one */
    const struct option_row *option;      /* the word is the argument of this option; NULL: none */
    size_t operands;                      /* including the command */
};

static const struct option_command *find_command(const char *word, size_t length)
{
    const struct option_command *command;
    for (size_t i = 0; (command = command_dispatch_get(i)); i++)
        if (strlen(command->name) == length && strncmp(command->name, word, length) == 0)
            return command;
    return NULL;
}

/* Returns the option that the word names if it takes an argument; NULL otherwise. */
static const struct option_row *find_option_with_argument(const char *word, size_t length)
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

/* Whether the word may be the name of a client, and not its address. */
static bool takes_name(const struct line_context *context)
{
    const char *arguments = context->command->arguments;
    return strstr(arguments, NAMES) != NULL &&
           (context->operands == 1 || strchr(arguments, '|') != NULL);
}

/* Parses the words before the last one; *word points to the last one. */
static struct line_context parse_line(const char *line, const char **word)
{
    struct line_context context = {0};
    for (;;) {
        line += strspn(line, " \t");
        size_t length = strcspn(line, " \t");
        *word = line;
        if (line[length] == '\0')
            return context;
        if (context.option) {
            context.option = NULL;
        } else if (*line == '-' && length > 1) {
            context.option = find_option_with_argument(line, length);
        } else {
            if (context.operands++ == 0)
                context.command = find_command(line, length);
        }
        line += length;
    }
}

void tab_completion_complete(struct tab_completion *completion, const char *line, size_t cursor,
                             struct line_editor_choices *choices)
{
    struct line_context context = parse_line(line, &completion->start);
    const char *equals = strchr(completion->start, '=');
    tab_completion_free(completion);
    completion->choices = choices;
    completion->end = line + cursor;
    if (!context.option && equals && strncmp(completion->start, "--", 2) == 0) {
        context.option =
            find_option_with_argument(completion->start, (size_t)(equals - completion->start));
        completion->start = equals + 1;
    }
    if (context.option) {
        if (strchr(context.option->argument, '|'))
            offer_choice(completion, context.option->argument);
        else if (strcmp(context.option->argument, "LISTENER") == 0)
            offer_list(completion, "clients", on_listener);
    } else if (*completion->start == '-') {
        offer_options(completion, context.command);
    } else if (context.operands == 0) {
        offer_commands(completion);
    } else if (context.command && takes_name(&context) && *completion->start == '@') {
        offer_list(completion, "clients", on_name);
    } else if (context.command && strchr(context.command->arguments, '|')) {
        offer_choice(completion, context.command->arguments);
    } else if (context.operands == 1 && context.command) {
        if (strncmp(context.command->arguments, "ADDRESS", strlen("ADDRESS")) == 0)
            offer_clients(completion);
        else if (strcmp(context.command->arguments, "ID") == 0)
            offer_list(completion, "jobs", on_line);
        else if (strcmp(context.command->name, "streams") == 0)
            offer_list(completion, "streams", on_stream);
    }
    for (size_t i = 0; i < completion->count; i++)
        completion->words[i] = completion->list[i].text;
    choices->begin = (size_t)(completion->start - line);
    choices->count = completion->count;
    choices->words = completion->words;
}

void tab_completion_free(struct tab_completion *completion)
{
    for (size_t i = 0; i < completion->count; i++)
        free(completion->list[i].text);
    free(completion->list);
    free(completion->words);
    completion->list = NULL;
    completion->words = NULL;
    completion->count = completion->capacity = 0;
}
