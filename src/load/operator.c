/* Tells a server to broadcast. */
#include "load/operator.h"

#include "core/text.h"
#include "net/stream.h"
#include "net/stream_socket.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_BYTES = 8 << 10 }; /* the longest line of an answer: udpctl(8) */

struct operator
{
    struct stream *stream;
    operator_answered *answered;
    void *state;
    bool first; /* the next line is the first of an answer */
    bool failed;
    char error[OPERATOR_ERROR_BYTES];
};

static void fail(struct operator* operator, const char * what, const char *why)
{
    char shown[OPERATOR_ERROR_BYTES / 2];
    text_escape(shown, sizeof shown, why, strlen(why));
    snprintf(operator->error, sizeof operator->error, "%s: %s; look at udpctl status", what, shown);
    operator->failed = true;
}

static void on_line(void *state, char *line, size_t size)
{
    struct operator* operator= state;
    (void)size;
    if (strcmp(line, ".") == 0) {
        operator->first = true;
        operator->answered(operator->state, operator->failed ? operator->error : NULL);
        return;
    }
    if (operator->first && strncmp(line, "error ", 6) == 0)
        fail(operator, "the server refuses to broadcast", line + 6);
    else if (operator->first && strcmp(line, "ok") != 0)
        fail(operator, "cannot read the server's answer, if it is udpsrv's", line);
    else if (strcmp(line, "state cancelled") == 0)
        fail(operator, "the broadcast was cancelled", "by another operator, or the server stops");
    operator->first = false;
}

static void on_drained(void *state)
{
    (void)state;
}

static void on_closed(void *state, int error)
{
    struct operator* operator= state;
    fail(operator, "the server closed the control connection",
         error == 0 ? "it may have stopped" : strerror(-error));
    operator->answered(operator->state, operator->error);
}

int operator_open(struct operator** operator, struct loop * loop, const char *path,
                  operator_answered *answered, void *state, char error[OPERATOR_ERROR_BYTES])
{
    static const struct stream_callbacks callbacks = {on_line, on_drained, on_closed};
    int fd = stream_connect_for_loop(path);
    if (fd < 0) {
        snprintf(error, OPERATOR_ERROR_BYTES,
                 "cannot connect to the control socket %s: %s; start udpsrv, or name its socket "
                 "with --control",
                 path, strerror(-fd));
        return fd;
    }
    struct operator* made = calloc(1, sizeof *made);
    if (made) {
        *made = (struct operator){.answered = answered, .state = state, .first = true};
        made->stream = stream_new(loop, fd, LINE_BYTES, &callbacks, made);
    }
    if (!made || !made->stream) {
        free(made);
        snprintf(error, OPERATOR_ERROR_BYTES, "cannot speak to %s: memory is short; free some",
                 path);
        return -ENOMEM;
    }
    *operator= made;
    return 0;
}

void operator_close(struct operator* operator)
{
    if (!operator)
        return;
    stream_free(operator->stream);
    free(operator);
}

int operator_broadcast(struct operator* operator, const void * bytes, size_t size)
{
    static const char command[] = "broadcast wait ";
    size_t length = sizeof command - 1;
    char *line = malloc(length + 2 * size + 2);
    if (!line)
        return -ENOMEM;
    memcpy(line, command, length);
    text_to_hex(line + length, bytes, size);
    line[length + 2 * size] = '\n';
    /* If it can't be written, the closing says so. */
    stream_write(operator->stream, line, length + 2 * size + 1);
    free(line);
    return 0;
}
