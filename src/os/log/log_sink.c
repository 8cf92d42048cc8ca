#include "os/log/log_sink.h"

#include "os/process/clock.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

enum {
    HEAD_BYTES = 128, /* for the priority, time, name and pid of a line for the socket */
};

static const char *const level_names[] = {
    [LOG_LEVEL_ERROR] = "error",
    [LOG_LEVEL_WARNING] = "warning",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_DEBUG] = "debug",
};

static const int severities[] = {
    [LOG_LEVEL_ERROR] = LOG_ERR,
    [LOG_LEVEL_WARNING] = LOG_WARNING,
    [LOG_LEVEL_INFO] = LOG_INFO,
    [LOG_LEVEL_DEBUG] = LOG_DEBUG,
};

const char *log_level_name(enum config_log_level level)
{
    return level_names[level];
}

void log_sink_init(struct log_sink *sink, const char *name, const char *path, int wake)
{
    *sink = (struct log_sink){.name = name, .path = path, .wake = wake, .socket = -1};
}

void log_sink_close(struct log_sink *sink)
{
    if (sink->socket >= 0)
        close(sink->socket);
    sink->socket = -1;
}

/* ---- Standard error ---- */

static size_t write_line(char bytes[LOG_LINE_BYTES], const struct log_line *line)
{
    char time[CLOCK_WALL_TEXT_BYTES];
    const char *text = line->text;
    size_t size = line->size;
    int head;

    clock_text(line->wall_ms, time);
    if (line->format == LOG_FORMAT_JSON) {
        head = snprintf(bytes, LOG_LINE_BYTES, "{\"time\":\"%s\",", time);
        text++; /* skips its brace */
        size--;
    } else if (line->format == LOG_FORMAT_LOGFMT) {
        head = snprintf(bytes, LOG_LINE_BYTES, "time=%s ", time);
    } else {
        head = snprintf(bytes, LOG_LINE_BYTES, "%s %s ", time, level_names[line->level]);
    }
    memcpy(bytes + head, text, size);
    bytes[(size_t)head + size] = '\n';
    return (size_t)head + size + 1;
}

static bool is_ready(int fd)
{
    struct pollfd wait = {.fd = fd, .events = POLLOUT};
    return poll(&wait, 1, 0) == 1;
}

/* Standard error may be non-blocking if another process that shares it has set that. */
static void wait_until_writable(int fd)
{
    struct pollfd wait = {.fd = fd, .events = POLLOUT};
    poll(&wait, 1, -1);
}

static int write_to_stderr(const struct log_sink *sink, const struct log_line *line)
{
    char bytes[LOG_LINE_BYTES];
    size_t size = write_line(bytes, line), written = 0;

    if (sink->wake < 0 && !is_ready(STDERR_FILENO))
        return -EAGAIN;
    while (written < size) {
        ssize_t part = write(STDERR_FILENO, bytes + written, size - written);
        if (part >= 0)
            written += (size_t)part;
        else if (errno == EAGAIN && sink->wake >= 0)
            wait_until_writable(STDERR_FILENO);
        else if (errno != EINTR)
            return -errno;
    }
    return 0;
}

/* ---- The socket of the log daemon ---- */

static int connect_as(struct log_sink *sink, int type)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (strlen(sink->path) >= sizeof address.sun_path)
        return -ENAMETOOLONG;
    strcpy(address.sun_path, sink->path);
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        int error = -errno;
        close(fd);
        return error;
    }
    sink->socket = fd;
    sink->stream = type == SOCK_STREAM;
    return 0;
}

static int connect_sink(struct log_sink *sink)
{
    int error = connect_as(sink, SOCK_DGRAM);
    return error == -EPROTOTYPE ? connect_as(sink, SOCK_STREAM) : error;
}

/* Waits until the socket is writable. Returns false if the line must not wait any longer. */
static bool wait_for_daemon(struct log_sink *sink)
{
    struct pollfd wait[] = {{.fd = sink->socket, .events = POLLOUT},
                            {.fd = sink->wake, .events = POLLIN}};

    if (sink->wake < 0 || sink->stderr_only)
        return false;
    poll(wait, 2, -1);
    if (wait[1].revents == 0 || wait[0].revents != 0)
        return true;
    sink->stderr_only = poll(wait, 1, LOG_SINK_GRACE_MS) != 1;
    return !sink->stderr_only;
}

/* A stream may accept only a part at a time. */
static int send_bytes(struct log_sink *sink, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t part = send(sink->socket, bytes, size, MSG_NOSIGNAL);
        if (part >= 0) {
            bytes += part;
            size -= (size_t)part;
        } else if (errno == EAGAIN) {
            if (!wait_for_daemon(sink))
                return -EAGAIN;
        } else if (errno != EINTR) {
            return -errno;
        }
    }
    return 0;
}

/* Writes "<30>Nov  2 10:06:18 udpsrv[4711]: text", and a NUL, which ends a line on a stream: the
 * form that syslog(3) sends (RFC 3164, in local time). */
static size_t write_message(char message[HEAD_BYTES + LOG_TEXT_BYTES + 1],
                            const struct log_sink *sink, const struct log_line *line)
{
    time_t seconds = (time_t)(line->wall_ms / 1000);
    struct tm local;
    char time[32];

    localtime_r(&seconds, &local);
    strftime(time, sizeof time, "%b %e %H:%M:%S", &local);
    int head =
        snprintf(message, HEAD_BYTES, "<%d>%s %.64s[%ld]: ", LOG_DAEMON | severities[line->level],
                 time, sink->name, (long)getpid());
    memcpy(message + head, line->text, line->size);
    message[(size_t)head + line->size] = '\0';
    return (size_t)head + line->size;
}

static int send_to_daemon(struct log_sink *sink, const struct log_line *line)
{
    char message[HEAD_BYTES + LOG_TEXT_BYTES + 1];
    size_t size = write_message(message, sink, line);
    int error = sink->socket < 0 ? -ENOTCONN : send_bytes(sink, message, size + sink->stream);

    /* The daemon may have been restarted: then there is a new socket. */
    if (error && error != -EAGAIN) {
        log_sink_close(sink);
        error = connect_sink(sink);
        if (!error)
            error = send_bytes(sink, message, size + sink->stream);
    }
    if (error)
        log_sink_close(sink);
    return error;
}

int log_sink_write(struct log_sink *sink, const struct log_line *line)
{
    if (line->target == LOG_TARGET_SYSLOG && !sink->stderr_only && send_to_daemon(sink, line) == 0)
        return 0;
    return write_to_stderr(sink, line);
}
