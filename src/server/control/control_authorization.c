#include "server/control/control_authorization.h"

#include "net/unix/unix_listener.h"
#include "os/log/log.h"
#include "os/process/clock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

bool control_authorize(const struct control *control, int fd, struct unix_peer *peer)
{
    const struct control_role *role = control->options.role;
    int error = unix_peer_authorize(fd, control->options.mode, &control->file.owner, peer);
    if (error == 0)
        return true;
    char uid[24] = "-";
    if (error == -EACCES)
        snprintf(uid, sizeof uid, "%lu", (unsigned long)peer->uid);
    log_limited(role->kind_denied, clock_now_ms(), role->denied, "uid", uid, "reason",
                strerror(-error), "advice", role->denied_advice, NULL);
    unix_listener_reject(fd, role->denied_answer, strlen(role->denied_answer));
    return false;
}
