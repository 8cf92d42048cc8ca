#ifndef REDIS_STREAM_READ_H
#define REDIS_STREAM_READ_H

#include "redis/resp_parser.h"
#include "redis/stream_entry.h"
#include "redis/stream_position.h"
#include "text/text_buffer.h"

/* One read of a stream: the transaction
 *
 *     MULTI
 *     XINFO STREAM key
 *     XREAD COUNT n STREAMS key id
 *     EXEC
 *
 * and the state machine that takes the elements of its four replies. XINFO and XREAD are of one
 * moment, so no entry can be removed between them: what is missing is known exactly. Redis 7.0 or
 * later is needed, whose XINFO has entries-added. */

enum { STREAM_READ_ERROR_BYTES = 256 };

struct stream_read {
    struct stream_info info;
    struct stream_entry entry;           /* after STREAM_READ_ENTRY */
    uint64_t count;                      /* of entries so far */
    bool is_done;                        /* all replies have been taken */
    char error[STREAM_READ_ERROR_BYTES]; /* after STREAM_READ_REFUSED: the error of Redis */
    const char *wrong;                   /* after STREAM_READ_INVALID: what is wrong */
    unsigned reply;                      /* that the next element belongs to, from 0 */
    unsigned found;                      /* bits of the members of XINFO that were read */
    unsigned member;                     /* of XINFO whose value follows */
    uint64_t section;                    /* 0: XINFO, 1: XREAD */
    enum stream_field field;             /* whose value follows */
};

enum stream_read_result {
    STREAM_READ_MORE,    /* another element is needed */
    STREAM_READ_ENTRY,   /* info and an entry are complete; is_done: it is the last one */
    STREAM_READ_DONE,    /* all replies have been taken; info is complete */
    STREAM_READ_REFUSED, /* all replies have been taken, and one of them is an error */
    STREAM_READ_INVALID, /* these are not the replies to a read */
};

/* Adds the commands of a read after the entry `after`, of at most count entries. */
void stream_read_command(struct text_buffer *out, const char *key, const struct entry_id *after,
                         unsigned count);

/* Adds a command that is answered when the stream has an entry after that one, or block_ms have
 * passed. The reply is only a signal: the entry is read by the next read. */
void stream_read_wait_command(struct text_buffer *out, const char *key,
                              const struct entry_id *after, unsigned block_ms);

/* Begins to take the replies to stream_read_command. */
void stream_read_begin(struct stream_read *read);

/* Takes an element that is not RESP_NONE or RESP_INVALID. After DONE, REFUSED and INVALID call
 * stream_read_begin. */
enum stream_read_result stream_read_take(struct stream_read *read,
                                         const struct resp_element *element);

#endif
