#include "text/option_parser.h"
#include "text/nearest_word.h"
#include "text/printable.h"

#include <assert.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* The value that getopt_long returns for the long name of row i is LONG + i, above every character.
 */
enum { LONG = 256 };

/* The rows as getopt_long takes them. */
struct getopt_tables {
    char short_names[2 + 2 * OPTION_PARSER_ROWS_MAX];
    struct option long_names[OPTION_PARSER_ROWS_MAX + 1];
};

static void make_tables(struct getopt_tables *tables, const struct option_parser *options)
{
    char *next = tables->short_names;
    memset(tables, 0, sizeof *tables);
    *next++ = ':'; /* getopt_long then returns ':' for a missing argument, not '?' */
    for (size_t i = 0; i < options->count; i++) {
        const struct option_row *row = &options->rows[i];
        tables->long_names[i] = (struct option){
            .name = row->name,
            .has_arg = row->argument ? required_argument : no_argument,
            .val = LONG + (int)i,
        };
        if (row->short_name) {
            *next++ = row->short_name;
            if (row->argument)
                *next++ = ':';
        }
    }
}

/* Returns the index of the row of a short name or of LONG + index, -1 if there is none. */
static int find_row(const struct option_parser *options, int value)
{
    if (value >= LONG)
        return value - LONG;
    for (size_t i = 0; value != 0 && i < options->count; i++) {
        if (options->rows[i].short_name == value)
            return (int)i;
    }
    return -1;
}

/* Writes the error about an abbreviated long option that matches several. Returns false if it
 * matches only one or none. written is the option without its dashes; shown is the whole option,
 * escaped. */
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
    const char *meant = nearest_word(written, names, options->count);
    snprintf(options->error, sizeof options->error, "unknown option %s%s%s%s", shown,
             meant ? " (did you mean --" : "", meant ? meant : "", meant ? "?)" : "");
}

/* Writes the error after getopt_long returned ':' or '?'. optopt is the option, 0 if it is an
 * unknown long name. */
static int explain(struct option_parser *options, int result)
{
    int row = find_row(options, optopt);
    if (row >= 0) {
        snprintf(options->error, sizeof options->error,
                 result == ':' ? "option --%s needs an argument" : "option --%s takes no argument",
                 options->rows[row].name);
        return OPTION_PARSER_ERROR;
    }

    char shown[64];
    if (optopt != 0) {
        printable_ascii(shown, sizeof shown, &(char){(char)optopt}, 1);
        snprintf(options->error, sizeof options->error, "unknown option -%s", shown);
        return OPTION_PARSER_ERROR;
    }
    const char *written = options->argv[optind - 1];
    printable_ascii(shown, sizeof shown, written, strlen(written));
    if (!explain_ambiguous(options, written + 2, shown))
        explain_unknown(options, written + 2, shown);
    return OPTION_PARSER_ERROR;
}

void option_parser_init(struct option_parser *options, int argc, char **argv,
                        const struct option_row *rows, size_t count)
{
    assert(count <= OPTION_PARSER_ROWS_MAX);
    *options = (struct option_parser){.argc = argc, .argv = argv, .rows = rows, .count = count};
    optind = 0; /* glibc reinitializes its state only for 0, not for 1 */
    opterr = 0;
}

int option_parser_next(struct option_parser *options)
{
    struct getopt_tables tables;
    make_tables(&tables, options);
    int result =
        getopt_long(options->argc, options->argv, tables.short_names, tables.long_names, NULL);
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

/* Writes a row's names and argument, as "-c, --config FILE". Returns the length. */
static int format_names(char *out, size_t room, const struct option_row *row)
{
    char short_name[] = {'-', row->short_name, ',', ' ', '\0'};
    return snprintf(out, room, "%s--%s%s%s", row->short_name ? short_name : "    ", row->name,
                    row->argument ? " " : "", row->argument ? row->argument : "");
}

size_t option_parser_help(char *out, size_t room, const struct option_row *rows, size_t count)
{
    int widest = 0;
    for (size_t i = 0; i < count; i++) {
        int width = format_names(NULL, 0, &rows[i]);
        widest = width > widest ? width : widest;
    }

    size_t length = 0;
    if (room > 0)
        out[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        char names[80];
        format_names(names, sizeof names, &rows[i]);
        int n = snprintf(length < room ? out + length : NULL, length < room ? room - length : 0,
                         "  %-*s  %s\n", widest, names, rows[i].help);
        length += (size_t)n;
    }
    return length;
}
