/* Command lines from a table: read by getopt_long, and printed as help. */
#include "base/option_parser.h"
#include "text/text.h"

#include <assert.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Rows in the form that getopt_long wants. Long options are told apart by LONG + the index, beyond
 * every letter. */
enum { LONG = 256 };

struct forms {
    char letters[2 + 2 * OPTION_PARSER_ROWS_MAX];
    struct option names[OPTION_PARSER_ROWS_MAX + 1];
};

static void make_forms(struct forms *forms, const struct option_parser *options)
{
    char *letter = forms->letters;
    memset(forms, 0, sizeof *forms);
    *letter++ = ':'; /* tell a missing argument from an unknown option */
    for (size_t i = 0; i < options->count; i++) {
        const struct option_row *row = &options->rows[i];
        forms->names[i] = (struct option){
            .name = row->name,
            .has_arg = row->argument ? required_argument : no_argument,
            .val = LONG + (int)i,
        };
        if (row->letter) {
            *letter++ = row->letter;
            if (row->argument)
                *letter++ = ':';
        }
    }
}

/* The index of the row of a letter or of LONG + index, -1 if there is none. */
static int find_row(const struct option_parser *options, int value)
{
    if (value >= LONG)
        return value - LONG;
    for (size_t i = 0; value != 0 && i < options->count; i++) {
        if (options->rows[i].letter == value)
            return (int)i;
    }
    return -1;
}

/* Explains a long option that is the beginning of several; false if it isn't. */
static bool explain_ambiguous(struct option_parser *options, const char *written, const char *shown)
{
    size_t size = strcspn(written, "="), found = 0;
    int length = snprintf(options->error, sizeof options->error, "ambiguous option %s:", shown);
    for (size_t i = 0; i < options->count; i++) {
        if (strncmp(options->rows[i].name, written, size) != 0)
            continue;
        size_t room = sizeof options->error - (size_t)length;
        int more = snprintf(options->error + length, room, "%s --%s", found++ > 0 ? " or" : "",
                            options->rows[i].name);
        length += (size_t)more < room ? more : (int)room - 1;
    }
    return found > 1;
}

static void explain_unknown(struct option_parser *options, const char *written, const char *shown)
{
    const char *names[OPTION_PARSER_ROWS_MAX];
    for (size_t i = 0; i < options->count; i++)
        names[i] = options->rows[i].name;
    const char *meant = text_nearest(written, names, options->count);
    snprintf(options->error, sizeof options->error, "unknown option %s%s%s%s", shown,
             meant ? " (did you mean --" : "", meant ? meant : "", meant ? "?)" : "");
}

/* Explains what getopt_long refused: result is ':' or '?', and optopt the option, 0 if unknown by
 * a long name. */
static int explain(struct option_parser *options, int result)
{
    int row = find_row(options, optopt);
    if (row >= 0) {
        snprintf(options->error, sizeof options->error,
                 result == ':' ? "option --%s needs an argument" : "option --%s takes no argument",
                 options->rows[row].name);
        return OPTION_PARSER_WRONG;
    }

    char shown[64];
    if (optopt != 0) {
        text_escape(shown, sizeof shown, &(char){(char)optopt}, 1);
        snprintf(options->error, sizeof options->error, "unknown option -%s", shown);
        return OPTION_PARSER_WRONG;
    }
    const char *written = options->argv[optind - 1];
    text_escape(shown, sizeof shown, written, strlen(written));
    if (!explain_ambiguous(options, written + 2, shown))
        explain_unknown(options, written + 2, shown);
    return OPTION_PARSER_WRONG;
}

void option_parser_begin(struct option_parser *options, int argc, char **argv,
                         const struct option_row *rows, size_t count)
{
    assert(count <= OPTION_PARSER_ROWS_MAX);
    *options = (struct option_parser){.argc = argc, .argv = argv, .rows = rows, .count = count};
    optind = 0; /* the GNU way to start anew, which 1 is not */
    opterr = 0;
}

int option_parser_next(struct option_parser *options)
{
    struct forms forms;
    make_forms(&forms, options);
    int result = getopt_long(options->argc, options->argv, forms.letters, forms.names, NULL);
    options->value = optarg;
    if (result == -1)
        return OPTION_PARSER_END;
    if (result == ':' || result == '?')
        return explain(options, result);
    return find_row(options, result);
}

char **option_parser_operands(const struct option_parser *options, int *count)
{
    *count = options->argc - optind;
    return options->argv + optind;
}

/* A row's forms, as "-c, --config FILE", in room for the longest; returns the length. */
static int format_forms(char *out, size_t room, const struct option_row *row)
{
    char letter[] = {'-', row->letter, ',', ' ', '\0'};
    return snprintf(out, room, "%s--%s%s%s", row->letter ? letter : "    ", row->name,
                    row->argument ? " " : "", row->argument ? row->argument : "");
}

size_t option_parser_help(char *out, size_t room, const struct option_row *rows, size_t count)
{
    int widest = 0;
    for (size_t i = 0; i < count; i++) {
        int width = format_forms(NULL, 0, &rows[i]);
        widest = width > widest ? width : widest;
    }

    size_t length = 0;
    if (room > 0)
        out[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        char forms[80];
        format_forms(forms, sizeof forms, &rows[i]);
        int n = snprintf(length < room ? out + length : NULL, length < room ? room - length : 0,
                         "  %-*s  %s\n", widest, forms, rows[i].help);
        length += (size_t)n;
    }
    return length;
}
