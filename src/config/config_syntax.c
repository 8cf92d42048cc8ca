#include "config/config_syntax.h"
#include "text/printable.h"

#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static char *skip_blanks(char *text)
{
    while (is_blank(*text))
        text++;
    return text;
}

/* Terminates the text from start to end, without the blanks at its end. Returns its length. */
static size_t terminate(char *start, char *end)
{
    while (end > start && is_blank(end[-1]))
        end--;
    *end = '\0';
    return (size_t)(end - start);
}

static bool is_comment(const char *text)
{
    return *text == '#' || *text == ';';
}

/* The first control character, which a text file does not contain; NULL if there is none. */
static char *find_control(char *line, size_t size)
{
    for (char *c = line; c < line + size; c++) {
        if (((unsigned char)*c < ' ' && *c != '\t') || *c == 0x7f)
            return c;
    }
    return NULL;
}

static const char *read_section(struct config_statement *statement, char *open)
{
    statement->form = CONFIG_SECTION;
    statement->wrong = open;
    char *close = strchr(open, ']');
    if (!close)
        return "']' is missing";

    char *rest = skip_blanks(close + 1);
    statement->name = skip_blanks(open + 1);
    terminate(statement->name, close);
    statement->wrong = rest;
    return *rest && !is_comment(rest) ? "only a comment may follow ']'" : NULL;
}

static const char *read_setting(struct config_statement *statement, char *name)
{
    statement->wrong = name;
    char *equals = strchr(name, '=');
    if (!equals)
        return "neither '[section]' nor 'key = value'";
    if (equals == name)
        return "the key is missing before '='";

    statement->form = CONFIG_SETTING;
    statement->name = name;
    statement->value = equals + 1;
    terminate(name, equals);
    return NULL;
}

const char *config_statement_read(struct config_statement *statement, char *line, size_t size)
{
    *statement = (struct config_statement){.form = CONFIG_EMPTY};
    statement->wrong = find_control(line, size);
    if (statement->wrong)
        return "a control character: this is not a text file";

    char *start = skip_blanks(line);
    if (!*start || is_comment(start))
        return NULL;
    return *start == '[' ? read_section(statement, start) : read_setting(statement, start);
}

/* Decodes a quoted item in place. *rest is what follows its closing quote. */
static const char *read_quoted(struct config_item *item, char **rest)
{
    char *in = item->start + 1, *out = in;
    item->quoted = true;
    item->bytes = out;
    for (; *in != '"'; in++) {
        if (!*in) {
            item->wrong = item->start;
            return "the quote is not closed";
        }
        *out = *in;
        if (*in == '\\') {
            uint8_t byte;
            size_t length = printable_unescape(in + 1, &byte);
            item->wrong = in;
            if (length == 0)
                return "unknown escape sequence: the known ones are \\n \\t \\r \\\\ \\\" and "
                       "\\xNN";
            *out = (char)byte;
            in += length;
        }
        out++;
    }
    item->size = (size_t)(out - item->bytes);
    *rest = skip_blanks(in + 1);
    return NULL;
}

/* The end of an item without quotes. A comment begins only after a blank. */
static char *find_end(char *value, bool list)
{
    char *end = value;
    while (*end && !(list && *end == ',') && !(end > value && is_blank(end[-1]) && is_comment(end)))
        end++;
    return end;
}

const char *config_item_read(struct config_item *item, char *value, bool list)
{
    *item = (struct config_item){.start = skip_blanks(value)};
    char *rest;
    if (*item->start == '"') {
        const char *wrong = read_quoted(item, &rest);
        if (wrong)
            return wrong;
    } else {
        rest = find_end(value, list);
        item->bytes = item->start;
    }

    if (list && *rest == ',') {
        item->next = rest + 1;
    } else if (*rest && !is_comment(rest)) {
        item->wrong = rest;
        return list ? "only ',' or a comment may follow the closing quote"
                    : "only a comment may follow the closing quote";
    }
    if (item->quoted)
        item->bytes[item->size] = '\0';
    else
        item->size = terminate(item->bytes, rest);
    return NULL;
}
