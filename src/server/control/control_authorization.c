#include "server/control/control_authorization.h"

#include "net/unix/unix_listener.h"
#include "os/log/log.h"
#include "os/process/clock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

bool control_authorize(const struct control *control, int fd, struct unix_peer *peer)
{
    static const char refusal[] = "error cannot open a session: you have no permission; "
                                  "control.mode and control.group decide who may connect\n.\n";
    int error = unix_peer_authorize(fd, control->options.mode, &control->file.owner, peer);
    if (error == 0)
        return true;
    char uid[24] = "-";
    if (error == -EACCES)
        snprintf(uid, sizeof uid, "%lu", (unsigned long)peer->uid);
    log_limited(LOG_KIND_CONTROL_DENIED, clock_now_ms(), "refused an operator's connection", "uid",
                uid, "reason", strerror(-error), "advice",
                "permit this user by control.mode and control.group, or find out why it connects",
                NULL);
    unix_listener_reject(fd, refusal, sizeof refusal - 1);
    return false;
}
