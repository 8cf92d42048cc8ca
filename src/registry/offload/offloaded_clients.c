#include "registry/offload/offloaded_clients.h"

/* The server's side of a record. */
struct offloaded_client {
    uint32_t slot;       /* of the client; if the record is free, the link to the next free one */
    uint16_t local;      /* number of the local address in the tables; 0: the record is free */
    uint16_t local_port; /* and its port */
};
_Static_assert(sizeof(struct offloaded_client) == 8, "offloaded_clients_bytes is documented");

enum { TAG_MAX = (1 << OFFLOAD_TAG_BITS) - 1 };

/* How long a datagram may wait in a socket. One that the program has not seen in this time came by
 * another way. */
enum { NEXT_HOP_MS = 1000 };

static size_t numbers_bytes(uint32_t slots)
{
    return ((size_t)slots * sizeof(uint32_t) + 7) / 8 * 8;
}

size_t offloaded_clients_bytes(uint32_t slots, uint32_t max)
{
    return numbers_bytes(slots) + (size_t)max * sizeof(struct offloaded_client);
}

void offloaded_clients_init(struct offloaded_clients *clients, void *memory, uint32_t slots,
                            const struct offloaded_clients_options *options)
{
    *clients = (struct offloaded_clients){
        .records = options->records,
        .numbers = memory,
        .clients = (void *)((uint8_t *)memory + numbers_bytes(slots)),
        .max = options->max,
        .first = options->first,
        .worker = options->worker,
        .table = options->table,
    };
}

void offloaded_clients_set_registry(struct offloaded_clients *clients,
                                    const struct client_slab *slab, struct local_addresses *locals,
                                    const uint32_t *ttls_ms)
{
    clients->slab = slab;
    clients->locals = locals;
    clients->ttls_ms = ttls_ms;
}

/* ---- what the program has recorded ---- */

/* Takes over a time of a record (0: none, it was stopped), and the datagrams that it has counted.
 * An entry that was renewed over a socket since that time has a later deadline, which stays. The
 * time may be some ms ahead of the clock that the server has read last, which only moves the
 * deadline to a later time. */
static void take_over(const struct offloaded_clients *clients, struct client_entry *entry,
                      struct offload_record *record, uint64_t seen)
{
    uint64_t deadline_ms = offload_seen_ms(seen) + clients->ttls_ms[entry->ttl];
    if (seen != 0 && deadline_ms > entry->deadline_ms)
        entry->deadline_ms = deadline_ms & CLIENT_DEADLINE_MASK;
    /* An exchange would make the cache line the server's, also for clients that are silent. */
    if (__atomic_load_n(&record->received, __ATOMIC_RELAXED) == 0)
        return;
    uint32_t received = __atomic_exchange_n(&record->received, 0, __ATOMIC_RELAXED);
    uint32_t left = UINT32_MAX - entry->received;
    entry->received += received < left ? received : left;
}

static void refresh(const struct offloaded_clients *clients, uint32_t slot, uint32_t number)
{
    struct offload_record *record = &clients->records[number];
    take_over(clients, client_slab_entry(clients->slab, slot), record,
              __atomic_load_n(&record->seen, __ATOMIC_ACQUIRE));
}

void offloaded_clients_refresh(const struct offloaded_clients *clients, uint32_t slot)
{
    uint32_t reference = clients->numbers[slot];
    if (reference != 0)
        refresh(clients, slot, reference - 1);
}

void offloaded_clients_refresh_all(const struct offloaded_clients *clients)
{
    for (uint32_t number = 0; number < clients->used; number++)
        if (clients->clients[number].local != 0)
            refresh(clients, clients->clients[number].slot, number);
}

/* ---- the end of a record ---- */

void offloaded_clients_stop_all(const struct offloaded_clients *clients)
{
    for (uint32_t number = 0; number < clients->used; number++) {
        struct offload_record *record = &clients->records[number];
        if (clients->clients[number].local != 0)
            take_over(clients, client_slab_entry(clients->slab, clients->clients[number].slot),
                      record, __atomic_exchange_n(&record->seen, 0, __ATOMIC_ACQ_REL));
    }
}

static void release(struct offloaded_clients *clients, uint32_t slot, uint32_t number)
{
    clients->numbers[slot] = 0;
    clients->clients[number] = (struct offloaded_client){.slot = clients->free};
    clients->free = number + 1;
    clients->count--;
}

static void end(struct offloaded_clients *clients, uint32_t slot, uint32_t number)
{
    struct client_entry *entry = client_slab_entry(clients->slab, slot);
    struct offload_record *record = &clients->records[number];
    uint64_t seen = __atomic_exchange_n(&record->seen, 0, __ATOMIC_ACQ_REL);
    take_over(clients, entry, record, seen);
    clients->table.remove(clients->table.state, clients->first + number);
    release(clients, slot, number);
}

void offloaded_clients_end(struct offloaded_clients *clients, uint32_t slot)
{
    uint32_t reference = clients->numbers[slot];
    if (reference != 0)
        end(clients, slot, reference - 1);
}

bool offloaded_clients_is_live(struct offloaded_clients *clients, uint32_t slot, uint64_t now_ms)
{
    const struct client_entry *entry = client_slab_entry(clients->slab, slot);
    offloaded_clients_refresh(clients, slot);
    if (entry->deadline_ms > now_ms)
        return true;
    offloaded_clients_end(clients, slot);
    return entry->deadline_ms > now_ms;
}

bool offloaded_clients_withdraw(struct offloaded_clients *clients, uint32_t budget)
{
    for (; clients->used > 0 && budget > 0; clients->used--, budget--)
        if (clients->clients[clients->used - 1].local != 0)
            end(clients, clients->clients[clients->used - 1].slot, clients->used - 1);
    clients->is_withdrawing = clients->used > 0;
    if (!clients->is_withdrawing)
        clients->free = 0;
    return clients->is_withdrawing;
}

/* ---- the begin of a record ---- */

static bool can_be_offloaded(const struct addr *source, const struct addr *local)
{
    return (source->family == ADDR_IPV4 || source->family == ADDR_IPV6) && source->port != 0 &&
           source->scope == 0 && local->family == source->family && local->port != 0 &&
           local->scope != 0 && !addr_is_multicast(local) && !addr_is_wildcard(local);
}

/* Returns the number of a free record; there is one. */
static uint32_t allocate(struct offloaded_clients *clients)
{
    if (clients->free == 0)
        return clients->used++;
    uint32_t number = clients->free - 1;
    clients->free = clients->clients[number].slot;
    return number;
}

/* Has the program answer for a client under the current generation. */
static void set_generation(struct offloaded_clients *clients, struct offload_record *record,
                           const struct addr *source)
{
    const struct rate_limiter_hashes hashes =
        clients->table.rate_hashes(clients->table.state, source);
    __atomic_store_n(&record->address_hash, hashes.address, __ATOMIC_RELAXED);
    __atomic_store_n(&record->prefix_hash, hashes.prefix, __ATOMIC_RELAXED);
    __atomic_store_n(&record->generation, clients->generation, __ATOMIC_RELEASE);
}

static bool begin(struct offloaded_clients *clients, uint32_t slot, const struct addr *local,
                  uint64_t now_ms)
{
    struct addr source = client_key_source(&client_slab_entry(clients->slab, slot)->key);
    if (clients->is_withdrawing || (clients->free == 0 && clients->used == clients->max) ||
        !can_be_offloaded(&source, local))
        return false;
    uint16_t local_number = local_addresses_add(clients->locals, local);
    if (local_number == 0)
        return false;
    uint32_t number = allocate(clients);
    struct offload_record *record = &clients->records[number];
    clients->clients[number] = (struct offloaded_client){slot, local_number, local->port};
    clients->numbers[slot] = number + 1;
    clients->count++;
    clients->tag = clients->tag % TAG_MAX + 1;
    __atomic_store_n(&record->received, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&record->next_hop, 0, __ATOMIC_RELAXED);
    set_generation(clients, record, &source);
    __atomic_store_n(&record->seen, offload_seen(now_ms, clients->tag), __ATOMIC_RELEASE);
    const struct offload_client client = {clients->first + number, clients->worker, clients->tag};
    if (clients->table.add(clients->table.state, &source, local, &client) == 0)
        return true;
    __atomic_store_n(&record->seen, 0, __ATOMIC_RELEASE);
    release(clients, slot, number);
    return false;
}

static bool is_local(const struct offloaded_clients *clients, uint32_t number,
                     const struct addr *local)
{
    const struct offloaded_client *client = &clients->clients[number];
    return client->local_port == local->port &&
           local_addresses_matches(clients->locals, client->local, local);
}

/* The program counts the ttl from a datagram over a socket, too. Only this thread changes the tag.
 */
static void renew(struct offload_record *record, uint64_t now_ms)
{
    uint64_t seen = __atomic_load_n(&record->seen, __ATOMIC_RELAXED);
    const uint64_t renewed = offload_seen(now_ms, offload_seen_tag(seen));
    while (seen < renewed && !__atomic_compare_exchange_n(&record->seen, &seen, renewed, true,
                                                          __ATOMIC_RELEASE, __ATOMIC_RELAXED))
        ;
}

bool offloaded_clients_admit(struct offloaded_clients *clients, uint32_t slot,
                             const struct addr *local, uint64_t now_ms)
{
    uint32_t reference = clients->numbers[slot];
    if (reference != 0 &&
        (!is_local(clients, reference - 1, local) ||
         __atomic_load_n(&clients->records[reference - 1].seen, __ATOMIC_RELAXED) == 0)) {
        end(clients, slot, reference - 1);
        reference = 0;
    }
    if (reference == 0)
        return begin(clients, slot, local, now_ms);
    struct offload_record *record = &clients->records[reference - 1];
    refresh(clients, slot, reference - 1);
    renew(record, now_ms);
    if (__atomic_load_n(&record->next_hop_ms, __ATOMIC_RELAXED) + NEXT_HOP_MS < now_ms)
        __atomic_store_n(&record->next_hop, 0, __ATOMIC_RELAXED);
    if (__atomic_load_n(&record->generation, __ATOMIC_RELAXED) != clients->generation) {
        const struct addr source = client_key_source(&client_slab_entry(clients->slab, slot)->key);
        set_generation(clients, record, &source);
    }
    return true;
}

uint64_t offloaded_clients_next_hop(const struct offloaded_clients *clients, uint32_t slot,
                                    struct addr *local)
{
    uint32_t reference = clients->numbers[slot];
    if (reference == 0)
        return 0;
    const struct offloaded_client *client = &clients->clients[reference - 1];
    *local = local_addresses_get(clients->locals, client->local);
    local->port = client->local_port;
    return __atomic_load_n(&clients->records[reference - 1].next_hop, __ATOMIC_RELAXED);
}

uint32_t offloaded_clients_new_generation(struct offloaded_clients *clients)
{
    return ++clients->generation;
}
