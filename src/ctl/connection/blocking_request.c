#include "ctl/connection/blocking_request.h"

#include "net/socket/socket_descriptor.h"
#include "net/unix/unix_client.h"
#include "os/process/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A server that refuses the session sends the reason and closes. So the answer is read even if the
 * command could no longer be sent. */
static int send_command(int fd, const char *command)
{
    char *line;
    int size = asprintf(&line, "%s\n", command);
    if (size < 0)
        return -ENOMEM;
    int error = unix_client_write_all(fd, line, (size_t)size);
    free(line);
    return error == -EPIPE || error == -ECONNRESET ? 0 : error;
}

/* A socket that stdio reads from, with a deadline. */
struct answer_source {
    int fd;
    uint32_t timeout_ms; /* of each read, */
    uint64_t until_ms;   /* or the end of all reads; 0: each read has the timeout */
};

static ssize_t read_source(void *state, char *bytes, size_t capacity)
{
    const struct answer_source *source = state;
    uint64_t until_ms = source->until_ms ? source->until_ms : clock_now_ms() + source->timeout_ms;
    ssize_t size = unix_client_read_until(source->fd, bytes, capacity, until_ms);
    if (size < 0)
        errno = (int)-size;
    return size < 0 ? -1 : size;
}

static enum answer_result send_and_read(struct answer_source *source,
                                        const struct control_server *server, const char *command,
                                        answer_line_handler *handler, void *state,
                                        char error[ANSWER_ERROR_BYTES])
{
    FILE *in = fopencookie(source, "r", (cookie_io_functions_t){.read = read_source});
    if (!in) {
        snprintf(error, ANSWER_ERROR_BYTES, "cannot read from %s: %s; free some memory",
                 server->path, strerror(ENOMEM));
        return ANSWER_FAILED;
    }
    enum answer_result result = ANSWER_FAILED;
    int failed = send_command(source->fd, command);
    if (failed)
        snprintf(error, ANSWER_ERROR_BYTES, "cannot send the command to %s: %s; try again",
                 server->path, strerror(-failed));
    else
        result = answer_parser_read(in, handler, state, error);
    fclose(in);
    return result;
}

enum answer_result blocking_request(const struct control_server *server, const char *command,
                                    answer_line_handler *handler, void *state,
                                    char error[ANSWER_ERROR_BYTES])
{
    struct answer_source source = {.timeout_ms = server->timeout_ms};
    if (server->timeout_is_total)
        source.until_ms = clock_now_ms() + server->timeout_ms;
    enum answer_result result = control_server_check_directory(server, error);
    if (result != ANSWER_OK)
        return result;
    source.fd = unix_client_connect(server->path, server->timeout_ms);
    if (source.fd < 0)
        return control_server_connect_error(server, -source.fd, error);
    result = send_and_read(&source, server, command, handler, state, error);
    socket_close(source.fd);
    return result;
}
