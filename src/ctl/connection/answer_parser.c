#include "ctl/connection/answer_parser.h"

#include "text/printable.h"

#include <errno.h>
#include <string.h>

enum { SHOWN_BYTES = 80 }; /* of an invalid line, in an error message */

static enum answer_result invalid_line(char error[ANSWER_ERROR_BYTES], const char *line,
                                       const char *why)
{
    char shown[SHOWN_BYTES];
    printable_ascii(shown, sizeof shown, line, strlen(line));
    snprintf(error, ANSWER_ERROR_BYTES,
             "cannot read the answer '%s': %s; check that it is the socket of udpsrv", shown, why);
    return ANSWER_FAILED;
}

/* fgets has returned NULL. */
static enum answer_result read_failed(FILE *in, char error[ANSWER_ERROR_BYTES])
{
    /* At the end of the file errno may be left over from a read that had to wait. */
    bool failed = ferror(in) != 0;
    if (failed && errno == EAGAIN)
        snprintf(
            error, ANSWER_ERROR_BYTES,
            "cannot wait longer for the answer: the timeout has expired; set a longer one with -t");
    else if (failed && errno != ECONNRESET)
        snprintf(error, ANSWER_ERROR_BYTES, "cannot read the answer: %s; try again",
                 strerror(errno));
    else
        snprintf(error, ANSWER_ERROR_BYTES,
                 "cannot read the answer: the server closed the connection before its end; "
                 "check whether it has stopped");
    return ANSWER_FAILED;
}

/* Reads one line without its newline. */
static enum answer_result read_line(FILE *in, char line[ANSWER_LINE_BYTES],
                                    char error[ANSWER_ERROR_BYTES])
{
    errno = 0;
    if (!fgets(line, ANSWER_LINE_BYTES, in))
        return read_failed(in, error);
    size_t size = strcspn(line, "\n");
    if (line[size] != '\n')
        return invalid_line(error, line, "a line without a newline");
    if (size > 0 && line[size - 1] == '\r')
        size--;
    line[size] = '\0';
    return ANSWER_OK;
}

/* udpsrv escapes the text of others. Another program on the socket may not, and its answer must not
 * control the terminal. */
static void replace_control_characters(char *line)
{
    for (; *line != '\0'; line++)
        if ((unsigned char)*line < ' ' || *line == 0x7f)
            *line = '?';
}

static enum answer_result parse_first_line(struct answer_parser *answer, char *line,
                                           char error[ANSWER_ERROR_BYTES])
{
    answer->begun = true;
    answer->refused = strncmp(line, "error ", 6) == 0;
    if (answer->refused) {
        replace_control_characters(line);
        snprintf(error, ANSWER_ERROR_BYTES, "%s", line + 6);
    } else if (strcmp(line, "ok") != 0) {
        return invalid_line(error, line, "neither 'ok' nor 'error'");
    }
    return ANSWER_INCOMPLETE;
}

enum answer_result answer_parser_add_line(struct answer_parser *answer, char *line,
                                          answer_line_handler *handler, void *state,
                                          char error[ANSWER_ERROR_BYTES])
{
    if (!answer->begun)
        return parse_first_line(answer, line, error);
    if (strcmp(line, ".") == 0)
        return answer->refused ? ANSWER_REFUSED : ANSWER_OK;
    replace_control_characters(line);
    char *value = line + strcspn(line, " ");
    if (*value != '\0')
        *value++ = '\0';
    const char *wrong = handler(state, line, value);
    return wrong ? invalid_line(error, line, wrong) : ANSWER_INCOMPLETE;
}

enum answer_result answer_parser_read(FILE *in, answer_line_handler *handler, void *state,
                                      char error[ANSWER_ERROR_BYTES])
{
    char line[ANSWER_LINE_BYTES], read_error[ANSWER_ERROR_BYTES];
    struct answer_parser answer = {0};
    for (;;) {
        enum answer_result result = read_line(in, line, read_error);
        if (result != ANSWER_OK) {
            /* The reason of a refusal explains more than the missing end of the answer. */
            if (answer.refused)
                return ANSWER_REFUSED;
            memcpy(error, read_error, sizeof read_error);
            return result;
        }
        result = answer_parser_add_line(&answer, line, handler, state, error);
        if (result != ANSWER_INCOMPLETE)
            return result;
    }
}
