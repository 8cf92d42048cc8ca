/* Tells a server to broadcast. */
#include "load/run/control_client.h"

#include "net/message/line_stream.h"
#include "net/socket/unix_socket.h"
#include "text/hex.h"
#include "text/printable.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LINE_BYTES = 8 << 10, /* the longest line of an answer: udpctl(8) */
    /* How often it is asked whether a broadcast has ended: a server that stands still is noticed by
     * that, and 50 questions a second cost it nothing. */
    ASK_EACH_NS = 20 * 1000 * 1000,
};

static const uint64_t SECOND_NS = 1000000000;

enum phase {
    RESTING,  /* no broadcast is under way */
    STARTING, /* it was commanded */
    ASKING,   /* its state was asked for */
    BETWEEN,  /* two questions */
};

struct control_client {
    struct line_stream *stream;
    struct loop_timer timer; /* to ask again, or the limit of an answer */
    uint64_t limit_ns;
    control_client_answered *answered;
    void *state;
    enum phase phase;
    bool first; /* the next line is the first of an answer */
    uint64_t job, targets;
    bool listed, ended; /* what the answer at hand says of the job */
    bool failed;
    char error[CONTROL_CLIENT_ERROR_BYTES];
};

static void fail(struct control_client *operator, const char * what, const char *why)
{
    char shown[CONTROL_CLIENT_ERROR_BYTES / 2];
    printable_ascii(shown, sizeof shown, why, strlen(why));
    snprintf(operator->error, sizeof operator->error, "%s: %s; look at udpctl status", what, shown);
    operator->failed = true;
}

/* The broadcast has ended, one way or the other. */
static void answer(struct control_client *operator)
{
    operator->phase = RESTING;
    loop_timer_once(&operator->timer, 0);
    operator->answered(operator->state, operator->targets,
                       operator->failed ? operator->error : NULL);
}

static void ask(struct control_client *operator)
{
    static const char question[] = "jobs\n";
    operator->phase = ASKING;
    operator->listed = operator->ended = false;
    loop_timer_once(&operator->timer, operator->limit_ns);
    /* If it can't be written, the closing says so. */
    line_stream_write(operator->stream, question, sizeof question - 1);
}

static void on_time(void *state)
{
    struct control_client *operator= state;
    char why[64];
    if (operator->phase == BETWEEN) {
        ask(operator);
        return;
    }
    if (operator->phase == RESTING)
        return;
    snprintf(why, sizeof why, "nothing within %.3g s",
             (double)operator->limit_ns /(double) SECOND_NS);
    if (!operator->failed)
        fail(operator, "the control socket does not answer", why);
    answer(operator);
}

/* An answer is complete. */
static void end_answer(struct control_client *operator)
{
    operator->first = true;
    if (operator->phase == RESTING)
        return;
    if (!operator->failed && operator->phase == STARTING && operator->job == 0)
        fail(operator, "cannot read the server's answer, if it is udpsrv's", "it has no id");
    if (!operator->failed && operator->phase == ASKING && !operator->listed)
        fail(operator, "the server no longer lists the broadcast", "it may have been restarted");
    if (operator->failed || operator->ended) {
        answer(operator);
        return;
    }
    operator->phase = BETWEEN;
    loop_timer_once(&operator->timer, ASK_EACH_NS);
}

/* "job ID STATE TARGETS ...". */
static void read_job(struct control_client *operator, const char * line)
{
    uint64_t id, targets;
    char job_state[16];
    if (sscanf(line, "job %" SCNu64 " %15s %" SCNu64, &id, job_state, &targets) != 3 ||
        id != operator->job)
        return;
    operator->listed = true;
    operator->targets = targets;
    operator->ended = strcmp(job_state, "done") == 0;
    if (strcmp(job_state, "cancelled") == 0)
        fail(operator, "the broadcast was cancelled", "by another operator, or the server stops");
}

static void on_line(void *state, char *line, size_t size)
{
    struct control_client *operator= state;
    (void)size;
    if (strcmp(line, ".") == 0) {
        end_answer(operator);
        return;
    }
    if (operator->phase == RESTING && operator->failed)
        return;
    if (operator->first && strncmp(line, "error ", 6) == 0) {
        fail(operator, "the server refuses to broadcast", line + 6);
    } else if (operator->first && strcmp(line, "ok") != 0) {
        /* Another program may never end its answer. */
        fail(operator, "cannot read the server's answer, if it is udpsrv's", line);
        answer(operator);
    } else if (operator->phase == STARTING && strncmp(line, "id ", 3) == 0) {
        operator->job = strtoull(line + 3, NULL, 10);
    } else if (operator->phase == ASKING) {
        read_job(operator, line);
    }
    operator->first = false;
}

static void on_drained(void *state)
{
    (void)state;
}

static void on_closed(void *state, int error)
{
    struct control_client *operator= state;
    fail(operator, "the server closed the control connection",
         error == 0 ? "it may have stopped" : strerror(-error));
    answer(operator);
}

int control_client_open(struct control_client **operator, struct loop * loop, const char *path,
                        uint64_t limit_ns, control_client_answered *answered, void *state,
                        char error[CONTROL_CLIENT_ERROR_BYTES])
{
    static const struct line_stream_callbacks callbacks = {on_line, on_drained, on_closed};
    int fd = unix_socket_connect_for_loop(path);
    if (fd < 0) {
        snprintf(error, CONTROL_CLIENT_ERROR_BYTES,
                 "cannot connect to the control socket %s: %s; start udpsrv, or name its socket "
                 "with --control",
                 path, strerror(-fd));
        return fd;
    }
    struct control_client *made = calloc(1, sizeof *made);
    if (made) {
        *made = (struct control_client){
            .limit_ns = limit_ns, .answered = answered, .state = state, .first = true};
        made->stream = line_stream_new(loop, fd, LINE_BYTES, &callbacks, made);
    }
    int failed =
        made && made->stream ? loop_timer_open(loop, &made->timer, on_time, made) : -ENOMEM;
    if (failed) {
        if (made && made->stream)
            line_stream_free(made->stream);
        free(made);
        snprintf(error, CONTROL_CLIENT_ERROR_BYTES,
                 "cannot speak to %s: %s; free some memory or descriptors", path,
                 strerror(-failed));
        return failed;
    }
    *operator= made;
    return 0;
}

void control_client_close(struct control_client *operator)
{
    if (!operator)
        return;
    loop_timer_close(&operator->timer);
    line_stream_free(operator->stream);
    free(operator);
}

int control_client_broadcast(struct control_client *operator, const void * bytes, size_t size)
{
    static const char command[] = "broadcast nowait ";
    size_t length = sizeof command - 1;
    char *line = malloc(length + 2 * size + 2);
    if (!line)
        return -ENOMEM;
    memcpy(line, command, length);
    hex_encode(line + length, bytes, size);
    line[length + 2 * size] = '\n';
    operator->phase = STARTING;
    operator->job = operator->targets = 0;
    operator->ended = false;
    loop_timer_once(&operator->timer, operator->limit_ns);
    /* If it can't be written, the closing says so. */
    line_stream_write(operator->stream, line, length + 2 * size + 1);
    free(line);
    return 0;
}
