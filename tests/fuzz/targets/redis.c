/* redis/resp_parser and redis/stream_read, and the requests that entries become: any bytes, in any
 * pieces, give the same elements; an entry that is complete is either wrong or one line of the
 * control protocol. The first byte is the size of the pieces. */
#include "target.h"

#include "ctl/bridge/publish_request.h"
#include "redis/stream_read.h"

#include <stdbool.h>
#include <string.h>

static struct resp_parser whole, pieces;
static struct stream_read read_state;
static char request[PUBLISH_REQUEST_BYTES];

static void check_entry(const struct stream_entry *entry)
{
    const struct device_name name = {.size = 1, .bytes = {'s'}};
    if (entry->wrong != NULL)
        return;
    must(entry->has_payload && entry->payload_size <= CONFIG_MESSAGE_BYTES_MAX);
    size_t size = publish_request_write(request, 1, &name, UINT64_MAX, entry);
    must(size <= sizeof request && memcmp(request, "broadcast 1 key=s:", 18) == 0);
    must(memchr(request, '\n', size) == request + size - 1);
    must(memchr(request, '\0', size) == NULL);
}

/* Returns false if the element cannot belong to a read. */
static bool take_element(const struct resp_element *element)
{
    switch (stream_read_take(&read_state, element)) {
    case STREAM_READ_ENTRY:
        check_entry(&read_state.entry);
        break;
    case STREAM_READ_REFUSED:
        must(read_state.error[0] != '\0' || read_state.is_done);
        break;
    case STREAM_READ_INVALID:
        must(read_state.wrong != NULL);
        return false;
    case STREAM_READ_DONE:
    case STREAM_READ_MORE:
        break;
    }
    if (read_state.is_done)
        stream_read_begin(&read_state);
    return true;
}

static void feed(struct resp_parser *parser, const uint8_t *bytes, size_t size)
{
    size_t capacity;
    char *space = resp_parser_space(parser, &capacity);
    must(capacity >= size);
    memcpy(space, bytes, size);
    resp_parser_add(parser, size);
}

/* Takes the next element of both parsers, the second of which gets its bytes in pieces. */
static bool take_both(const uint8_t **at, const uint8_t *end, size_t piece)
{
    struct resp_element one = resp_parser_next(&whole), other = resp_parser_next(&pieces);
    while (other.kind == RESP_NONE && *at < end) {
        size_t size = (size_t)(end - *at) < piece ? (size_t)(end - *at) : piece;
        feed(&pieces, *at, size);
        *at += size;
        other = resp_parser_next(&pieces);
    }
    must(one.kind == other.kind && one.size == other.size && one.integer == other.integer);
    must(one.depth == other.depth && one.index == other.index && one.is_last == other.is_last);
    must(one.ends_reply == other.ends_reply && (one.bytes == NULL) == (other.bytes == NULL));
    must(one.bytes == NULL || memcmp(one.bytes, other.bytes, (size_t)one.size) == 0);
    must(one.depth <= RESP_DEPTH_MAX && (one.kind == RESP_INVALID) == (whole.wrong != NULL));
    return one.kind != RESP_NONE && one.kind != RESP_INVALID && take_element(&one);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    enum { SIZE_MAX_FED = 64 << 10 };
    if (size == 0 || size > SIZE_MAX_FED)
        return 0;
    const uint8_t *at = bytes + 1, *end = bytes + size;
    resp_parser_init(&whole);
    resp_parser_init(&pieces);
    stream_read_begin(&read_state);
    feed(&whole, at, size - 1);
    while (take_both(&at, end, (size_t)bytes[0] % 32 + 1))
        ;
    return 0;
}
