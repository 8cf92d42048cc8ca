/* The blocks of a family are made into sorted boundaries, the addresses at which the result
 * changes. Results alternate, so the index of the boundary before a source gives its result. */
#include "admission/access_list.h"

#include <endian.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* An address as a number. An IPv4 address is in the upper 32 bits of high. */
struct point {
    uint64_t high, low;
};

/* A block, from its first address to its last. */
struct block {
    struct point first, last;
    uint8_t bits;
    bool allowed;
};

/* The boundaries of one family. The range from boundary i to the next one is allowed if i is even,
 * or, if `inverted`, if i is odd. Boundary 0 is the address of zeros. */
struct boundaries {
    uint64_t *high, *low; /* the two halves of each boundary, in ascending order */
    size_t count;
    bool inverted;
};

struct access_list {
    struct boundaries families[2]; /* of IPv4, of IPv6 */
};

/* ---- lookup ---- */

/* The last boundary that is not above the point; there is one, because the first one is 0. Both
 * cases of a step cost the same, and there is no branch to mispredict. */
static size_t last_not_above(const uint64_t *high, size_t count, uint64_t point)
{
    const uint64_t *at = high;
    while (count > 1) {
        size_t half = count / 2;
        at = at[half] <= point ? at + half : at;
        count -= half;
    }
    return (size_t)(at - high);
}

/* The last boundary that is not above the point, which has the upper 64 bits of boundary i and is
 * before it. There is one, because boundary 0 is 0. */
static size_t last_before(const struct boundaries *list, size_t i, struct point point)
{
    size_t first = 0; /* the first boundary with these upper 64 bits */
    if (point.high > 0 && list->high[0] < point.high)
        first = last_not_above(list->high, i, point.high - 1) + 1;
    if (list->low[first] > point.low)
        return first - 1;
    return first + last_not_above(list->low + first, i - first, point.low);
}

static struct point point_of(const uint8_t ip[16])
{
    struct point point;
    memcpy(&point.high, ip, 8);
    memcpy(&point.low, ip + 8, 8);
    point.high = be64toh(point.high);
    point.low = be64toh(point.low);
    return point;
}

bool access_list_admits(const struct access_list *acl, const struct addr *source)
{
    if (source->family == ADDR_NONE)
        return false;
    const struct boundaries *list = &acl->families[source->family == ADDR_IPV6];
    struct point point = point_of(source->ip);
    size_t i = last_not_above(list->high, list->count, point.high);
    /* Only if a block longer than /64 divides the /64 of the source. */
    if (list->high[i] == point.high && list->low[i] > point.low)
        i = last_before(list, i, point);
    return (i % 2 == 0) != list->inverted;
}

/* ---- construction ---- */

static int compare_points(const struct point *a, const struct point *b)
{
    if (a->high != b->high)
        return a->high < b->high ? -1 : 1;
    return (a->low > b->low) - (a->low < b->low);
}

/* Orders by first address, then the wider block first. If a block is in both lists, the denied one
 * is last, because the last one decides. */
static int compare_blocks(const void *left, const void *right)
{
    const struct block *a = left, *b = right;
    int by = compare_points(&a->first, &b->first);
    if (by == 0)
        by = (a->bits > b->bits) - (a->bits < b->bits);
    return by != 0 ? by : b->allowed - a->allowed;
}

static struct block block_of(const struct cidr *cidr, bool allowed)
{
    struct block block = {.first = point_of(cidr->ip), .bits = cidr->bits, .allowed = allowed};
    uint64_t high = cidr->bits < 64 ? UINT64_MAX >> cidr->bits : 0;
    uint64_t low = UINT64_MAX;
    if (cidr->bits > 64)
        low = cidr->bits < 128 ? UINT64_MAX >> (cidr->bits - 64) : 0;
    block.last = (struct point){block.first.high | high, block.first.low | low};
    return block;
}

static size_t collect(struct block *blocks, size_t count, uint8_t family, const struct cidr *list,
                      size_t list_count, bool allowed)
{
    for (size_t i = 0; i < list_count; i++)
        if (list[i].family == family)
            blocks[count++] = block_of(&list[i], allowed);
    return count;
}

/* Makes the result `allowed` from this point on. It replaces a boundary at the same point, and adds
 * none where the result does not change. */
static void set_boundary(struct boundaries *list, struct point at, bool allowed)
{
    size_t last = list->count;
    if (last == 0) {
        list->inverted = !allowed;
    } else {
        if (list->high[last - 1] == at.high && list->low[last - 1] == at.low) {
            if (last == 1) {
                list->inverted = !allowed;
                return;
            }
            last = --list->count;
        }
        bool before = ((last - 1) % 2 == 0) != list->inverted;
        if (before == allowed)
            return;
    }
    list->high[last] = at.high;
    list->low[last] = at.low;
    list->count = last + 1;
}

/* Ends the innermost open block. The result after it is that of the block around it. */
static void end_block(struct boundaries *list, const struct block *ended, bool outside)
{
    struct point after = ended->last;
    if (++after.low == 0 && ++after.high == 0)
        return; /* it ends with the last address */
    set_boundary(list, after, outside);
}

/* Makes the boundaries of sorted blocks. `otherwise` is the result outside of all blocks. The
 * blocks around the current point are on a stack: at most one of each length. */
static void set_boundaries(struct boundaries *list, const struct block *blocks, size_t count,
                           bool otherwise)
{
    const struct block *open[2 * 129];
    size_t depth = 0;
    set_boundary(list, (struct point){0, 0}, otherwise);
    for (size_t i = 0; i <= count; i++) {
        while (depth > 0 &&
               (i == count || compare_points(&open[depth - 1]->last, &blocks[i].first) < 0)) {
            depth--;
            end_block(list, open[depth], depth > 0 ? open[depth - 1]->allowed : otherwise);
        }
        if (i == count)
            break;
        /* The same block again replaces it, so duplicates cannot fill the stack. */
        if (depth > 0 && open[depth - 1]->bits == blocks[i].bits)
            depth--;
        open[depth++] = &blocks[i];
        set_boundary(list, blocks[i].first, blocks[i].allowed);
    }
}

static bool make_boundaries(struct boundaries *list, uint8_t family, const struct cidr *allow,
                            size_t allow_count, const struct cidr *deny, size_t deny_count)
{
    size_t count = allow_count + deny_count, count_max = 2 * count + 1;
    struct block *blocks = calloc(count + 1, sizeof *blocks);
    list->high = calloc(count_max, sizeof *list->high);
    list->low = calloc(count_max, sizeof *list->low);
    bool done = blocks != NULL && list->high != NULL && list->low != NULL;
    if (done) {
        count = collect(blocks, 0, family, allow, allow_count, true);
        count = collect(blocks, count, family, deny, deny_count, false);
        qsort(blocks, count, sizeof *blocks, compare_blocks);
        set_boundaries(list, blocks, count, allow_count == 0);
    }
    free(blocks);
    return done;
}

struct access_list *access_list_new(const struct cidr *allow, size_t allow_count,
                                    const struct cidr *deny, size_t deny_count)
{
    struct access_list *acl = calloc(1, sizeof *acl);
    if (acl == NULL)
        return NULL;
    if (make_boundaries(&acl->families[0], ADDR_IPV4, allow, allow_count, deny, deny_count) &&
        make_boundaries(&acl->families[1], ADDR_IPV6, allow, allow_count, deny, deny_count))
        return acl;
    access_list_free(acl);
    return NULL;
}

void access_list_free(struct access_list *acl)
{
    if (acl == NULL)
        return;
    for (size_t i = 0; i < 2; i++) {
        free(acl->families[i].high);
        free(acl->families[i].low);
    }
    free(acl);
}
