/* Blocks to allow and to deny, laid out as borders on a line: between two of them the answer is the
 * same, and at each it changes, so that the number of the border says what it is. */
#include "admission/access_list.h"

#include <endian.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* An address as a number; an IPv4 address has its 32 bits at the top of high. */
struct point {
    uint64_t high, low;
};

/* A block to be laid out: from its first address to its last. */
struct block {
    struct point first, last;
    uint8_t bits;
    bool allowed;
};

/* One family's line. The stretch that begins at border i is allowed if i is even, turned round if
 * `turned`; border 0 is the line's beginning. */
struct line {
    uint64_t *high, *low; /* of the borders, in order */
    size_t count;
    bool turned;
};

struct access_list {
    struct line lines[2]; /* of IPv4, of IPv6 */
};

/* ---- questions ---- */

/* The last border that isn't above the point; the first one never is. Both halves of a step cost
 * the same, and no branch is guessed. */
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

/* The last border that isn't above the point, which has the upper 64 bits of border i and lies
 * before it. There is one: border 0 is all zeros. */
static size_t last_before(const struct line *line, size_t i, struct point point)
{
    size_t first = 0; /* of those with these upper 64 bits */
    if (point.high > 0 && line->high[0] < point.high)
        first = last_not_above(line->high, i, point.high - 1) + 1;
    if (line->low[first] > point.low)
        return first - 1;
    return first + last_not_above(line->low + first, i - first, point.low);
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
    const struct line *line = &acl->lines[source->family == ADDR_IPV6];
    struct point point = point_of(source->ip);
    size_t i = last_not_above(line->high, line->count, point.high);
    /* Only where a block longer than /64 divides these very upper 64 bits. */
    if (line->high[i] == point.high && line->low[i] > point.low)
        i = last_before(line, i, point);
    return (i % 2 == 0) != line->turned;
}

/* ---- making ---- */

static int compare_points(const struct point *a, const struct point *b)
{
    if (a->high != b->high)
        return a->high < b->high ? -1 : 1;
    return (a->low > b->low) - (a->low < b->low);
}

/* By first address, the wider one first; of one block twice the denied one last, where it counts.
 */
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

/* From this point on the answer is allowed. A border at the same point takes the other's place; one
 * that changes nothing is none. */
static void set_border(struct line *line, struct point at, bool allowed)
{
    size_t last = line->count;
    if (last == 0) {
        line->turned = !allowed;
    } else {
        if (line->high[last - 1] == at.high && line->low[last - 1] == at.low) {
            if (last == 1) {
                line->turned = !allowed;
                return;
            }
            last = --line->count;
        }
        bool before = ((last - 1) % 2 == 0) != line->turned;
        if (before == allowed)
            return;
    }
    line->high[last] = at.high;
    line->low[last] = at.low;
    line->count = last + 1;
}

/* Ends the innermost open block: behind it the one around it goes on. */
static void end_block(struct line *line, const struct block *ended, bool outside)
{
    struct point behind = ended->last;
    if (++behind.low == 0 && ++behind.high == 0)
        return; /* the line ends with it */
    set_border(line, behind, outside);
}

/* Walks over the blocks in order, those that are open at a time on a stack: at most one of each
 * length, and one more for a block that is in both lists. */
static void lay_out(struct line *line, const struct block *blocks, size_t count, bool otherwise)
{
    const struct block *open[2 * 129];
    size_t depth = 0;
    set_border(line, (struct point){0, 0}, otherwise);
    for (size_t i = 0; i <= count; i++) {
        while (depth > 0 &&
               (i == count || compare_points(&open[depth - 1]->last, &blocks[i].first) < 0)) {
            depth--;
            end_block(line, open[depth], depth > 0 ? open[depth - 1]->allowed : otherwise);
        }
        if (i == count)
            break;
        /* The same block again takes its place: doubles can't fill the stack. */
        if (depth > 0 && open[depth - 1]->bits == blocks[i].bits)
            depth--;
        open[depth++] = &blocks[i];
        set_border(line, blocks[i].first, blocks[i].allowed);
    }
}

static bool make_line(struct line *line, uint8_t family, const struct cidr *allow,
                      size_t allow_count, const struct cidr *deny, size_t deny_count)
{
    size_t count = allow_count + deny_count, borders = 2 * count + 1;
    struct block *blocks = calloc(count + 1, sizeof *blocks);
    line->high = calloc(borders, sizeof *line->high);
    line->low = calloc(borders, sizeof *line->low);
    bool done = blocks != NULL && line->high != NULL && line->low != NULL;
    if (done) {
        count = collect(blocks, 0, family, allow, allow_count, true);
        count = collect(blocks, count, family, deny, deny_count, false);
        qsort(blocks, count, sizeof *blocks, compare_blocks);
        lay_out(line, blocks, count, allow_count == 0);
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
    if (make_line(&acl->lines[0], ADDR_IPV4, allow, allow_count, deny, deny_count) &&
        make_line(&acl->lines[1], ADDR_IPV6, allow, allow_count, deny, deny_count))
        return acl;
    access_list_free(acl);
    return NULL;
}

void access_list_free(struct access_list *acl)
{
    if (acl == NULL)
        return;
    for (size_t i = 0; i < 2; i++) {
        free(acl->lines[i].high);
        free(acl->lines[i].low);
    }
    free(acl);
}
