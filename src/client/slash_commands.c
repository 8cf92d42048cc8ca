/* What a person may say to udpcli itself. */
#include "client/slash_commands.h"

#include "client/print_message.h"
#include "os/log/error_message.h"
#include "text/text.h"

#include <inttypes.h>
#include <string.h>

static void stats(FILE *out, const struct pending_requests *exchange)
{
    char min[24], mean[24], max[24];
    fprintf(out, "sent %" PRIu64, exchange->sent);
    if (exchange->keepalives)
        fprintf(out, " and %" PRIu64 " keepalives", exchange->keepalives);
    fprintf(out, ", received %" PRIu64, exchange->received);
    if (exchange->broadcasts)
        fprintf(out, " (%" PRIu64 " unasked)", exchange->broadcasts);
    fprintf(out, ", lost %" PRIu64, pending_requests_lost(exchange));
    if (exchange->count)
        fprintf(out, ", waiting for %" PRIu32, exchange->count);
    if (exchange->timed)
        fprintf(out, "\nround trip min %s, mean %s, max %s", print_time(exchange->rtt_min_ns, min),
                print_time(exchange->rtt_sum_ns / exchange->timed, mean),
                print_time(exchange->rtt_max_ns, max));
    fputs("\n", out);
}

enum command { HELP, STATS, QUIT, COMMANDS };

static const struct {
    const char *name, *help;
} TABLE[COMMANDS] = {
    [HELP] = {"/help", "this list"},
    [STATS] = {"/stats", "what was sent, received, lost; round trips"},
    [QUIT] = {"/quit", "end behind the last replies, as exit and Ctrl-D do"},
};

static void help(FILE *out)
{
    for (int i = 0; i < COMMANDS; i++)
        fprintf(out, "%-8s %s\n", TABLE[i].name, TABLE[i].help);
    fputs("//...    send a line that begins with a slash\n"
          "<        a reply\n"
          "*        a broadcast\n"
          "?        either: nothing was due, but a reply was given up\n",
          out);
}

static int find(const char *name, size_t size)
{
    for (int i = 0; i < COMMANDS; i++)
        if (strlen(TABLE[i].name) == size && memcmp(TABLE[i].name, name, size) == 0)
            return i;
    return COMMANDS;
}

static void refuse(const char *line, size_t size)
{
    char shown[64];
    text_escape(shown, sizeof shown, line, size);
    print_error("no such command, and nothing was sent",
                "see /help, or send a line that begins with a slash by doubling it", "obeying %s",
                shown);
}

enum slash_command_result slash_command_run(char **line, size_t *size,
                                            const struct pending_requests *exchange, FILE *out)
{
    if (*size == 0 || **line != '/')
        return SLASH_COMMAND_NONE;
    if (*size > 1 && (*line)[1] == '/') {
        ++*line;
        --*size;
        return SLASH_COMMAND_NONE;
    }
    size_t length = *size;
    while (length && (*line)[length - 1] == ' ')
        length--;
    switch (find(*line, length)) {
    case HELP:
        help(out);
        return SLASH_COMMAND_DONE;
    case STATS:
        stats(out, exchange);
        return SLASH_COMMAND_DONE;
    case QUIT:
        return SLASH_COMMAND_QUIT;
    default:
        refuse(*line, length);
        return SLASH_COMMAND_DONE;
    }
}

size_t slash_command_complete(const char *word, size_t size, const char **words, size_t room)
{
    size_t count = 0;
    for (int i = 0; size && i < COMMANDS && count < room; i++)
        if (strncmp(TABLE[i].name, word, size) == 0)
            words[count++] = TABLE[i].name;
    return count;
}
