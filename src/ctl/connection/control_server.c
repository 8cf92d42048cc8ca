#include "ctl/connection/control_server.h"

#include "net/socket/socket_descriptor.h"
#include "net/unix/unix_client.h"
#include "os/file/control_path.h"

#include <errno.h>
#include <string.h>

enum answer_result control_server_check_directory(const struct control_server *server,
                                                  char error[ANSWER_ERROR_BYTES])
{
    int trust = control_path_check_directory(server->path);
    if (trust != -EPERM && trust != -ENOTDIR)
        return ANSWER_OK;
    snprintf(
        error, ANSWER_ERROR_BYTES,
        "cannot trust %s: other users may write to its directory, so any of them could answer; "
        "remove it, or name another socket with -s",
        server->path);
    return ANSWER_FAILED;
}

/* Whether a server listens there, even one that this user may not connect to. */
static bool is_served(const char *path, uint32_t timeout_ms)
{
    int fd = unix_client_connect(path, timeout_ms);
    if (fd >= 0)
        socket_close(fd);
    return fd >= 0 || fd == -EACCES;
}

static enum answer_result no_server(const struct control_server *server, int why,
                                    char error[ANSWER_ERROR_BYTES])
{
    const char *fallback = server->fallback_path;
    if (fallback && is_served(fallback, server->timeout_ms))
        snprintf(error, ANSWER_ERROR_BYTES,
                 "cannot connect to %s: no server answers there (%s), but one does at %s; use "
                 "-s %s, with sudo if you have no permission",
                 server->path, strerror(why), fallback, fallback);
    else
        snprintf(error, ANSWER_ERROR_BYTES,
                 "cannot connect to %s: no server answers there (%s); start udpsrv, or name its "
                 "socket with -s",
                 server->path, strerror(why));
    return ANSWER_NO_SERVER;
}

enum answer_result control_server_connect_error(const struct control_server *server, int why,
                                                char error[ANSWER_ERROR_BYTES])
{
    if (why == ENOENT || why == ECONNREFUSED)
        return no_server(server, why, error);
    if (why == EACCES)
        snprintf(error, ANSWER_ERROR_BYTES,
                 "cannot connect to %s: %s; join the group that may use the socket (control.mode, "
                 "control.group), or use sudo",
                 server->path, strerror(why));
    else
        snprintf(error, ANSWER_ERROR_BYTES, "cannot connect to %s: %s; name another socket with -s",
                 server->path,
                 why == EAGAIN ? "the server is busy, and the timeout has expired" : strerror(why));
    return ANSWER_FAILED;
}
