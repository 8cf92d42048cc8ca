#include "server/names/hello_decision.h"

_Static_assert((int)FRAME_MAC_BYTES == (int)DEVICE_MAC_BYTES &&
                   (int)FRAME_COOKIE_BYTES == (int)COOKIE_BYTES,
               "a hello has room for each code and cookie");

static enum hello_outcome refuse(struct stats *stats, enum frame_named_status *status,
                                 enum frame_named_status why)
{
    stats->bad_names++;
    *status = why;
    return HELLO_ANSWER;
}

static enum hello_outcome claim(const struct hello_names *names, const struct client *client,
                                const struct device_name *name, uint64_t now_ms, uint64_t check_ms,
                                struct stats *stats)
{
    const struct name_claim claim = {
        .holder = {.key = client_key_of(client->listener, &client->source),
                   .join_number = client->join_number,
                   .worker = names->worker},
        .claimed_ms = now_ms,
        .check_ms = check_ms,
        .slot = client->slot,
        .name = *name,
    };
    if (name_queue_add(names->queue, &claim))
        return HELLO_WAITS;
    stats->late_names++;
    return HELLO_IGNORED;
}

enum hello_outcome hello_decide(const struct hello_names *names,
                                const struct cookie_secrets *secrets, const struct client *client,
                                const struct frame *hello, uint64_t now_ms, uint64_t check_ms,
                                struct stats *stats, enum frame_named_status *status)
{
    struct device_name name;
    *status = FRAME_NAMED_UNUSED;
    /* frame_read has checked the name. */
    if (names->mode == NAMES_OFF || device_name_set(&name, hello->body, hello->size) != NULL)
        return HELLO_ANSWER;
    /* Without keys the code of a keyed hello cannot be checked, and need not be. */
    if (names->mode == NAMES_KEYED) {
        if ((hello->flags & FRAME_HELLO_KEYED) == 0)
            return refuse(stats, status, FRAME_NAMED_WRONG_MODE);
        if (!cookie_is_valid(secrets, client->listener, &client->source, hello->cookie, now_ms)) {
            stats->bad_cookies++;
            return HELLO_CHALLENGE;
        }
        if (!device_key_is_proven(&names->key, hello->cookie, &name, hello->mac))
            return refuse(stats, status, FRAME_NAMED_BAD_MAC);
    }
    return claim(names, client, &name, now_ms, check_ms, stats);
}
