#ifndef NET_OFFLOAD_OFFLOAD_INGRESS_H
#define NET_OFFLOAD_OFFLOAD_INGRESS_H

#include "net/interface/interface_links.h"
#include "offload/offload_tables.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The table of the interfaces by which the program receives frames (struct offload_ingress). */

/* An interface that the program was attached to. */
struct offload_attachment {
    uint32_t index;
    bool is_generic; /* in the generic receive path */
};

/* Has the table follow the links of this host: it gets the interfaces of attachments, and the ports
 * of those that are bonds, whose driver passes the program on to them. What has no room, and an
 * interface whose index or whose upper one's is 2^OFFLOAD_INTERFACE_BITS or more, is not in it.
 * Each word is written once, while the program and other threads may read it. */
void offload_ingress_update(struct offload_ingress *ingress,
                            const struct offload_attachment *attachments, size_t count,
                            const struct interface_link *links, size_t link_count);

/* Whether the program receives frames whose datagrams the network stack receives by that interface.
 * Any thread. */
bool offload_ingress_is_upper(const struct offload_ingress *ingress, uint32_t interface);

#endif
