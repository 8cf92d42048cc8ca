#include "net/offload/offload_index.h"

#include "os/process/random.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

int offload_index_init(struct offload_index_head *head, uint32_t records)
{
    int error = random_fill(head->secret, sizeof head->secret);

    if (error)
        return error;
    head->secret[1] |= 1;
    head->lines = offload_index_entries(records) - 1;
    return 0;
}

/* ---- keys ---- */

static uint64_t words_of(uint64_t ports)
{
    return offload_ports_is_ipv6(ports) ? OFFLOAD_ADDRESS_WORDS6 : OFFLOAD_ADDRESS_WORDS4;
}

static struct offload_key key_of(const struct addr *source, const struct addr *local)
{
    const bool is_ipv4 = source->family == ADDR_IPV4;
    const size_t bytes = is_ipv4 ? 4 : 16;
    struct offload_key key = {
        .ports = offload_ports(htons(source->port), htons(local->port), local->scope, !is_ipv4)};

    memcpy(key.addresses, source->ip, bytes);
    memcpy((uint8_t *)key.addresses + bytes, local->ip, bytes);
    return key;
}

/* Another thread or the program may compare the key in the meantime. A word of it is seen after the
 * end of the client that had the record before, so neither takes the record for that client's. */
static void write_key(struct offload_record *record, const struct offload_key *key, uint32_t worker)
{
    for (size_t i = 0; i < sizeof key->addresses / sizeof key->addresses[0]; i++)
        __atomic_store_n(&record->key.addresses[i], key->addresses[i], __ATOMIC_RELEASE);
    __atomic_store_n(&record->key.ports, offload_ports_with_worker(key->ports, worker),
                     __ATOMIC_RELEASE);
}

/* Without the worker. */
static struct offload_key read_key(const struct offload_record *record)
{
    struct offload_key key = {.ports = offload_ports_without_worker(
                                  __atomic_load_n(&record->key.ports, __ATOMIC_RELAXED))};

    for (size_t i = 0; i < sizeof key.addresses / sizeof key.addresses[0]; i++)
        key.addresses[i] = __atomic_load_n(&record->key.addresses[i], __ATOMIC_RELAXED);
    return key;
}

/* ---- entries ---- */

static struct offload_index_line *line_of(const struct offload_index *index, uint64_t hash,
                                          int choice)
{
    struct offload_index_line *table = (void *)index->head;

    return &table[offload_hash_line(hash, choice, index->head->lines)];
}

static bool exchange(uint64_t *entry, uint64_t expected, uint64_t desired)
{
    return __atomic_compare_exchange_n(entry, &expected, desired, false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_RELAXED);
}

/* Returns the place for an entry with that mark: the one that has it, or else a free one, or NULL;
 * *found is what it has. */
static uint64_t *place_of(struct offload_index_line *line, uint64_t mark, uint64_t *found)
{
    uint64_t *free = NULL;

    for (size_t i = 0; i < OFFLOAD_LINE_CLIENTS; i++) {
        *found = __atomic_load_n(&line->entries[i], __ATOMIC_ACQUIRE);
        if (offload_entry_mark(*found) == mark)
            return &line->entries[i];
        if (*found == 0 && free == NULL)
            free = &line->entries[i];
    }
    *found = 0;
    return free;
}

/* Enters a client in a line. Returns whether there is a place for it. */
static bool add_to(struct offload_index_line *line, const struct offload_index *index,
                   const struct offload_key *key, uint64_t entry)
{
    uint64_t *place, found;

    do { /* again after each change of the place by another thread */
        place = place_of(line, offload_entry_mark(entry), &found);
        if (place == NULL)
            return false;
        if (found != 0) {
            const struct offload_key other = read_key(&index->records[offload_entry_record(found)]);
            if (memcmp(&other, key, sizeof other) != 0)
                return false;
        }
    } while (!exchange(place, found, entry));
    return true;
}

int offload_index_add(const struct offload_index *index, const struct addr *source,
                      const struct addr *local, const struct offload_client *client)
{
    const struct offload_key key = key_of(source, local);
    const uint64_t hash = offload_key_hash(index->head, &key, words_of(key.ports));
    const uint64_t entry = offload_entry(client, offload_hash_mark(hash));

    write_key(&index->records[client->record], &key, client->worker);
    for (int i = 0; i < OFFLOAD_LINES_EACH; i++)
        if (add_to(line_of(index, hash, i), index, &key, entry))
            return 0;
    return -E2BIG;
}

static bool remove_from(struct offload_index_line *line, uint32_t record)
{
    for (size_t i = 0; i < OFFLOAD_LINE_CLIENTS; i++) {
        const uint64_t entry = __atomic_load_n(&line->entries[i], __ATOMIC_RELAXED);
        if (entry != 0 && offload_entry_record(entry) == record)
            return exchange(&line->entries[i], entry, 0);
    }
    return false;
}

void offload_index_remove(const struct offload_index *index, uint32_t record)
{
    const struct offload_key key = read_key(&index->records[record]);
    const uint64_t hash = offload_key_hash(index->head, &key, words_of(key.ports));

    for (int i = 0; i < OFFLOAD_LINES_EACH; i++)
        if (remove_from(line_of(index, hash, i), record))
            return;
}
