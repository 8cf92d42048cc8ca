#include "ctl/commands/request_reload.h"

#include "ctl/commands/command_result.h"
#include "ctl/connection/blocking_request.h"
#include "ctl/output/json.h"
#include "ctl/output/output_error.h"
#include "os/log/error_message.h"
#include "text/printable.h"

#include <stdlib.h>
#include <string.h>

/* The values of some lines: one per line as text, separated by commas as JSON. */
struct values {
    FILE *out;
    char *text;
    size_t size, count;
};

/* The answer to `reload`. */
struct reload_answer {
    bool json;
    struct values lines;          /* of its lines `restart` or `problem` */
    struct values upgrade;        /* of its lines `upgrade` */
    bool has_file;                /* the answer has a line `file`: the file that was read, */
    char file[ANSWER_LINE_BYTES]; /* "" if there is none */
};

static void add_value(const struct reload_answer *answer, struct values *values, char *value,
                      const char *need)
{
    if (answer->json) {
        fputs(values->count > 0 ? "," : "", values->out);
        json_string(values->out, value);
    } else {
        char shown[2 * ANSWER_LINE_BYTES];
        printable_line(shown, sizeof shown, value);
        fprintf(values->out, "%s%s\n", shown, need);
    }
    values->count++;
}

static const char *add_line(void *state, const char *key, char *value)
{
    struct reload_answer *answer = state;
    if (strcmp(key, "file") == 0) {
        answer->has_file = true;
        snprintf(answer->file, sizeof answer->file, "%s", value);
    }
    if (strcmp(key, "restart") == 0)
        add_value(answer, &answer->lines, value, " needs a restart");
    else if (strcmp(key, "problem") == 0)
        add_value(answer, &answer->lines, value, "");
    else if (strcmp(key, "upgrade") == 0)
        add_value(answer, &answer->upgrade, value, " needs an upgrade");
    return NULL;
}

/* The lines of text have the form of compiler messages: FILE:LINE:COLUMN: TEXT. */
static void show_problems(const char *error, const char *text)
{
    fflush(stdout);
    print_error_text(error, NULL);
    fputs(text, stderr);
}

static void print_reload_json(bool applied, const struct reload_answer *answer, const char *error)
{
    printf("{\"applied\":%s,\"%s\":[%s", applied ? "true" : "false",
           applied ? "restart" : "problems", answer->lines.text);
    if (!applied && answer->lines.count == 0)
        json_string(stdout, error); /* only the first line has the reason */
    putchar(']');
    if (applied)
        printf(",\"upgrade\":[%s]", answer->upgrade.text);
    if (answer->has_file) {
        fputs(",\"file\":", stdout);
        if (answer->file[0] != '\0')
            json_string(stdout, answer->file);
        else
            fputs("null", stdout);
    }
    puts("}");
}

/* Prints the result of a reload that the server has answered. */
static int print_result(const struct ctl_options *options, bool applied,
                        const struct reload_answer *answer, const char *error)
{
    bool no_file = answer->has_file && answer->file[0] == '\0';
    if (options->json)
        print_reload_json(applied, answer, error);
    else if (applied)
        printf("applied%s\n%s%s",
               no_file ? "; there is no configuration file (udpsrv -c FILE): the built-in defaults "
                         "and the command line are in effect"
                       : "",
               answer->lines.text, answer->upgrade.text);
    else
        show_problems(error, answer->lines.text);
    return applied ? STATUS_DONE : STATUS_FAILED;
}

static bool values_open(struct values *values)
{
    values->out = open_memstream(&values->text, &values->size);
    return values->out != NULL;
}

/* Returns whether all of the text was kept. */
static bool values_end(struct values *values)
{
    return values->out != NULL && fclose(values->out) == 0;
}

int command_reload(const struct ctl_options *options)
{
    char error[ANSWER_ERROR_BYTES];
    struct reload_answer answer = {.json = options->json};
    enum answer_result result = ANSWER_OK;
    bool is_open = values_open(&answer.lines) && values_open(&answer.upgrade);
    if (is_open)
        result = blocking_request(&options->server, "reload", add_line, &answer, error);
    bool is_kept = values_end(&answer.lines);
    is_kept = values_end(&answer.upgrade) && is_kept;
    int status;
    if (!is_open)
        status = output_error(options->json, "cannot reload: not enough memory; free some");
    else if (!is_kept)
        status =
            output_error(options->json, "cannot show the answer: not enough memory; free some");
    else if (result == ANSWER_OK || result == ANSWER_REFUSED)
        status = print_result(options, result == ANSWER_OK, &answer, error);
    else
        status = command_result_report(options, result, error);
    free(answer.lines.text);
    free(answer.upgrade.text);
    return status;
}
