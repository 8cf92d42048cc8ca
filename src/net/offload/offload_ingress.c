#include "net/offload/offload_ingress.h"

/* A port of a bond that is a port of a bridge, and more than anyone has: it bounds the search if
 * the links change while they are read. */
enum { UPPER_MAX = 8 };

struct table {
    uint64_t words[OFFLOAD_INGRESS_MAX];
    size_t count;
    const struct interface_link *links;
    size_t link_count;
};

static const struct interface_link *find(const struct table *table, uint32_t index)
{
    return interface_links_find(table->links, table->link_count, index);
}

static bool has(const struct table *table, uint32_t index)
{
    for (size_t i = 0; i < table->count; i++)
        if (offload_ingress_index(table->words[i]) == index)
            return true;
    return false;
}

/* Adds a link, unless it is in the table already or cannot be. A bridge that filters VLANs is not
 * taken for an upper one: what it receives by this port may be of a VLAN. The sockets report the
 * bridge, so none of its clients is the program's. */
static void add(struct table *table, const struct interface_link *link, bool is_generic)
{
    const struct interface_link *upper = link, *next = link;
    uint32_t mtu = link->mtu < OFFLOAD_MTU_MAX ? link->mtu : OFFLOAD_MTU_MAX;

    for (int i = 0; i < UPPER_MAX && next != NULL; i++) {
        upper = next;
        if (upper->mtu < mtu)
            mtu = upper->mtu;
        next = find(table, upper->upper);
        if (next != NULL && next->filters_vlans)
            break;
    }
    if (table->count == OFFLOAD_INGRESS_MAX || has(table, link->index) ||
        link->index > OFFLOAD_INTERFACE_MASK || upper->index > OFFLOAD_INTERFACE_MASK)
        return;
    table->words[table->count++] = offload_ingress_word(link->index, upper->index, mtu, is_generic);
}

/* In the generic receive path the program sees the frames of the bond itself. */
static void add_ports(struct table *table, const struct offload_attachment *attachment)
{
    for (size_t i = 0; i < table->link_count; i++)
        if (!attachment->is_generic && table->links[i].upper == attachment->index)
            add(table, &table->links[i], false);
}

void offload_ingress_update(struct offload_ingress *ingress,
                            const struct offload_attachment *attachments, size_t count,
                            const struct interface_link *links, size_t link_count)
{
    struct table table = {.links = links, .link_count = link_count};

    for (size_t i = 0; i < count; i++) {
        const struct interface_link *link = find(&table, attachments[i].index);
        if (link != NULL)
            add(&table, link, attachments[i].is_generic);
    }
    for (size_t i = 0; i < count; i++)
        add_ports(&table, &attachments[i]);
    for (size_t i = 0; i < OFFLOAD_INGRESS_MAX; i++)
        __atomic_store_n(&ingress->interfaces[i], table.words[i], __ATOMIC_RELAXED);
}

bool offload_ingress_is_upper(const struct offload_ingress *ingress, uint32_t interface)
{
    for (size_t i = 0; i < OFFLOAD_INGRESS_MAX; i++) {
        uint64_t word = __atomic_load_n(&ingress->interfaces[i], __ATOMIC_RELAXED);
        if (word != 0 && offload_ingress_upper(word) == interface)
            return true;
    }
    return false;
}
