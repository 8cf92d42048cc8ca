/* One command to the server, and its answer line by line. */
#include "ctl/connection/answer.h"

#include "net/socket/udp_socket.h"
#include "net/socket/unix_socket.h"
#include "os/file/control_path.h"
#include "os/process/clock.h"
#include "text/printable.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_BYTES = 80 }; /* of a line that makes no sense */

__attribute__((format(printf, 2, 3))) static enum answer_result broken(
    char error[ANSWER_ERROR_BYTES], const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error, ANSWER_ERROR_BYTES, format, arguments);
    va_end(arguments);
    return ANSWER_BROKEN;
}

static enum answer_result nonsense(char error[ANSWER_ERROR_BYTES], const char *line,
                                   const char *why)
{
    char shown[SHOWN_BYTES];
    printable_ascii(shown, sizeof shown, line, strlen(line));
    return broken(error, "cannot read the answer '%s': %s; check that it is the socket of udpsrv",
                  shown, why);
}

/* Reads one line without its newline. */
static enum answer_result read_line(FILE *in, char line[ANSWER_LINE_BYTES],
                                    char error[ANSWER_ERROR_BYTES])
{
    errno = 0;
    if (!fgets(line, ANSWER_LINE_BYTES, in)) {
        /* At the end errno may be that of a read that had to wait for it. */
        bool failed = ferror(in) != 0;
        if (failed && errno == EAGAIN)
            return broken(error, "cannot wait longer for the answer: the time is over; "
                                 "-t TIME gives it more");
        if (failed && errno != ECONNRESET)
            return broken(error, "cannot read the answer: %s; ask again", strerror(errno));
        return broken(error, "cannot read the answer to its end: the server closed the connection; "
                             "look whether it has stopped");
    }
    size_t size = strcspn(line, "\n");
    if (line[size] != '\n')
        return nonsense(error, line, "a line without an end");
    if (size > 0 && line[size - 1] == '\r')
        size--;
    line[size] = '\0';
    return ANSWER_OK;
}

/* A server escapes what isn't its own. Whoever else answers there steers nobody's terminal. */
static void disarm(char *line)
{
    for (; *line != '\0'; line++)
        if ((unsigned char)*line < ' ' || *line == 0x7f)
            *line = '?';
}

enum answer_result answer_take(struct answer *answer, char *line, answer_visit *visit, void *state,
                               char error[ANSWER_ERROR_BYTES])
{
    if (!answer->begun) {
        answer->begun = true;
        answer->refused = strncmp(line, "error ", 6) == 0;
        if (answer->refused) {
            disarm(line);
            snprintf(error, ANSWER_ERROR_BYTES, "%s", line + 6);
        } else if (strcmp(line, "ok") != 0) {
            return nonsense(error, line, "neither 'ok' nor 'error'");
        }
        return ANSWER_MORE;
    }
    if (strcmp(line, ".") == 0)
        return answer->refused ? ANSWER_REFUSED : ANSWER_OK;
    disarm(line);
    char *value = line + strcspn(line, " ");
    if (*value != '\0')
        *value++ = '\0';
    const char *wrong = visit(state, line, value);
    return wrong ? nonsense(error, line, wrong) : ANSWER_MORE;
}

enum answer_result answer_read(FILE *in, answer_visit *visit, void *state,
                               char error[ANSWER_ERROR_BYTES])
{
    char line[ANSWER_LINE_BYTES], later[ANSWER_ERROR_BYTES];
    struct answer answer = {0};
    for (;;) {
        enum answer_result result = read_line(in, line, later);
        if (result != ANSWER_OK) {
            /* A refusal is the better news even if its end is missing. */
            if (answer.refused)
                return ANSWER_REFUSED;
            memcpy(error, later, sizeof later);
            return result;
        }
        result = answer_take(&answer, line, visit, state, error);
        if (result != ANSWER_MORE)
            return result;
    }
}

/* Whether a server listens there, be it one that doesn't let us in. */
static bool is_served(const char *path, uint32_t timeout_ms)
{
    int fd = unix_socket_connect(path, timeout_ms);
    if (fd >= 0)
        socket_close(fd);
    return fd >= 0 || fd == -EACCES;
}

static enum answer_result nobody_there(const struct answer_server *server, int why,
                                       char error[ANSWER_ERROR_BYTES])
{
    if (server->elsewhere && is_served(server->elsewhere, server->timeout_ms))
        broken(error,
               "cannot connect to %s: no server answers there (%s), but one does at %s; use -s %s, "
               "with sudo if it is "
               "not for you",
               server->path, strerror(why), server->elsewhere, server->elsewhere);
    else
        broken(error,
               "cannot connect to %s: no server answers there (%s); start udpsrv, or name its "
               "socket with -s",
               server->path, strerror(why));
    return ANSWER_ABSENT;
}

enum answer_result answer_no_connection(const struct answer_server *server, int why,
                                        char error[ANSWER_ERROR_BYTES])
{
    if (why == ENOENT || why == ECONNREFUSED)
        return nobody_there(server, why, error);
    if (why == EACCES)
        return broken(error,
                      "cannot connect to %s: %s; its mode and group decide who may (control.mode, "
                      "control.group): join that group or use sudo",
                      server->path, strerror(why));
    return broken(error, "cannot connect to %s: %s; -s names another socket", server->path,
                  why == EAGAIN ? "the server is busy and the time is over" : strerror(why));
}

/* A server that refuses the session says why and closes: its words are read even if ours no longer
 * reach it. */
static int send_command(int fd, const char *command)
{
    char *line;
    int size = asprintf(&line, "%s\n", command);
    if (size < 0)
        return -ENOMEM;
    int error = unix_socket_write_all(fd, line, (size_t)size);
    free(line);
    return error == -EPIPE || error == -ECONNRESET ? 0 : error;
}

enum answer_result answer_check_place(const struct answer_server *server,
                                      char error[ANSWER_ERROR_BYTES])
{
    int trust = control_path_check_directory(server->path);
    if (trust != -EPERM && trust != -ENOTDIR)
        return ANSWER_OK;
    return broken(error,
                  "cannot trust %s: its directory isn't yours alone, so anyone may answer there; "
                  "remove it, or name another socket (-s)",
                  server->path);
}

/* What is read by stdio, and until when. */
struct line_input {
    int fd;
    uint32_t timeout_ms;
    uint64_t until_ms; /* 0: each read has the timeout */
};

static ssize_t read_source(void *state, char *bytes, size_t room)
{
    const struct line_input *source = state;
    uint64_t until_ms = source->until_ms ? source->until_ms : clock_now_ms() + source->timeout_ms;
    ssize_t size = unix_socket_read_until(source->fd, bytes, room, until_ms);
    if (size < 0)
        errno = (int)-size;
    return size < 0 ? -1 : size;
}

static enum answer_result converse(struct line_input *source, const struct answer_server *server,
                                   const char *command, answer_visit *visit, void *state,
                                   char error[ANSWER_ERROR_BYTES])
{
    FILE *in = fopencookie(source, "r", (cookie_io_functions_t){.read = read_source});
    if (!in)
        return broken(error, "cannot read from %s: %s; free some memory", server->path,
                      strerror(ENOMEM));
    int failed = send_command(source->fd, command);
    enum answer_result result = failed
                                    ? broken(error, "cannot send the command to %s: %s; ask again",
                                             server->path, strerror(-failed))
                                    : answer_read(in, visit, state, error);
    fclose(in);
    return result;
}

enum answer_result answer_ask(const struct answer_server *server, const char *command,
                              answer_visit *visit, void *state, char error[ANSWER_ERROR_BYTES])
{
    struct line_input source = {.timeout_ms = server->timeout_ms};
    if (server->bounded)
        source.until_ms = clock_now_ms() + server->timeout_ms;
    enum answer_result result = answer_check_place(server, error);
    if (result != ANSWER_OK)
        return result;
    source.fd = unix_socket_connect(server->path, server->timeout_ms);
    if (source.fd < 0)
        return answer_no_connection(server, -source.fd, error);
    result = converse(&source, server, command, visit, state, error);
    socket_close(source.fd);
    return result;
}
