#ifndef NET_OFFLOAD_OFFLOAD_INDEX_H
#define NET_OFFLOAD_OFFLOAD_INDEX_H

#include "address/addr.h"
#include "offload/client_index.h"
#include "offload/offload_tables.h"

#include <stdint.h>

/* The index of clients in the memory that is shared with the program (offload/offload_tables): the
 * server's side, which enters and removes. Any number of threads call it at the same time, each for
 * records of its own, and the program reads at any moment. */
struct offload_index {
    struct offload_index_head *head; /* the lines follow it */
    struct offload_record *records;
};

/* Makes the index of a new table, for offload_size.records of that number, with a random key.
 * Returns 0 or -errno. */
int offload_index_init(struct offload_index_head *head, uint32_t records);

/* Writes a client's addresses into its record, whose tag it has already, and enters it. An entry of
 * the same addresses, which another worker may have, is replaced, or not found any more. Returns 0;
 * or -E2BIG if neither of its lines has room: a place, and no entry of another client with the same
 * mark. */
int offload_index_add(const struct offload_index *index, const struct addr *source,
                      const struct addr *local, const struct offload_client *client);

/* Removes the entry that names a record, if there is one: it may have been replaced. */
void offload_index_remove(const struct offload_index *index, uint32_t record);

#endif
