#include "sim/world/broadcasts.h"

#include "sim/check/copies.h"
#include "sim/core/draw.h"
#include "sim/world/publishing.h"
#include "sim/world/swarm.h"

#include <inttypes.h>
#include <stdio.h>

static uint32_t count;

uint32_t broadcasts_count(void)
{
    return count;
}

void broadcasts_reset(void)
{
    count = 0;
}

/* Around the least MTU, and around the size that the offload can send. */
static uint64_t draw_long_padding(void)
{
    static const uint64_t ranges[][2] = {{540, 580}, {1190, 1250}, {500, 1250}};
    const uint64_t *range = ranges[draw_below(DRAW_OFFLOAD, 3)];
    return draw_range(DRAW_OFFLOAD, range[0], range[1]);
}

bool broadcasts_draw(struct drawn_broadcast *drawn, bool is_plain, uint64_t padding)
{
    char text[BROADCASTS_PADDING_MAX + 32], words[SELECTIONS_TEXT_BYTES];
    char key[PUBLISHING_WORDS_BYTES] = "", confirm[CONFIRMING_WORDS_BYTES] = "",
         *line = drawn->arguments;
    if (count + 1 >= BROADCASTS_MAX)
        return false;
    uint32_t number = drawn->number = copies_first_number() + ++count;
    if (!is_plain && swarm.offload && draw_below(DRAW_OFFLOAD, 5) == 0)
        padding = draw_long_padding();
    int size = snprintf(text, sizeof text, "T%" PRIu32 ".%0*d", number, (int)padding + 1, 0);
    if (number % 3 == 0)
        text[size - 1] = '\n';
    struct selection selection = is_plain ? selection_all() : selections_draw();
    if (!is_plain)
        publishing_draw(number, key);
    drawn->confirmed = is_plain ? 0 : confirming_draw_words(false, confirm);
    size_t bytes = sizeof drawn->arguments;
    int at = snprintf(line, bytes, "%s%s%s ", key, confirm, selections_format(&selection, words));
    for (int i = 0; i < size; i++)
        at += snprintf(line + at, bytes - (size_t)at, "%02x", (unsigned char)text[i]);
    snprintf(line + at, bytes - (size_t)at, "\n");
    copies_broadcast_asked(number, &selection, text, (size_t)size);
    copies_set_confirmed(number, drawn->confirmed);
    return true;
}
