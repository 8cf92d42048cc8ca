#include "wire/reply_rotation.h"

#include "base/sha256.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct reply *reply_rotation_new(enum reply_mode mode, const struct message *messages, size_t count)
{
    struct reply *reply = aligned_alloc(64, sizeof *reply);
    if (reply == NULL)
        return NULL;
    *reply = (struct reply){.mode = mode};
    reply->turns = &reply->own_turns;
    atomic_init(&reply->references, 1);
    reply->messages = calloc(count ? count : 1, sizeof *reply->messages);
    if (reply->messages == NULL) {
        free(reply);
        return NULL;
    }
    for (; reply->count < count; reply->count++) {
        const struct message *from = &messages[reply->count];
        uint8_t *copy = malloc(from->size ? from->size : 1);
        if (copy == NULL) {
            reply_rotation_release(reply);
            return NULL;
        }
        if (from->size > 0)
            memcpy(copy, from->bytes, from->size);
        reply->messages[reply->count] = (struct message){.bytes = copy, .size = from->size};
    }
    return reply;
}

struct reply *reply_rotation_retain(struct reply *reply)
{
    atomic_fetch_add_explicit(&reply->references, 1, memory_order_relaxed);
    return reply;
}

void reply_rotation_release(struct reply *reply)
{
    if (reply == NULL || atomic_fetch_sub_explicit(&reply->references, 1, memory_order_acq_rel) > 1)
        return;
    for (size_t i = 0; i < reply->count; i++)
        free((void *)(uintptr_t)reply->messages[i].bytes);
    free(reply->messages);
    free(reply);
}

bool reply_rotation_is_shared(const struct reply *reply)
{
    return atomic_load_explicit(&reply->references, memory_order_acquire) > 1;
}

enum reply_mode reply_rotation_mode(const struct reply *reply)
{
    return reply->mode;
}

bool reply_rotation_equal(const struct reply *a, const struct reply *b)
{
    if (a->mode != b->mode || a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        const struct message *left = &a->messages[i], *right = &b->messages[i];
        if (left->size != right->size || memcmp(left->bytes, right->bytes, left->size) != 0)
            return false;
    }
    return true;
}

size_t reply_rotation_count(const struct reply *reply)
{
    return reply->count;
}

size_t reply_rotation_max_bytes(const struct reply *reply)
{
    size_t max_bytes = 0;
    for (size_t i = 0; i < reply->count; i++)
        if (reply->messages[i].size > max_bytes)
            max_bytes = reply->messages[i].size;
    return max_bytes;
}

/* The count of turns may be in memory that has no atomic type, since a program in the kernel uses
 * it as well. */
void reply_rotation_use_turns(struct reply *reply, uint64_t *turns)
{
    uint64_t taken = __atomic_load_n(reply->turns, __ATOMIC_RELAXED);
    reply->turns = turns != NULL ? turns : &reply->own_turns;
    __atomic_store_n(reply->turns, taken, __ATOMIC_RELAXED);
}

size_t reply_rotation_take(struct reply *reply, size_t count)
{
    /* One division for each batch. The counter wraps at 2^64, after 584 years of 10^9 requests per
     * second. */
    return (size_t)(__atomic_fetch_add(reply->turns, count, __ATOMIC_RELAXED) % reply->count);
}

/* ---- an upgrade ---- */

static void add_number(struct sha256 *sha, uint64_t number)
{
    sha256_add(sha, &number, sizeof number);
}

/* The digest of the mode and the messages: equal ones have the same. */
static void digest_of(const struct reply *reply, uint8_t digest[SHA256_BYTES])
{
    struct sha256 sha;
    sha256_init(&sha);
    add_number(&sha, reply->mode);
    for (size_t i = 0; i < reply->count; i++) {
        add_number(&sha, reply->messages[i].size);
        sha256_add(&sha, reply->messages[i].bytes, reply->messages[i].size);
    }
    sha256_finish(&sha, digest);
}

void reply_rotation_hand_over(const struct reply *reply, struct handover_writer *writer)
{
    uint8_t digest[SHA256_BYTES];
    digest_of(reply, digest);
    handover_put_bytes(writer, digest, sizeof digest);
    handover_put64(writer, __atomic_load_n(reply->turns, __ATOMIC_RELAXED));
}

int reply_rotation_take_over(struct reply *reply, struct handover_reader *reader)
{
    uint8_t digest[SHA256_BYTES];
    const uint8_t *former = handover_get_bytes(reader, sizeof digest);
    uint64_t turns = handover_get64(reader);
    if (reader->failed)
        return -EPROTO;
    digest_of(reply, digest);
    if (memcmp(digest, former, sizeof digest) == 0)
        __atomic_store_n(reply->turns, turns, __ATOMIC_RELAXED);
    return 0;
}
