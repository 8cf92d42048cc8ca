#include "load/run/control_client.h"

#include "net/message/framed_stream.h"
#include "net/unix/unix_client.h"
#include "os/loop/timer.h"
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
    /* How often the state of a broadcast is polled. 50 commands per second cost the server little,
     * and a server that hangs is noticed. */
    POLL_EACH_NS = 20 * 1000 * 1000,
};

static const uint64_t SECOND_NS = 1000000000;

enum phase {
    IDLE,     /* no broadcast is running */
    STARTING, /* the broadcast was commanded */
    POLLING,  /* its state was requested */
    WAITING,  /* until the next poll */
};

struct control_client {
    struct framed_stream *stream;
    struct loop_timer timer; /* the next poll, or the timeout of an answer */
    uint64_t limit_ns;
    control_client_answered *answered;
    void *state;
    enum phase phase;
    bool first;  /* the next line is the first of an answer */
    uint64_t id; /* of the broadcast; 0: not known yet */
    struct control_client_job job;
    bool listed, ended; /* the state of the job in the current answer */
    bool failed;
    char error[CONTROL_CLIENT_ERROR_BYTES];
};

static void fail(struct control_client *client, const char *what, const char *why)
{
    char shown[CONTROL_CLIENT_ERROR_BYTES / 2];
    printable_ascii(shown, sizeof shown, why, strlen(why));
    snprintf(client->error, sizeof client->error, "%s: %s; look at udpctl status", what, shown);
    client->failed = true;
}

/* The broadcast has ended or failed. */
static void finish(struct control_client *client)
{
    client->phase = IDLE;
    loop_timer_once(&client->timer, 0);
    client->answered(client->state, &client->job, client->failed ? client->error : NULL);
}

static void poll_job(struct control_client *client)
{
    static const char command[] = "jobs\n";
    client->phase = POLLING;
    client->listed = client->ended = false;
    loop_timer_once(&client->timer, client->limit_ns);
    /* If it cannot be written, on_closed reports the error. */
    framed_stream_write(client->stream, command, sizeof command - 1);
}

static void on_timer(void *state)
{
    struct control_client *client = state;
    char why[64];
    if (client->phase == WAITING) {
        poll_job(client);
        return;
    }
    if (client->phase == IDLE)
        return;
    snprintf(why, sizeof why, "nothing within %.3g s",
             (double)client->limit_ns / (double)SECOND_NS);
    if (!client->failed)
        fail(client, "the control socket does not answer", why);
    finish(client);
}

/* An answer is complete. */
static void end_answer(struct control_client *client)
{
    client->first = true;
    if (client->phase == IDLE)
        return;
    if (!client->failed && client->phase == STARTING && client->id == 0)
        fail(client, "cannot read the server's answer, if it is udpsrv's", "it has no id");
    if (!client->failed && client->phase == POLLING && !client->listed)
        fail(client, "the server no longer lists the broadcast", "it may have been restarted");
    if (client->failed || client->ended) {
        finish(client);
        return;
    }
    client->phase = WAITING;
    loop_timer_once(&client->timer, POLL_EACH_NS);
}

/* Reads " KEY=NUMBER" in a line; a missing one is 0. */
static uint64_t read_pair(const char *line, const char *key)
{
    const char *pair = strstr(line, key);
    return pair != NULL ? strtoull(pair + strlen(key), NULL, 10) : 0;
}

/* "job ID STATE TARGETS ...", and pairs if it is a confirmed broadcast. */
static void read_job(struct control_client *client, const char *line)
{
    uint64_t id, targets;
    char job_state[16];
    if (sscanf(line, "job %" SCNu64 " %15s %" SCNu64, &id, job_state, &targets) != 3 ||
        id != client->id)
        return;
    client->listed = true;
    client->job = (struct control_client_job){
        .targets = targets,
        .confirmed = read_pair(line, " confirmed="),
        .silent = read_pair(line, " silent="),
        .plain = read_pair(line, " plain="),
        .rounds = read_pair(line, " rounds="),
        .datagrams = read_pair(line, " datagrams="),
    };
    client->ended = strcmp(job_state, "done") == 0;
    if (strcmp(job_state, "cancelled") == 0)
        fail(client, "the broadcast was cancelled",
             "another operator cancelled it, or the server is stopping");
}

static void on_line(void *state, char *line, size_t size)
{
    struct control_client *client = state;
    (void)size;
    if (strcmp(line, ".") == 0) {
        end_answer(client);
        return;
    }
    if (client->phase == IDLE && client->failed)
        return;
    if (client->first && strncmp(line, "error ", 6) == 0) {
        fail(client, "the server refuses to broadcast", line + 6);
    } else if (client->first && strcmp(line, "ok") != 0) {
        /* A server of another kind may never end its answer. */
        fail(client, "cannot read the server's answer, if it is udpsrv's", line);
        finish(client);
    } else if (client->phase == STARTING && strncmp(line, "id ", 3) == 0) {
        client->id = strtoull(line + 3, NULL, 10);
    } else if (client->phase == POLLING) {
        read_job(client, line);
    }
    client->first = false;
}

static void on_drained(void *state)
{
    (void)state;
}

static void on_closed(void *state, int error)
{
    struct control_client *client = state;
    fail(client, "the server closed the control connection",
         error == 0 ? "it may have stopped" : strerror(-error));
    finish(client);
}

int control_client_open(struct control_client **client, struct loop *loop, const char *path,
                        uint64_t limit_ns, control_client_answered *answered, void *state,
                        char error[CONTROL_CLIENT_ERROR_BYTES])
{
    static const struct framed_stream_callbacks callbacks = {on_line, on_drained, on_closed};
    int fd = unix_client_connect_nonblocking(path);
    if (fd < 0) {
        snprintf(error, CONTROL_CLIENT_ERROR_BYTES,
                 "cannot connect to the control socket %s: %s; start udpsrv, or name its socket "
                 "with --control",
                 path, strerror(-fd));
        return fd;
    }
    struct control_client *new_client = calloc(1, sizeof *new_client);
    if (new_client) {
        *new_client = (struct control_client){
            .limit_ns = limit_ns, .answered = answered, .state = state, .first = true};
        new_client->stream = framed_stream_new(loop, fd, LINE_BYTES, &callbacks, new_client);
    }
    int failed = new_client && new_client->stream
                     ? loop_timer_open(loop, &new_client->timer, on_timer, new_client)
                     : -ENOMEM;
    if (failed) {
        if (new_client && new_client->stream)
            framed_stream_free(new_client->stream);
        free(new_client);
        snprintf(error, CONTROL_CLIENT_ERROR_BYTES,
                 "cannot use the control socket %s: %s; free some memory or descriptors", path,
                 strerror(-failed));
        return failed;
    }
    *client = new_client;
    return 0;
}

void control_client_close(struct control_client *client)
{
    if (!client)
        return;
    loop_timer_close(&client->timer);
    framed_stream_free(client->stream);
    free(client);
}

int control_client_broadcast(struct control_client *client, bool confirm, const void *bytes,
                             size_t size)
{
    const char *command = confirm ? "broadcast nowait confirm " : "broadcast nowait ";
    size_t length = strlen(command);
    char *line = malloc(length + 2 * size + 2);
    if (!line)
        return -ENOMEM;
    memcpy(line, command, length);
    hex_encode(line + length, bytes, size);
    line[length + 2 * size] = '\n';
    client->phase = STARTING;
    client->id = 0;
    client->job = (struct control_client_job){0};
    client->ended = false;
    loop_timer_once(&client->timer, client->limit_ns);
    /* If it cannot be written, on_closed reports the error. */
    framed_stream_write(client->stream, line, length + 2 * size + 1);
    free(line);
    return 0;
}
