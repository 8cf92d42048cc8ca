#include "sim/world/command_lines.h"

#include "sim/core/draw.h"
#include "sim/world/clients.h"
#include "sim/world/swarm.h"

#include <stdio.h>
#include <string.h>

const char *command_lines_wrong(void)
{
    static const char *const lines[] = {
        "\n",
        "statz\n",
        "stats  \t\n",
        "stats 1\n",
        "clients x\n",
        "clients 0\n",
        "clients 2 \t\n",
        "client nonsense\n",
        "client unix:7\n",
        "client 192.0.2.1\n",
        "kick\n",
        "cancel x\n",
        "broadcast\n",
        "broadcast wait\n",
        "broadcast maybe 00\n",
        "broadcast nowait 0\n",
        "broadcast nowait zz\n",
        "broadcast nowait to=192.0.2.1/24 00\n",
        "broadcast wait listener=192.0.2.9 00\n",
        "clients to=::1 to=\n",
        "clients idle-max=1s 0\n",
        "clients to=1.1.1.1 to=1.1.1.1 to=1.1.1.1 to=1.1.1.1 to=1.1.1.1 to=1.1.1.1 to=1.1.1.1 "
        "to=1.1.1.1 to=1.1.1.1 to=1.1.1.1 to=1.1.1.1 to=1.1.1.1 to=1.1.1.1 to=1.1.1.1 to=1.1.1.1 "
        "to=1.1.1.1 to=1.1.1.1\n",
        "broadcast wait confirm\n",
        "broadcast nowait confirm within=999ms 00\n",
        "broadcast nowait within=5s 00\n",
        "send 192.0.2.1:9 confirm within=2h 00\n",
        "broadcast wait key=s0 00\n",
        "broadcast nowait key=s0:0-0 00\n",
        "broadcast nowait key=s0:1 entries-added=x 00\n",
        "broadcast wait key=s0:1\n",
        "streams nothing\n",
        "streams \\x\n",
        "job\n",
        "job 99999999\n",
        "job 99999999 silent\n",
        "job 1 loud\n",
        "count 1\n",
        "count from=::1\n",
        "kick idle-max=1s idle-max=1s\n",
        "kick idle-max=0s 192.0.2.1:9\n",
        "\x01\xff\n",
    };
    return lines[draw_below(DRAW_SWARM, sizeof lines / sizeof lines[0])];
}

/* A command that changes something, or is for operators only. */
static void write_forbidden(char line[COMMAND_LINES_BYTES])
{
    static const char *const lines[] = {"stop\n",
                                        "reload\n",
                                        "broadcast nowait 00\n",
                                        "broadcast wait 5431\n",
                                        "broadcast\n",
                                        "cancel 1\n",
                                        "listen\n",
                                        "gateway\n",
                                        "count to=::/0\n"};
    static const char *const names[] = {"kick", "send", "client"};
    enum { LINES = sizeof lines / sizeof lines[0] };
    char text[ADDR_TEXT_BYTES];
    uint64_t kind = draw_below(DRAW_OBSERVER, 2 * LINES);
    if (kind < LINES)
        snprintf(line, COMMAND_LINES_BYTES, "%s", lines[kind]);
    else
        snprintf(line, COMMAND_LINES_BYTES, "%s %s%s\n", names[kind % 3],
                 addr_format(clients_address(draw(DRAW_OBSERVER)), text),
                 kind % 3 == 1 ? " 00" : "");
}

bool command_lines_draw_list(char line[COMMAND_LINES_BYTES], struct command *command)
{
    bool has_streams = swarm.publishes && draw_below(DRAW_PUBLISH, 4) == 0;
    bool has_offload = !has_streams && swarm.offload && draw_below(DRAW_OFFLOAD, 10) == 0;
    *command = (struct command){.kind = has_streams ? COMMAND_STREAMS : COMMAND_OFFLOAD};
    strcpy(line, has_streams ? "streams\n" : "offload\n");
    return has_streams || has_offload;
}

struct command command_lines_observed(char line[COMMAND_LINES_BYTES])
{
    static const struct {
        const char *line;
        enum command_kind kind;
    } commands[] = {
        {"status\n", COMMAND_OTHER},    {"help\n", COMMAND_OTHER},
        {"stats\n", COMMAND_STATS},     {"clients\n", COMMAND_CLIENTS},
        {"jobs\n", COMMAND_JOBS},       {"config\n", COMMAND_CONFIG},
        {"streams\n", COMMAND_STREAMS}, {"kik 1.2.3.4\n", COMMAND_OTHER},
    };
    uint64_t drawn = draw_below(DRAW_OBSERVER, 2 * sizeof commands / sizeof commands[0]);
    if (drawn >= sizeof commands / sizeof commands[0]) {
        write_forbidden(line);
        return (struct command){.kind = COMMAND_REFUSED};
    }
    snprintf(line, COMMAND_LINES_BYTES, "%s", commands[drawn].line);
    return (struct command){.kind = commands[drawn].kind, .selection = selection_all()};
}
