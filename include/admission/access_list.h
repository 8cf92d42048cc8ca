#ifndef ADMISSION_ACCESS_LIST_H
#define ADMISSION_ACCESS_LIST_H

#include "address/addr.h"
#include "address/cidr.h"

#include <stdbool.h>
#include <stddef.h>

/* Who may speak at all: lists of blocks to allow and to deny, of which the longest that holds a
 * source decides. A block in both lists is denied. What no block holds is allowed if the allow list
 * is empty, and denied if it isn't: who lists friends means nobody else.
 *
 * Once made it never changes, so all threads may ask it at once; a reload makes another one. A
 * question is one binary search among the borders of blocks, of which there are at most two for
 * each: for 100,000 blocks 18 steps, whatever the source, and up to three times that where blocks
 * longer than /64 divide its very /64. */
struct access_list;

enum { ACCESS_LIST_BLOCKS_MAX = 100000 /* of each list */ };

/* Makes one of the lists, which it doesn't keep, in any order, with doubles or without. NULL when
 * memory is short. */
struct access_list *access_list_new(const struct cidr *allow, size_t allow_count,
                                    const struct cidr *deny, size_t deny_count);
void access_list_free(struct access_list *acl);

/* Whether the source may speak; port and scope don't matter. One of family ADDR_NONE may not. */
bool access_list_admits(const struct access_list *acl, const struct addr *source);

#endif
