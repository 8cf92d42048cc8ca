#include "sim/world/confirming.h"

#include "sim/check/confirmed.h"
#include "sim/core/draw.h"
#include "sim/core/event_queue.h"
#include "sim/net/network.h"
#include "sim/world/swarm.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    HEAD_BYTES = 5,
    NUMBER_BYTES = 8,
    CONFIRM_BYTES = HEAD_BYTES + NUMBER_BYTES,
    PENDING_MAX = 4096,
    NUMBERS_MAX = 16,
    SECOND = 1000000000,
};

/* A confirm that is to be sent. */
struct pending {
    bool is_used;
    struct addr client, server;
    uint8_t bytes[CONFIRM_BYTES];
};

static struct pending pending[PENDING_MAX];
static size_t next_pending;
static uint8_t numbers[NUMBERS_MAX][NUMBER_BYTES]; /* the last ones that clients got */
static size_t number_count;

/* ---- operators ---- */

uint32_t confirming_draw_words(bool is_message, char words[CONFIRMING_WORDS_BYTES])
{
    words[0] = '\0';
    if (!swarm.confirms || draw_below(DRAW_CONFIRM, 4) == 0)
        return 0;
    uint64_t within_s = draw_range(DRAW_CONFIRM, 1, 12);
    uint32_t job = confirmed_asked(is_message, within_s * 1000);
    if (job != 0)
        snprintf(words, CONFIRMING_WORDS_BYTES, " confirm within=%" PRIu64 "s", within_s);
    return job;
}

bool confirming_draw_list(char *line, size_t bytes, struct command *command)
{
    uint64_t id;
    if (!swarm.confirms || draw_below(DRAW_CONFIRM, 4) != 0)
        return false;
    uint32_t job = confirmed_any(draw(DRAW_CONFIRM), &id);
    if (job == 0)
        return false;
    bool is_silent = draw_below(DRAW_CONFIRM, 2) == 0;
    snprintf(line, bytes, "job %" PRIu64 " %s\n", id, is_silent ? "silent" : "confirmed");
    *command =
        (struct command){.kind = is_silent ? COMMAND_SILENT : COMMAND_CONFIRMED, .confirmed = job};
    return true;
}

/* ---- clients ---- */

bool confirming_wants_frames(void)
{
    return swarm.confirms && draw_below(DRAW_CONFIRM, 8) != 0;
}

bool confirming_draw_number(uint8_t number[NUMBER_BYTES])
{
    if (!swarm.confirms || number_count == 0 || draw_below(DRAW_CONFIRM, 4) == 0)
        return false;
    size_t known = number_count < NUMBERS_MAX ? number_count : NUMBERS_MAX;
    memcpy(number, numbers[draw_below(DRAW_CONFIRM, known)], NUMBER_BYTES);
    return true;
}

static void on_confirm(void *state)
{
    struct pending *confirm = state;
    confirm->is_used = false;
    network_to_server(&confirm->client, &confirm->server, confirm->bytes, CONFIRM_BYTES);
}

static struct pending *new_pending(void)
{
    struct pending *confirm = &pending[next_pending++ % PENDING_MAX];
    if (confirm->is_used)
        return NULL;
    confirm->is_used = true;
    return confirm;
}

static void confirm_after(const struct addr *client, const struct addr *server,
                          const uint8_t number[NUMBER_BYTES], uint64_t delay_ns)
{
    struct pending *confirm = new_pending();
    if (confirm == NULL)
        return;
    confirm->client = *client;
    confirm->server = *server;
    memcpy(confirm->bytes, "\0UDP\7", HEAD_BYTES);
    memcpy(confirm->bytes + HEAD_BYTES, number, NUMBER_BYTES);
    event_queue_add(delay_ns, on_confirm, confirm);
}

void confirming_on_frame(const struct addr *client, const struct addr *server, const uint8_t *bytes)
{
    uint8_t number[NUMBER_BYTES];
    uint64_t way = draw_below(DRAW_CONFIRM, 10);
    uint64_t delay_ns = draw_below(DRAW_CONFIRM, SECOND);
    memcpy(number, bytes + HEAD_BYTES, NUMBER_BYTES);
    memcpy(numbers[number_count++ % NUMBERS_MAX], number, NUMBER_BYTES);
    if (way < 3)
        return;
    if (way == 3)
        delay_ns = draw_below(DRAW_CONFIRM, 15) * SECOND;
    if (way == 4)
        confirm_after(client, server, number, draw_below(DRAW_CONFIRM, 5) * SECOND);
    if (way == 5)
        number[draw_below(DRAW_CONFIRM, NUMBER_BYTES)] ^= 1;
    confirm_after(client, server, number, delay_ns);
}
