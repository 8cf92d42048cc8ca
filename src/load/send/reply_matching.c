/* Requests in order of sending, clients in order of idleness, and datagrams between them. */
#include "load/send/reply_matching.h"

#include <stdlib.h>

enum {
    FIRST_ROOM = 1024, /* requests; a power of two */
    ROOM_MAX = REPLY_MATCH_OPEN_MAX,
};

enum state { OPEN, ANSWERED, LOST };

/* Numbers of requests count up without end; those kept here are their low 32 bits, which is enough
 * among those in the ring. */
struct request {
    uint64_t intended_ns, sent_ns;
    uint32_t client : 30;
    uint32_t state : 2;
    uint32_t next; /* the client's next open one */
};

/* What a client is; above these bits stands how many requests it has open. One word, for each
 * request changes most of it. */
enum {
    QUEUED = 1,   /* it stands among the idle; perhaps no longer rightly */
    RESTING = 2,  /* its newest request was lost, less than two timeouts ago */
    REPLIED = 4,  /* its newest request was answered, by what had the hash */
    MEASURED = 8, /* its newest request was measured */
    ONE_OPEN = 16,
};

struct client {
    uint32_t oldest; /* open request, while there are any */
    uint32_t newest; /* the last request sent */
    uint32_t hash;   /* of the last answer */
    uint32_t is;     /* of the above */
};

struct reply_match {
    uint64_t timeout_ns;
    uint32_t clients_count;
    struct client *clients;

    /* Idle clients, longest first: a ring with room for all. */
    uint32_t *idle;
    uint32_t idle_mask, idle_head, idle_count;
    uint32_t turn; /* of the busy ones, when none is idle */

    /* Requests from head to tail, a ring; those before waiting are no longer open. */
    struct request *ring;
    uint64_t mask, head, waiting, tail;
    uint64_t open;
    uint64_t measured_from;
    uint64_t
        crowded; /* of the requests in the ring, the last one that went to a busy client, + 1 */
};

/* ---- Making ---- */

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
    uint32_t room = power_above(clients);
    match->timeout_ns = timeout_ns;
    match->measured_from = UINT64_MAX;
    match->clients_count = clients;
    match->clients = calloc(clients, sizeof *match->clients);
    match->idle = malloc(room * sizeof *match->idle);
    match->idle_mask = room - 1;
    match->ring = malloc(FIRST_ROOM * sizeof *match->ring);
    match->mask = FIRST_ROOM - 1;
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

/* Doubles the ring's room, which happens a few times in a run: nothing to be inlined. */
__attribute__((noinline)) static bool grow(struct reply_match *match)
{
    uint64_t room = 2 * (match->mask + 1);
    if (room > ROOM_MAX)
        return false;
    struct request *ring = malloc(room * sizeof *ring);
    if (!ring)
        return false;
    for (uint64_t i = match->head; i != match->tail; i++)
        ring[i & (room - 1)] = match->ring[i & match->mask];
    free(match->ring);
    match->ring = ring;
    match->mask = room - 1;
    return true;
}

/* ---- Clients ---- */

static bool has_open(const struct client *client)
{
    return client->is >= ONE_OPEN;
}

static bool is_busy(const struct client *client)
{
    return client->is >= ONE_OPEN || client->is & RESTING;
}

static void push_idle(struct reply_match *match, uint32_t client)
{
    if (match->clients[client].is & QUEUED)
        return;
    match->clients[client].is |= QUEUED;
    match->idle[(match->idle_head + match->idle_count++) & match->idle_mask] = client;
}

/* Room for what is picked and not yet sent, too: a batch is small beside a quarter of the ring. */
static bool has_room(struct reply_match *match)
{
    return match->tail - match->head <= match->mask - match->mask / 4 || grow(match);
}

/* One of the busy ones, which take turns. */
static uint32_t pick_busy(struct reply_match *match)
{
    uint32_t client = match->turn;
    match->turn = client + 1 < match->clients_count ? client + 1 : 0;
    return client;
}

bool reply_match_pick(struct reply_match *match, bool crowd, uint32_t *client)
{
    if (!has_room(match))
        return false;
    while (match->idle_count > 0) {
        uint32_t next = match->idle[match->idle_head++ & match->idle_mask];
        struct client *it = &match->clients[next];
        match->idle_count--;
        it->is &= ~(uint32_t)QUEUED;
        *client = next;
        /* One that was picked in turn before its other request was refused isn't idle. */
        if (!is_busy(it))
            return true;
    }
    if (crowd)
        *client = pick_busy(match);
    return crowd;
}

void reply_match_unpick(struct reply_match *match, uint32_t client)
{
    if (!is_busy(&match->clients[client]))
        push_idle(match, client);
}

void reply_match_sent(struct reply_match *match, uint32_t client, uint64_t intended_ns,
                      uint64_t sent_ns)
{
    struct client *it = &match->clients[client];
    uint64_t number = match->tail++;
    match->ring[number & match->mask] = (struct request){
        .intended_ns = intended_ns,
        .sent_ns = sent_ns,
        .client = client & (REPLY_MATCH_CLIENTS_MAX - 1),
        .state = OPEN,
    };
    match->open++;
    if (is_busy(it))
        match->crowded = number + 1;
    if (has_open(it))
        match->ring[it->newest & match->mask].next = (uint32_t)number;
    else
        it->oldest = (uint32_t)number;
    it->newest = (uint32_t)number;
    uint32_t is = it->is & ~(uint32_t)(RESTING | REPLIED | MEASURED);
    it->is = (is | (number >= match->measured_from ? MEASURED : 0)) + ONE_OPEN;
}

/* ---- Datagrams ---- */

/* Takes the client's oldest open request from it. */
static struct request *close_oldest(struct reply_match *match, struct client *client,
                                    enum state state)
{
    struct request *request = &match->ring[client->oldest & match->mask];
    request->state = (unsigned)state & 3;
    client->oldest = request->next;
    client->is -= ONE_OPEN;
    match->open--;
    return request;
}

/* The whole number of a request in the ring. */
static uint64_t whole_number(const struct reply_match *match, uint32_t low)
{
    return match->head + (uint32_t)(low - (uint32_t)match->head);
}

static struct reply_match_answer answer(struct reply_match *match, uint32_t client, uint32_t hash)
{
    struct client *it = &match->clients[client];
    uint64_t number = whole_number(match, it->oldest);
    const struct request *request = close_oldest(match, it, ANSWERED);
    it->hash = hash;
    if (!has_open(it)) {
        it->is |= REPLIED;
        push_idle(match, client);
    }
    return (struct reply_match_answer){
        .kind = REPLY_MATCH_REPLY,
        .measured = number >= match->measured_from,
        .intended_ns = request->intended_ns,
        .sent_ns = request->sent_ns,
    };
}

/* The client needs no more rest: what it rested for has come. */
static struct reply_match_answer answer_late(struct reply_match *match, uint32_t client,
                                             uint32_t hash)
{
    struct client *it = &match->clients[client];
    match->ring[it->newest & match->mask].state = ANSWERED;
    it->is = (it->is & ~(uint32_t)RESTING) | REPLIED;
    it->hash = hash;
    push_idle(match, client);
    return (struct reply_match_answer){.kind = REPLY_MATCH_LATE, .measured = it->is & MEASURED};
}

struct reply_match_answer reply_match_datagram(struct reply_match *match, uint32_t client,
                                               uint32_t hash, bool expected)
{
    const struct client *it = &match->clients[client];
    if (has_open(it))
        return answer(match, client, hash);
    if (it->is & RESTING && expected)
        return answer_late(match, client, hash);
    if (it->is & REPLIED && it->hash == hash)
        return (struct reply_match_answer){.kind = REPLY_MATCH_DUPLICATE,
                                           .measured = it->is & MEASURED};
    return (struct reply_match_answer){.kind = REPLY_MATCH_UNSOLICITED, .measured = true};
}

bool reply_match_waits(const struct reply_match *match, uint32_t client)
{
    return has_open(&match->clients[client]);
}

/* ---- Time ---- */

/* Passes over the oldest requests if they were answered, which most are, and nothing is left of
 * them to wait for. */
static void skip_answered(struct reply_match *match)
{
    uint64_t number = match->waiting;
    while (number != match->tail && match->ring[number & match->mask].state == ANSWERED)
        number++;
    if (match->head == match->waiting)
        match->head = number;
    match->waiting = number;
}

/* Gives up what has waited for the timeout; those that were answered are passed over. */
static uint64_t give_up(struct reply_match *match, uint64_t now_ns)
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
            client->is |= RESTING;
        lost += match->waiting >= match->measured_from;
    }
    return lost;
}

/* The oldest request in the ring was that client's, and lost. */
static void end_rest(struct reply_match *match, uint32_t client)
{
    struct client *it = &match->clients[client];
    if (!(it->is & RESTING) || it->newest != (uint32_t)match->head)
        return;
    it->is &= ~(uint32_t)RESTING;
    push_idle(match, client);
}

/* Forgets the oldest requests: those that were answered, and those that have rested for long
 * enough, whose clients are idle again. */
static void forget(struct reply_match *match, uint64_t now_ns)
{
    for (; match->head != match->waiting; match->head++) {
        const struct request *request = &match->ring[match->head & match->mask];
        if (request->state == LOST && request->sent_ns + 2 * match->timeout_ns > now_ns)
            return;
        if (request->state == LOST)
            end_rest(match, request->client);
    }
}

uint64_t reply_match_expire(struct reply_match *match, uint64_t now_ns)
{
    skip_answered(match);
    uint64_t lost = give_up(match, now_ns);
    forget(match, now_ns);
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
    return match->crowded <= match->measured_from;
}
