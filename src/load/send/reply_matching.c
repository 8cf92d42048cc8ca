#include "load/send/reply_matching.h"

#include <stdlib.h>

enum {
    FIRST_CAPACITY = 1024, /* requests; a power of two */
    CAPACITY_MAX = REPLY_MATCH_OPEN_MAX,
};

enum request_state { OPEN, ANSWERED, LOST };

/* Requests are numbered without limit. The numbers here are the low 32 bits, which are unique in
 * the ring. */
struct request {
    uint64_t intended_ns, sent_ns;
    uint32_t client : 30;
    uint32_t state : 2;
    uint32_t next; /* the client's next open one */
};

/* The flags of a client; the bits above them hold the number of its open requests. It is one word
 * because each request changes most of it. */
enum {
    QUEUED = 1,   /* it is in the idle queue, but may no longer be idle */
    PAUSED = 2,   /* its newest request was lost, less than two timeouts ago */
    REPLIED = 4,  /* its newest request was answered by a datagram with that hash */
    MEASURED = 8, /* its newest request was measured */
    ONE_OPEN = 16,
};

struct client {
    uint32_t oldest; /* open request, if there are any */
    uint32_t newest; /* the last request sent */
    uint32_t hash;   /* of the last answer */
    uint32_t flags;
};

struct reply_match {
    uint64_t timeout_ns;
    uint32_t clients_count;
    struct client *clients;

    /* Idle clients, longest first: a ring with a slot for each. */
    uint32_t *idle;
    uint32_t idle_mask, idle_head, idle_count;
    uint32_t next_busy; /* the next to pick when no client is idle */

    /* Requests from head to tail: a ring. Those before waiting are no longer open. */
    struct request *ring;
    uint64_t mask, head, waiting, tail;
    uint64_t open;
    uint64_t measured_from;
    uint64_t overlap_end; /* number of the last request sent from a busy client, + 1 */
};

/* ---- Creation ---- */

static uint32_t power_above(uint32_t count)
{
    uint32_t power = 1;
    while (power < count)
        power *= 2;
    return power;
}

struct reply_match *reply_match_new(uint32_t clients, uint64_t timeout_ns)
{
    struct reply_match *match = calloc(1, sizeof *match);
    if (!match)
        return NULL;
    uint32_t capacity = power_above(clients);
    match->timeout_ns = timeout_ns;
    match->measured_from = UINT64_MAX;
    match->clients_count = clients;
    match->clients = calloc(clients, sizeof *match->clients);
    match->idle = malloc(capacity * sizeof *match->idle);
    match->idle_mask = capacity - 1;
    match->ring = malloc(FIRST_CAPACITY * sizeof *match->ring);
    match->mask = FIRST_CAPACITY - 1;
    if (!match->clients || !match->idle || !match->ring) {
        reply_match_free(match);
        return NULL;
    }
    for (uint32_t i = 0; i < clients; i++)
        match->idle[i] = i;
    match->idle_count = clients;
    return match;
}

void reply_match_free(struct reply_match *match)
{
    if (!match)
        return;
    free(match->clients);
    free(match->idle);
    free(match->ring);
    free(match);
}

/* Doubles the ring. Not inlined, because it happens only a few times in a run. */
__attribute__((noinline)) static bool grow(struct reply_match *match)
{
    uint64_t capacity = 2 * (match->mask + 1);
    if (capacity > CAPACITY_MAX)
        return false;
    struct request *ring = malloc(capacity * sizeof *ring);
    if (!ring)
        return false;
    for (uint64_t i = match->head; i != match->tail; i++)
        ring[i & (capacity - 1)] = match->ring[i & match->mask];
    free(match->ring);
    match->ring = ring;
    match->mask = capacity - 1;
    return true;
}

/* ---- Clients ---- */

static bool has_open(const struct client *client)
{
    return client->flags >= ONE_OPEN;
}

static bool is_busy(const struct client *client)
{
    return client->flags >= ONE_OPEN || client->flags & PAUSED;
}

static void push_idle(struct reply_match *match, uint32_t client)
{
    if (match->clients[client].flags & QUEUED)
        return;
    match->clients[client].flags |= QUEUED;
    match->idle[(match->idle_head + match->idle_count++) & match->idle_mask] = client;
}

/* A quarter of the ring stays free for requests that are picked and not yet sent: a batch is
 * smaller than that. */
static bool has_space(struct reply_match *match)
{
    return match->tail - match->head <= match->mask - match->mask / 4 || grow(match);
}

/* Picks one of the busy clients, which take turns. */
static uint32_t pick_busy(struct reply_match *match)
{
    uint32_t client = match->next_busy;
    match->next_busy = client + 1 < match->clients_count ? client + 1 : 0;
    return client;
}

bool reply_match_pick(struct reply_match *match, bool overlap, uint32_t *client)
{
    if (!has_space(match))
        return false;
    while (match->idle_count > 0) {
        uint32_t next = match->idle[match->idle_head++ & match->idle_mask];
        struct client *state = &match->clients[next];
        match->idle_count--;
        state->flags &= ~(uint32_t)QUEUED;
        *client = next;
        /* A client that was picked as busy before its other request was refused is not idle. */
        if (!is_busy(state))
            return true;
    }
    if (overlap)
        *client = pick_busy(match);
    return overlap;
}

void reply_match_unpick(struct reply_match *match, uint32_t client)
{
    if (!is_busy(&match->clients[client]))
        push_idle(match, client);
}

void reply_match_sent(struct reply_match *match, uint32_t client, uint64_t intended_ns,
                      uint64_t sent_ns)
{
    struct client *state = &match->clients[client];
    uint64_t number = match->tail++;
    match->ring[number & match->mask] = (struct request){
        .intended_ns = intended_ns,
        .sent_ns = sent_ns,
        .client = client & (REPLY_MATCH_CLIENTS_MAX - 1),
        .state = OPEN,
    };
    match->open++;
    if (is_busy(state))
        match->overlap_end = number + 1;
    if (has_open(state))
        match->ring[state->newest & match->mask].next = (uint32_t)number;
    else
        state->oldest = (uint32_t)number;
    state->newest = (uint32_t)number;
    uint32_t flags = state->flags & ~(uint32_t)(PAUSED | REPLIED | MEASURED);
    state->flags = (flags | (number >= match->measured_from ? MEASURED : 0)) + ONE_OPEN;
}

/* ---- Datagrams ---- */

/* Ends the client's oldest open request. */
static struct request *close_oldest(struct reply_match *match, struct client *client,
                                    enum request_state state)
{
    struct request *request = &match->ring[client->oldest & match->mask];
    request->state = (unsigned)state & 3;
    client->oldest = request->next;
    client->flags -= ONE_OPEN;
    match->open--;
    return request;
}

/* Returns the whole number of a request in the ring. */
static uint64_t whole_number(const struct reply_match *match, uint32_t low)
{
    return match->head + (uint32_t)(low - (uint32_t)match->head);
}

static struct reply_match_answer answer(struct reply_match *match, uint32_t client, uint32_t hash)
{
    struct client *state = &match->clients[client];
    uint64_t number = whole_number(match, state->oldest);
    const struct request *request = close_oldest(match, state, ANSWERED);
    state->hash = hash;
    if (!has_open(state)) {
        state->flags |= REPLIED;
        push_idle(match, client);
    }
    return (struct reply_match_answer){
        .kind = REPLY_MATCH_REPLY,
        .measured = number >= match->measured_from,
        .intended_ns = request->intended_ns,
        .sent_ns = request->sent_ns,
    };
}

/* Ends the pause of a client: the reply that it paused for was received. */
static struct reply_match_answer answer_late(struct reply_match *match, uint32_t client,
                                             uint32_t hash)
{
    struct client *state = &match->clients[client];
    match->ring[state->newest & match->mask].state = ANSWERED;
    state->flags = (state->flags & ~(uint32_t)PAUSED) | REPLIED;
    state->hash = hash;
    push_idle(match, client);
    return (struct reply_match_answer){.kind = REPLY_MATCH_LATE,
                                       .measured = state->flags & MEASURED};
}

struct reply_match_answer reply_match_datagram(struct reply_match *match, uint32_t client,
                                               uint32_t hash, bool expected)
{
    const struct client *state = &match->clients[client];
    if (has_open(state))
        return answer(match, client, hash);
    if (state->flags & PAUSED && expected)
        return answer_late(match, client, hash);
    if (state->flags & REPLIED && state->hash == hash)
        return (struct reply_match_answer){.kind = REPLY_MATCH_DUPLICATE,
                                           .measured = state->flags & MEASURED};
    return (struct reply_match_answer){.kind = REPLY_MATCH_UNSOLICITED, .measured = true};
}

bool reply_match_waits(const struct reply_match *match, uint32_t client)
{
    return has_open(&match->clients[client]);
}

/* ---- Timeouts ---- */

/* Skips the oldest requests that were answered, as most are. */
static void skip_answered(struct reply_match *match)
{
    uint64_t number = match->waiting;
    while (number != match->tail && match->ring[number & match->mask].state == ANSWERED)
        number++;
    if (match->head == match->waiting)
        match->head = number;
    match->waiting = number;
}

/* Marks requests as lost whose timeout has passed; skips those that were answered. */
static uint64_t mark_lost(struct reply_match *match, uint64_t now_ns)
{
    uint64_t lost = 0;
    for (; match->waiting != match->tail; match->waiting++) {
        const struct request *request = &match->ring[match->waiting & match->mask];
        if (request->state != OPEN)
            continue;
        if (request->sent_ns + match->timeout_ns > now_ns)
            break;
        struct client *client = &match->clients[request->client];
        close_oldest(match, client, LOST);
        if (!has_open(client))
            client->flags |= PAUSED;
        lost += match->waiting >= match->measured_from;
    }
    return lost;
}

/* Ends the pause of the client whose lost request is the oldest in the ring. */
static void end_pause(struct reply_match *match, uint32_t client)
{
    struct client *state = &match->clients[client];
    if (!(state->flags & PAUSED) || state->newest != (uint32_t)match->head)
        return;
    state->flags &= ~(uint32_t)PAUSED;
    push_idle(match, client);
}

/* Removes the oldest requests from the ring: those that were answered, and those that were lost a
 * timeout ago, whose clients become idle. */
static void remove_oldest(struct reply_match *match, uint64_t now_ns)
{
    for (; match->head != match->waiting; match->head++) {
        const struct request *request = &match->ring[match->head & match->mask];
        if (request->state == LOST && request->sent_ns + 2 * match->timeout_ns > now_ns)
            return;
        if (request->state == LOST)
            end_pause(match, request->client);
    }
}

uint64_t reply_match_expire(struct reply_match *match, uint64_t now_ns)
{
    skip_answered(match);
    uint64_t lost = mark_lost(match, now_ns);
    remove_oldest(match, now_ns);
    return lost;
}

uint64_t reply_match_deadline_ns(const struct reply_match *match)
{
    uint64_t deadline_ns = UINT64_MAX;
    if (match->head != match->waiting)
        deadline_ns = match->ring[match->head & match->mask].sent_ns + 2 * match->timeout_ns;
    if (match->waiting != match->tail) {
        uint64_t end_ns = match->ring[match->waiting & match->mask].sent_ns + match->timeout_ns;
        deadline_ns = end_ns < deadline_ns ? end_ns : deadline_ns;
    }
    return deadline_ns;
}

uint64_t reply_match_open(const struct reply_match *match)
{
    return match->open;
}

void reply_match_measure(struct reply_match *match)
{
    match->measured_from = match->tail;
}

bool reply_match_is_exact(const struct reply_match *match)
{
    return match->overlap_end <= match->measured_from;
}
