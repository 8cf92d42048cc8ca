#ifndef SIM_WORLD_ANSWERS_H
#define SIM_WORLD_ANSWERS_H

#include "address/addr.h"
#include "sim/check/selection.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The answers of the control socket: reading them, and the oracles about their contents. */

enum command_kind {
    COMMAND_OTHER,
    COMMAND_STATS,
    COMMAND_CLIENTS,
    COMMAND_CLIENT,
    COMMAND_NAMED, /* client @NAME */
    COMMAND_KICK,
    COMMAND_KICK_SOME, /* with a selector */
    COMMAND_COUNT,
    COMMAND_SEND,
    COMMAND_WAIT,      /* broadcast wait */
    COMMAND_NOWAIT,    /* broadcast nowait */
    COMMAND_SILENT,    /* job ID silent */
    COMMAND_CONFIRMED, /* job ID confirmed */
    COMMAND_JOBS,
    COMMAND_STREAMS,
    COMMAND_CANCEL,
    COMMAND_RELOAD,
    COMMAND_UPGRADE,
    COMMAND_CONFIG,
    COMMAND_REFUSED, /* of an observer, who may not run it */
    COMMAND_OFFLOAD,
};

struct command {
    enum command_kind kind;
    uint64_t asked_ms;
    uint32_t number;    /* of a broadcast, of a message to one client, or from model_kick_some */
    uint32_t confirmed; /* the number of its job in check/confirmed.h; 0: none */
    struct addr addr;   /* of a client */
    char name[8];       /* of COMMAND_NAMED */
    struct selection selection; /* of COMMAND_CLIENTS and COMMAND_COUNT */
    bool is_alone;              /* no other one of its session was to be answered */
    bool is_settled;            /* no reload was in progress, */
    unsigned applied;           /* and so many had been applied */
};

enum { ANSWER_BYTES_MAX = 1 << 20 };

struct answer {
    char *bytes;                 /* all lines, without the final "." */
    size_t size, line, capacity; /* line: where the current one begins */
    bool ok;
};

void answer_begin(struct answer *answer);
/* Adds a byte; returns whether the answer is whole. */
bool answer_add(struct answer *answer, char byte);
/* Checks the whole answer to a command. */
void answer_check(const struct answer *answer, const struct command *command);

#endif
