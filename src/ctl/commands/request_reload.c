#include "ctl/commands/request_reload.h"

#include "ctl/commands/command_result.h"
#include "ctl/connection/blocking_request.h"
#include "ctl/output/json.h"
#include "ctl/output/output_error.h"
#include "os/log/error_message.h"
#include "text/printable.h"

#include <stdlib.h>
#include <string.h>

/* The answer to `reload`. The values of its lines `restart` or `problem` go to out: one per line as
 * text, separated by commas as JSON. */
struct reload_answer {
    bool json;
    FILE *out;
    size_t count;
    bool has_file;                /* the answer has a line `file`: the file that was read, */
    char file[ANSWER_LINE_BYTES]; /* "" if there is none */
};

static const char *add_line(void *state, const char *key, char *value)
{
    struct reload_answer *answer = state;
    if (strcmp(key, "file") == 0) {
        answer->has_file = true;
        snprintf(answer->file, sizeof answer->file, "%s", value);
    }
    if (strcmp(key, "restart") != 0 && strcmp(key, "problem") != 0)
        return NULL;
    if (answer->json) {
        fputs(answer->count > 0 ? "," : "", answer->out);
        json_string(answer->out, value);
    } else {
        char shown[2 * ANSWER_LINE_BYTES];
        printable_line(shown, sizeof shown, value);
        fprintf(answer->out, "%s%s\n", shown, *key == 'r' ? " needs a restart" : "");
    }
    answer->count++;
    return NULL;
}

/* The lines of text have the form of compiler messages: FILE:LINE:COLUMN: TEXT. */
static void show_problems(const char *error, const char *text)
{
    fflush(stdout);
    print_error_text(error, NULL);
    fputs(text, stderr);
}

static void print_reload_json(bool applied, const struct reload_answer *answer, const char *text,
                              const char *error)
{
    printf("{\"applied\":%s,\"%s\":[%s", applied ? "true" : "false",
           applied ? "restart" : "problems", text);
    if (!applied && answer->count == 0)
        json_string(stdout, error); /* only the first line has the reason */
    putchar(']');
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
                        const struct reload_answer *answer, const char *text, const char *error)
{
    bool no_file = answer->has_file && answer->file[0] == '\0';
    if (options->json)
        print_reload_json(applied, answer, text, error);
    else if (applied)
        printf("applied%s\n%s",
               no_file ? "; there is no configuration file (udpsrv -c FILE): the built-in defaults "
                         "and the command line are in effect"
                       : "",
               text);
    else
        show_problems(error, text);
    return applied ? STATUS_DONE : STATUS_FAILED;
}

int command_reload(const struct ctl_options *options)
{
    char error[ANSWER_ERROR_BYTES], *text = NULL;
    size_t size;
    struct reload_answer answer = {.json = options->json, .out = open_memstream(&text, &size)};
    if (!answer.out)
        return output_error(options->json, "cannot reload: not enough memory; free some");
    enum answer_result result =
        blocking_request(&options->server, "reload", add_line, &answer, error);
    int status;
    if (fclose(answer.out) != 0)
        status =
            output_error(options->json, "cannot show the answer: not enough memory; free some");
    else if (result == ANSWER_OK || result == ANSWER_REFUSED)
        status = print_result(options, result == ANSWER_OK, &answer, text, error);
    else
        status = command_result_report(options, result, error);
    free(text);
    return status;
}
