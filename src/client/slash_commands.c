#include "client/slash_commands.h"

#include "client/print_message.h"
#include "os/log/error_message.h"
#include "text/printable.h"

#include <inttypes.h>
#include <string.h>

static void print_stats(FILE *out, const struct pending_requests *requests,
                        const struct server_frames *frames)
{
    char min[24], mean[24], max[24];
    fprintf(out, "sent %" PRIu64, requests->sent);
    if (requests->keepalives)
        fprintf(out, " and %" PRIu64 " keepalives", requests->keepalives);
    fprintf(out, ", received %" PRIu64, requests->received);
    if (requests->broadcasts)
        fprintf(out, " (%" PRIu64 " unsolicited)", requests->broadcasts);
    fprintf(out, ", lost %" PRIu64, pending_requests_lost_count(requests));
    if (requests->count)
        fprintf(out, ", waiting for %" PRIu32, requests->count);
    if (requests->rtt_count)
        fprintf(out, "\nround trip min %s, mean %s, max %s", print_time(requests->rtt_min_ns, min),
                print_time(requests->rtt_sum_ns / requests->rtt_count, mean),
                print_time(requests->rtt_max_ns, max));
    if (frames->confirmed || frames->repeated)
        fprintf(out, "\nconfirmations sent %" PRIu64 ", messages that came again %" PRIu64,
                frames->confirmed, frames->repeated);
    fputs("\n", out);
}

enum slash_command { HELP, STATS, QUIT, COMMANDS };

static const struct {
    const char *name, *help;
} TABLE[COMMANDS] = {
    [HELP] = {"/help", "this list"},
    [STATS] = {"/stats", "messages sent, received and lost; round-trip times"},
    [QUIT] = {"/quit", "end after the last replies, as exit and Ctrl-D do"},
};

static void print_help(FILE *out)
{
    for (int i = 0; i < COMMANDS; i++)
        fprintf(out, "%-8s %s\n", TABLE[i].name, TABLE[i].help);
    fputs("//...    send a line that begins with a slash\n"
          "<        a reply\n"
          "*        a broadcast\n"
          "?        either: no request was waiting, but one had timed out\n",
          out);
}

static int find(const char *name, size_t size)
{
    for (int i = 0; i < COMMANDS; i++)
        if (strlen(TABLE[i].name) == size && memcmp(TABLE[i].name, name, size) == 0)
            return i;
    return COMMANDS;
}

static void print_unknown_command(const char *line, size_t size)
{
    char shown[64];
    printable_ascii(shown, sizeof shown, line, size);
    print_error("no such command, and nothing was sent",
                "see /help, or send a line that begins with a slash by doubling it", "running %s",
                shown);
}

enum slash_command_result slash_command_run(char **line, size_t *size,
                                            const struct pending_requests *requests,
                                            const struct server_frames *frames, FILE *out)
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
        print_help(out);
        return SLASH_COMMAND_DONE;
    case STATS:
        print_stats(out, requests, frames);
        return SLASH_COMMAND_DONE;
    case QUIT:
        return SLASH_COMMAND_QUIT;
    default:
        print_unknown_command(*line, length);
        return SLASH_COMMAND_DONE;
    }
}

size_t slash_command_complete(const char *word, size_t size, const char **words, size_t max)
{
    size_t count = 0;
    for (int i = 0; size && i < COMMANDS && count < max; i++)
        if (strncmp(TABLE[i].name, word, size) == 0)
            words[count++] = TABLE[i].name;
    return count;
}
