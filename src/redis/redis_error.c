#include "redis/redis_error.h"

#include <stddef.h>
#include <string.h>

/* Before the error for which Redis refuses EXEC itself. */
static const char ABORTED[] = "EXECABORT Transaction discarded because of: ";

const char *redis_error_advice(const char *error)
{
    if (strncmp(error, ABORTED, strlen(ABORTED)) == 0)
        error += strlen(ABORTED);
    static const struct {
        const char *begin, *advice;
    } rows[] = {
        {"NOAUTH", "give the password by --password-file or REDISCLI_AUTH"},
        {"WRONGPASS", "check the password, and the user of --user"},
        {"ERR AUTH", "check whether this Redis has a password, and its version"},
        {"ERR Client sent AUTH", "leave the password out"},
        {"NOPERM", "permit the user the commands and the key that udpctl(8) lists"},
        {"WRONGTYPE", "give the name of a stream"},
        {"ERR DB index", "give a database that this Redis has"},
        {"ERR unknown command", "use Redis 7.0 or later"},
        {"XINFO STREAM has no entries-added", "use Redis 7.0 or later"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strncmp(error, rows[i].begin, strlen(rows[i].begin)) == 0)
            return rows[i].advice;
    return NULL;
}
