#ifndef SIM_WORLD_CONFIRMING_H
#define SIM_WORLD_CONFIRMING_H

#include "address/addr.h"
#include "sim/world/answers.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is drawn of confirmed broadcasts: the words of the operators' commands, and which clients
 * confirm, and when. Runs without swarm.confirms have none. */

/* Draws whether a message is to be confirmed, and writes the words of its command, with a blank
 * before them. Returns its number for check/confirmed.h, or 0 and no words. */
enum { CONFIRMING_WORDS_BYTES = 32 };
uint32_t confirming_draw_words(bool is_message, char words[CONFIRMING_WORDS_BYTES]);

/* Draws a command that lists clients of a confirmed job. Returns false if there is none. */
bool confirming_draw_list(char *line, size_t bytes, struct command *command);

/* Whether a client asks for frames now. */
bool confirming_wants_frames(void);

/* A client has got a message frame from the server: it confirms it at once, late, twice, by a wrong
 * number, or never. */
void confirming_on_frame(const struct addr *client, const struct addr *server,
                         const uint8_t *bytes);

/* Writes the number of a message frame that some client has got. Returns false if there is none. */
bool confirming_draw_number(uint8_t number[8]);

#endif
