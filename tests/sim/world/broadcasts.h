#ifndef SIM_WORLD_BROADCASTS_H
#define SIM_WORLD_BROADCASTS_H

#include "sim/world/confirming.h"
#include "sim/world/selections.h"

#include <stdbool.h>
#include <stdint.h>

/* Broadcasts that operators and gateways ask for. They have one sequence of numbers. */

enum {
    BROADCASTS_PADDING_MAX = 1300,
    BROADCASTS_ARGUMENTS_BYTES =
        64 + CONFIRMING_WORDS_BYTES + SELECTIONS_TEXT_BYTES + 2 * BROADCASTS_PADDING_MAX + 64,
};

struct drawn_broadcast {
    uint32_t number;    /* in check/copies.h */
    uint32_t confirmed; /* in check/confirmed.h; 0: it is not to be confirmed */
    /* Of the command, with a blank before them and a newline at the end. */
    char arguments[BROADCASTS_ARGUMENTS_BYTES];
};

/* Draws one; is_plain: for all clients, and not to be confirmed. padding is the number of bytes
 * after its number. Returns false if there is no number left. */
bool broadcasts_draw(struct drawn_broadcast *drawn, bool is_plain, uint64_t padding);

/* How many this start has. */
uint32_t broadcasts_count(void);

/* The server has ended. */
void broadcasts_reset(void);

#endif
