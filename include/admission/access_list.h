#ifndef ADMISSION_ACCESS_LIST_H
#define ADMISSION_ACCESS_LIST_H

#include "address/addr.h"
#include "address/cidr.h"

#include <stdbool.h>
#include <stddef.h>

/* The allow and deny lists of networks: whether a source address is allowed. The longest block that
 * contains the source decides; a block that is in both lists is denied. A source that no block
 * contains is allowed if the allow list is empty, and denied if it is not.
 *
 * A list never changes after it was made, so all threads may use it at once; a reload makes a new
 * one. A block has at most two boundaries. A lookup is one binary search in the boundaries of all
 * blocks: 18 steps for 100,000 blocks. It takes up to three times that if blocks longer than /64
 * divide the /64 of the source. */
struct access_list;

enum { ACCESS_LIST_BLOCKS_MAX = 100000 /* of each list */ };

/* Makes a list from blocks in any order, also with duplicates. It copies what it needs. Returns
 * NULL if there is no memory. */
struct access_list *access_list_new(const struct cidr *allow, size_t allow_count,
                                    const struct cidr *deny, size_t deny_count);
/* Frees a list. NULL is ignored. */
void access_list_free(struct access_list *acl);

/* Whether the source is allowed. Its port and scope are ignored; family ADDR_NONE is denied. */
bool access_list_admits(const struct access_list *acl, const struct addr *source);

#endif
