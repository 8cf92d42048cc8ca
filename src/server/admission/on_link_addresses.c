#include "server/admission/on_link_addresses.h"

#include "net/interface/interface.h"
#include "net/interface/neighbour.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

static int list_unknown(struct access_list **on_link, const struct cidr *networks,
                        size_t network_count)
{
    struct cidr *neighbours;
    size_t count;
    int error = neighbour_list(&neighbours, &count, ACCESS_LIST_BLOCKS_MAX);
    if (error != 0)
        return error;
    *on_link = access_list_new(networks, network_count, neighbours, count);
    free(neighbours);
    return *on_link == NULL ? -ENOMEM : 0;
}

int on_link_addresses_list(struct access_list **on_link)
{
    struct cidr *networks;
    size_t count;
    *on_link = NULL;
    int error = interface_networks(&networks, &count);
    if (error != 0)
        return error;
    if (count > 0)
        error = list_unknown(on_link, networks,
                             count < ACCESS_LIST_BLOCKS_MAX ? count : ACCESS_LIST_BLOCKS_MAX);
    free(networks);
    return error;
}
