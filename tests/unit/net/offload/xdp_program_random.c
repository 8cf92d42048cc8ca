#include "offload_fixture.h"

#include "base/prng.h"

#include <criterion/criterion.h>
#include <string.h>

/* The program of the offload with random datagrams, most of them malformed in some way: what it
 * does with each is what a model of the decision says, which shares no code with it. */

/* A next hop that the program overwrites. */
#define NEXT_HOP_BEFORE UINT64_C(0x0007060504030201)

enum { ROUNDS = 20000, UNCOUNTED = OFFLOAD_COUNTERS, MAX_BYTES = 300 };

/* The tags of the buckets of a client, in different sets. */
#define ADDRESS_TAG(client) (UINT64_C(0x8001000000000007) + (client))
#define PREFIX_TAG(client)  (UINT64_C(0x0102000000000007) + (client))

/* The limits of a datagram, and what keeps it from being answered, if they do. */
enum rate {
    WITHOUT_RATE,
    WITHIN_RATE,
    ADDRESS_EMPTY,
    PREFIX_EMPTY,
    ADDRESS_UNKNOWN,
    PREFIX_UNKNOWN
};

/* What the server has set for a datagram. */
struct scenario {
    enum offload_reply reply;
    bool has_ended, has_other_tag, has_other_generation;
    bool is_of_other_interface, is_generic;
    unsigned mtu;
    enum rate rate;
    const char *message;
};

/* ---- the model ---- */

static unsigned number16(const uint8_t *at)
{
    return (unsigned)at[0] * 256 + at[1];
}

static bool is_sum_right(const uint8_t *first, size_t first_size, const uint8_t *second,
                         size_t second_size, unsigned start)
{
    uint64_t sum = start;

    for (size_t i = 0; i < first_size; i++)
        sum += i % 2 == 0 ? 256u * first[i] : first[i];
    for (size_t i = 0; i < second_size; i++)
        sum += i % 2 == 0 ? 256u * second[i] : second[i];
    return sum != 0 && sum % 0xffff == 0; /* RFC 1071: the sum modulo 2^16 - 1 */
}

/* Where the UDP header is, 0: the program does not look at such a frame. */
static size_t udp_offset(const struct frame *frame)
{
    const uint8_t *b = frame->bytes, *ip = b + ETHERNET_BYTES;
    const unsigned type = number16(b + 12);

    if (b[0] % 2 == 1)
        return 0;
    if (type == 0x800 && frame->size >= 42) {
        const unsigned total = number16(ip + 2);
        const bool whole = number16(ip + 6) % 0x4000 == 0;
        return ip[0] == 0x45 && ip[9] == 17 && whole && is_sum_right(ip, 20, NULL, 0, 0) &&
                       total >= 28 && total + 14 <= frame->size && number16(ip + 24) == total - 20
                   ? 34
                   : 0;
    }
    if (type == 0x86dd && frame->size >= 62) {
        const unsigned length = number16(ip + 4);
        return ip[0] / 16 == 6 && ip[6] == 17 && length >= 8 && length + 54 <= frame->size &&
                       number16(ip + 44) == length
                   ? 54
                   : 0;
    }
    return 0;
}

static bool is_of(const struct clients *clients, size_t client, const struct frame *frame,
                  size_t udp)
{
    const struct addr *source = &clients->source[client], *local = &clients->local[client];
    const size_t bytes = client == 0 ? 4 : 16;

    return memcmp(frame->bytes + udp - 2 * bytes, source->ip, bytes) == 0 &&
           memcmp(frame->bytes + udp - bytes, local->ip, bytes) == 0 &&
           number16(frame->bytes + udp) == source->port &&
           number16(frame->bytes + udp + 2) == local->port;
}

static bool is_checksum_accepted(const struct frame *frame, size_t udp, bool is_generic)
{
    const uint8_t *at = frame->bytes + udp;
    const size_t addresses = udp == 34 ? 8 : 32, size = number16(at + 4);
    const unsigned pseudo = 17 + (unsigned)size;
    /* The complement of the sum of the pseudo header makes it right without the rest. */
    const uint8_t complement[2] = {(uint8_t)~at[6], (uint8_t)~at[7]};

    if (at[6] == 0 && at[7] == 0)
        return udp == 34;
    return is_sum_right(at - addresses, addresses, at, size, pseudo) ||
           (!is_generic && is_sum_right(at - addresses, addresses, complement, 2, pseudo));
}

/* The counter for a frame of the client, or UNCOUNTED. */
static unsigned decide(const struct clients *clients, size_t client, const struct frame *frame,
                       const struct scenario *scenario)
{
    const size_t udp = udp_offset(frame);

    if (udp == 0 || udp != (client == 0 ? 34u : 54u) || !is_of(clients, client, frame, udp) ||
        scenario->is_of_other_interface)
        return UNCOUNTED;
    const uint8_t *payload = frame->bytes + udp + 8;
    const size_t size = number16(payload - 4) - 8;
    if (scenario->reply == OFFLOAD_PASS || scenario->has_ended || scenario->has_other_tag ||
        scenario->has_other_generation)
        return OFFLOAD_PASSED_SETTINGS;
    if (size > MAX_BYTES)
        return OFFLOAD_PASSED_SIZE;
    if (size >= 4 && memcmp(payload, "\0UDP", 4) == 0)
        return OFFLOAD_PASSED_FRAME;
    if (!is_checksum_accepted(frame, udp, scenario->is_generic))
        return OFFLOAD_PASSED_CHECKSUM;
    const size_t reply = scenario->reply == OFFLOAD_ECHO ? size : strlen(scenario->message);
    if (scenario->reply != OFFLOAD_SILENT && udp - 6 + reply > scenario->mtu)
        return OFFLOAD_PASSED_ROOM;
    if (scenario->rate > WITHIN_RATE)
        return OFFLOAD_PASSED_RATE;
    return scenario->reply == OFFLOAD_SILENT ? OFFLOAD_SILENCED : OFFLOAD_REPLIED;
}

/* ---- random frames ---- */

static uint32_t below(struct prng *prng, uint32_t limit)
{
    return (uint32_t)(prng_next(prng) % limit);
}

/* A field of the headers becomes one of its rare values, or any byte another one. */
static void mutate(struct prng *prng, struct frame *frame)
{
    uint8_t *ip = frame_ip(frame), *udp = frame_udp(frame);
    const int change = (int)below(prng, 5) - 2;

    switch (below(prng, 10)) {
    case 0:
        frame->bytes[0] ^= 1;
        break;
    case 1:
        frame->bytes[12 + below(prng, 2)] = (uint8_t[]){0x08, 0x00, 0x86, 0xdd}[below(prng, 4)];
        break;
    case 2:
        ip[6 + below(prng, 2)] = (uint8_t[]){0, 0x20, 0x40, 0x80, 17}[below(prng, 5)];
        break;
    case 3:
        ip[frame_is_ipv6(frame) ? 5 : 3] += (uint8_t)change;
        break;
    case 4:
        udp[5] += (uint8_t)change;
        break;
    case 5:
        ip[frame_is_ipv6(frame) ? 5 : 3] += (uint8_t)change;
        udp[5] += (uint8_t)change;
        break;
    case 6:
        udp[below(prng, 4)] ^= (uint8_t)(1 << below(prng, 8));
        break;
    case 7:
        ip[0] = (uint8_t[]){0x45, 0x46, 0x44, 0x60, 0x6f, 0x55}[below(prng, 6)];
        break;
    case 8:
        frame->bytes[14 + below(prng, 50)] = (uint8_t)prng_next(prng);
        break;
    default:
        frame->size -= below(prng, 5);
    }
}

static void set_checksums(struct prng *prng, struct frame *frame)
{
    uint8_t *udp = frame_udp(frame);

    if (!frame_is_ipv6(frame) && below(prng, 8) != 0)
        frame_set_ip_checksum(frame);
    switch (below(prng, 8)) {
    case 0:
        udp[6] = udp[7] = 0;
        break;
    case 1:
        frame_set_partial_checksum(frame);
        break;
    case 2:
        break;
    default:
        if (number16(udp + 4) < 1000)
            frame_set_udp_checksum(frame);
    }
}

static struct frame random_frame(struct prng *prng, const struct clients *clients, size_t client)
{
    uint8_t payload[600];
    const size_t size = below(prng, 4) == 0 ? below(prng, sizeof payload) : below(prng, 40);

    for (size_t i = 0; i < size; i++)
        payload[i] = (uint8_t)prng_next(prng);
    if (size >= 4 && below(prng, 16) == 0)
        memcpy(payload, "\0UDP", 4);
    struct frame frame = frame_of(&clients->source[client], &clients->local[client], payload, size);
    if (below(prng, 2) == 0)
        frame_pad(&frame, below(prng, 40));
    for (uint32_t i = below(prng, 4); i > 0; i--)
        mutate(prng, &frame);
    set_checksums(prng, &frame);
    return frame;
}

static void set_rate(const struct clients *clients, size_t client, enum rate rate)
{
    const struct rate_limiter_limits limits = rate_limiter_limits(rate == WITHOUT_RATE ? 0 : 1, 1);
    struct rate_bucket *address = &rate_set_of(clients->offload, ADDRESS_TAG(client))->ways[3],
                       *prefix = &rate_set_of(clients->offload, PREFIX_TAG(client))->ways[client];

    set_limits(clients, &limits);
    *address = (struct rate_bucket){ADDRESS_TAG(client) + (rate == ADDRESS_UNKNOWN ? 8 : 0),
                                    rate == ADDRESS_EMPTY ? UINT64_MAX / 2 : 0};
    *prefix = (struct rate_bucket){PREFIX_TAG(client) + (rate == PREFIX_UNKNOWN ? 8 : 0),
                                   rate == PREFIX_EMPTY ? UINT64_MAX / 2 : 0};
}

/* Whether the program has taken a token from both buckets, or else from none. */
static bool has_taken(const struct clients *clients, size_t client, enum rate rate,
                      bool is_answered)
{
    const uint64_t of_address = rate_set_of(clients->offload, ADDRESS_TAG(client))->ways[3].full_ns,
                   of_prefix =
                       rate_set_of(clients->offload, PREFIX_TAG(client))->ways[client].full_ns;

    if (is_answered && rate == WITHIN_RATE)
        return of_address > UINT64_C(1000000000) && of_prefix > UINT64_C(1000000000) / 32;
    return of_address == (rate == ADDRESS_EMPTY ? UINT64_MAX / 2 : 0) &&
           of_prefix == (rate == PREFIX_EMPTY ? UINT64_MAX / 2 : 0);
}

static struct scenario random_scenario(struct prng *prng, const struct clients *clients,
                                       size_t client)
{
    static const char *const MESSAGES[] = {"", "vw", "toyota", "a longer message of the rotation",
                                           "one that is longer than most of the requests here"};
    const struct scenario scenario = {
        .reply = below(prng, 16) == 0 ? OFFLOAD_PASS : (enum offload_reply)(1 + below(prng, 3)),
        .has_ended = below(prng, 16) == 0,
        .has_other_tag = below(prng, 16) == 0,
        .has_other_generation = below(prng, 16) == 0,
        .is_of_other_interface = below(prng, 16) == 0,
        .is_generic = below(prng, 4) == 0,
        .mtu = below(prng, 4) == 0 ? 60 + below(prng, 60) : MTU,
        .rate = below(prng, 2) == 0 ? WITHOUT_RATE : (enum rate)below(prng, 6),
        .message = MESSAGES[below(prng, 5)],
    };
    const uint32_t tag = FIRST_TAG + (uint32_t)client + (scenario.has_other_tag ? 8 : 0);

    struct offload_record *record = record_of(clients, client);

    *record = (struct offload_record){
        .seen = scenario.has_ended ? 0 : offload_seen(1, tag),
        .generation = scenario.has_other_generation ? GENERATION - 1 : GENERATION,
        .next_hop = NEXT_HOP_BEFORE,
        .address_hash = ADDRESS_TAG(client),
        .prefix_hash = PREFIX_TAG(client),
        .key = record->key,
    };
    set_rotation(clients, 0, &scenario.message, 1);
    set_reply(clients, scenario.reply, 0, MAX_BYTES);
    set_rate(clients, client, scenario.rate);
    set_ingress(clients->offload, scenario.is_of_other_interface ? 2 : LOOPBACK, scenario.mtu,
                scenario.is_generic);
    return scenario;
}

/* ---- comparison ---- */

static const char *reply_error(const struct clients *clients, size_t client,
                               const struct frame *request, struct frame *reply,
                               const struct scenario *scenario)
{
    struct frame asked = *request;
    const uint8_t *udp = frame_udp(&asked);
    const struct addr *source = &clients->source[client], *local = &clients->local[client];

    if (scenario->reply == OFFLOAD_ROTATE)
        return frame_reply_error(reply, source, local, scenario->message,
                                 strlen(scenario->message));
    if (udp[6] == 0 && udp[7] == 0) {
        if (number16(frame_udp(reply) + 6) != 0)
            return "a checksum that the request did not have";
        frame_set_udp_checksum(reply);
    }
    return frame_reply_error(reply, source, local, frame_payload(&asked), number16(udp + 4) - 8);
}

static int action_of(unsigned outcome)
{
    return outcome == OFFLOAD_REPLIED    ? TRANSMITTED
           : outcome == OFFLOAD_SILENCED ? DROPPED
                                         : PASSED;
}

Test(xdp_program_random, does_what_the_model_says)
{
    const struct clients clients = clients_or_skip();
    struct prng prng;
    uint64_t expected[OFFLOAD_COUNTERS + 1] = {0}, counted[OFFLOAD_COUNTERS];

    prng_init(&prng, 20);
    for (unsigned round = 0; round < ROUNDS; round++) {
        const size_t client = below(&prng, CLIENTS);
        const struct scenario scenario = random_scenario(&prng, &clients, client);
        const struct frame request = random_frame(&prng, &clients, client);
        struct frame frame = request;
        const unsigned outcome = decide(&clients, client, &request, &scenario);
        expected[outcome]++;
        cr_assert_eq(offload_run(clients.offload, &frame), action_of(outcome), "round %u", round);
        const char *error = NULL;
        if (outcome == OFFLOAD_REPLIED)
            error = reply_error(&clients, client, &request, &frame, &scenario);
        else if (frame.size != request.size ||
                 memcmp(frame.bytes, request.bytes, request.size) != 0)
            error = "the frame has changed";
        cr_assert_null(error, "round %u: %s", round, error);
        const bool is_answered = outcome == OFFLOAD_REPLIED || outcome == OFFLOAD_SILENCED;
        const bool is_seen = outcome != UNCOUNTED && !scenario.has_ended && !scenario.has_other_tag;
        const struct offload_record *record = record_of(&clients, client);
        cr_assert_eq(record->received, is_answered);
        cr_assert(has_taken(&clients, client, scenario.rate, is_answered), "round %u", round);
        cr_assert_eq(record->next_hop, is_seen ? frame_next_hop(&request) : NEXT_HOP_BEFORE,
                     "round %u", round);
        cr_assert_eq(record->next_hop_ms != 0, is_seen, "round %u", round);
    }
    cr_assert_eq(offload_counters(clients.offload, WORKER, counted), 0);
    for (size_t i = 0; i < OFFLOAD_COUNTERS; i++) {
        cr_assert_eq(counted[i], expected[i], "counter %zu", i);
        cr_assert(counted[i] >= 50, "counter %zu: too few", i);
    }
    cr_assert_geq(expected[UNCOUNTED], 1000);
    offload_close(clients.offload);
}
