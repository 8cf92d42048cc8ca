#ifndef SIM_WORLD_PUBLISHING_H
#define SIM_WORLD_PUBLISHING_H

#include "sim/world/answers.h"

#include <stdint.h>

/* Broadcasts with keys: in a run that has them most broadcasts are entries of some publish streams,
 * mostly new ones, but some come again. */

enum { PUBLISHING_WORDS_BYTES = 64 };

/* Draws the key of a broadcast: words with a blank before each, or "". */
void publishing_draw(uint32_t number, char words[PUBLISHING_WORDS_BYTES]);

/* Checks the answer to a broadcast that has a key. Returns whether it is a duplicate. */
bool publishing_check_answer(const struct answer *answer, uint32_t number);

/* Checks the answer to `streams`, which was asked at that time. */
void publishing_check_list(const struct answer *answer, uint64_t asked_ms);

#endif
