#include "server/startup_error.h"

#include "net/socket/socket_option.h"
#include "os/log/log.h"

#include <errno.h>

int startup_error_report(const char *what, const char *on, int error, const char *advice)
{
    log_event(LOG_LEVEL_ERROR, what, "on", on, "reason", socket_option_error(-error), "advice",
              advice, NULL);
    return error;
}

const char *startup_error_advice(int error, const char *otherwise)
{
    switch (error) {
    case -EMFILE:
        return "raise the limit on open files (ulimit -n)";
    case -ENFILE:
        return "raise fs.file-max, or close files elsewhere";
    case -ENOBUFS:
        return "free some memory";
    case -ENOMEM:
        return "lower clients.max, or provide more memory";
    default:
        return otherwise;
    }
}
