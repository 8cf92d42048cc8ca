#ifndef CTL_BRIDGE_STREAM_APPENDER_H
#define CTL_BRIDGE_STREAM_APPENDER_H

#include "ctl/bridge/append_command.h"
#include "ctl/bridge/redis_connection.h"

#include <stdbool.h>
#include <stdint.h>

/* Appends what clients send, and events, to a stream, over a connection of its own, since that of
 * the reader blocks. While Redis is away they wait in memory of APPENDER_QUEUE_BYTES. */

enum { APPENDER_QUEUE_BYTES = 8 << 20 };

struct stream_appender;

struct stream_appender_counts {
    uint64_t appended; /* entries that Redis has accepted */
    uint64_t lost;     /* by the server or here, since Redis or the bridge was too slow */
};

struct stream_appender_callbacks {
    /* Redis has answered all that was added. */
    void (*emptied)(void *state);
    /* Redis has refused the connection or a command for a reason that stays; it is printed. */
    void (*refused)(void *state);
};

/* settings, target and callbacks must outlive it. Returns NULL if memory or descriptors are short.
 */
struct stream_appender *stream_appender_new(struct loop *loop,
                                            const struct redis_connection_settings *settings,
                                            const struct append_target *target,
                                            const struct stream_appender_callbacks *callbacks,
                                            void *state);
/* NULL does nothing. */
void stream_appender_free(struct stream_appender *appender);

/* Takes a line `message`, `from`, `event` or `lost` of a gateway's session; value is changed. Other
 * lines are ignored. Returns NULL, or what is wrong with the line as a static string. */
const char *stream_appender_add(struct stream_appender *appender, const char *key, char *value);

bool stream_appender_is_empty(const struct stream_appender *appender);

struct stream_appender_counts stream_appender_count(const struct stream_appender *appender);

#endif
