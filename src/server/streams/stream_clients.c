/* The table of stream clients: who comes in, what each line gets, who is cut off. */
#include "server/streams/stream_clients.h"

#include "net/message/line_stream.h"
#include "net/socket/tcp_socket.h"
#include "net/socket/udp_socket.h"
#include "net/socket/unix_socket.h"
#include "os/log/log.h"
#include "os/process/clock.h"
#include "wire/frame.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ACCEPTS_AT_ONCE = 64, /* before other events get their turn */
    ERROR_LINE_BYTES = 96,
    REOPEN_MS = 1000, /* after an accept that failed: a failure that lasts costs no processor */
};

enum visit { AWAY, HERE, LEAVING };

/* A place in the table. */
struct visitor {
    struct streams *streams;
    struct line_stream *stream;
    struct addr addr; /* of TCP */
    uint64_t serial;  /* from 1, over all visitors ever */
    uint64_t came_ms; /* and the last line, or the beginning of the leave */
    uint64_t active_ms;
    uint64_t relay_due_ns;
    uint32_t number; /* among those of Unix sockets, from 1 */
    uint32_t received;
    uint32_t next_free;
    uint8_t listener;
    enum transport transport;
    enum visit visit;
};

struct door {
    struct streams *streams;
    struct stream_listener options;
    struct loop_handler handler;
};

struct streams {
    struct streams_options options;
    struct visitor *visitors;
    uint32_t used; /* places that were ever taken: the first so many */
    uint32_t free; /* the first of a list, NONE if it is empty */
    uint32_t here;
    uint32_t taken; /* places, with those who are about to leave */
    uint64_t came;  /* ever */
    uint32_t numbers;
    bool shut; /* a connection could not be accepted: the doors are left alone for a moment */
    struct loop_timer reopen; /* ends that moment */
    uint8_t *line;            /* one that goes out: the longest payload and its newline */
    size_t door_count;
    struct door first_sockets[];
};

#define NONE UINT32_MAX

/* ---- lines out ---- */

/* Writes a payload as a line where one is prepared; returns its size. */
static size_t make_line(struct streams *streams, const uint8_t *bytes, size_t size)
{
    if (size > 0)
        memcpy(streams->line, bytes, size);
    for (uint8_t *at = streams->line, *end = at + size;
         (at = memchr(at, '\n', (size_t)(end - at))) != NULL;)
        *at++ = ' ';
    streams->line[size] = '\n';
    return size + 1;
}

static bool say(struct visitor *visitor, const uint8_t *bytes, size_t size)
{
    struct streams *streams = visitor->streams;
    return line_stream_write(visitor->stream, streams->line, make_line(streams, bytes, size));
}

/* ---- coming and going ---- */

static uint32_t place_of(const struct visitor *visitor)
{
    return (uint32_t)(visitor - visitor->streams->visitors);
}

static void open_doors(struct streams *streams, bool open)
{
    streams->shut = !open;
    for (size_t i = 0; i < streams->door_count; i++)
        loop_change(&streams->first_sockets[i].handler, open ? LOOP_READ : 0);
}

/* The place is empty from now on. */
static void release(struct visitor *visitor)
{
    struct streams *streams = visitor->streams;
    line_stream_free(visitor->stream);
    streams->here -= visitor->visit == HERE;
    streams->taken--;
    visitor->visit = AWAY;
    visitor->stream = NULL;
    visitor->next_free = streams->free;
    streams->free = place_of(visitor);
    if (streams->shut)
        open_doors(streams, true);
}

/* He is no client any more, but may still read what is his. */
static void begin_to_leave(struct visitor *visitor)
{
    visitor->visit = LEAVING;
    visitor->active_ms = clock_now_ms();
    visitor->streams->here--;
}

static struct visitor *take_place(struct streams *streams)
{
    struct visitor *visitor;
    if (streams->free != NONE) {
        visitor = &streams->visitors[streams->free];
        streams->free = visitor->next_free;
        return visitor;
    }
    return streams->used < streams->options.max ? &streams->visitors[streams->used++] : NULL;
}

static const struct line_stream_callbacks callbacks;

static void welcome(struct streams *streams, const struct door *door, int fd,
                    const struct addr *addr)
{
    struct visitor *visitor = take_place(streams);
    uint64_t now_ms = clock_now_ms();
    *visitor = (struct visitor){
        .streams = streams,
        .addr = *addr,
        .serial = ++streams->came,
        .came_ms = now_ms,
        .active_ms = now_ms,
        .number = door->options.transport == TRANSPORT_UNIX ? ++streams->numbers : 0,
        .listener = door->options.listener,
        .transport = door->options.transport,
        .visit = HERE,
    };
    streams->here++;
    streams->taken++;
    visitor->stream = line_stream_new(streams->options.loop, fd, streams->options.max_line_bytes,
                                      &callbacks, visitor);
    if (visitor->stream == NULL) {
        release(visitor);
        streams->options.stats->streams_refused++;
        return;
    }
    line_stream_take_rest(visitor->stream);
    line_stream_limit_output(visitor->stream, streams->options.buffer_bytes);
    streams->options.stats->joined++;
}

static bool is_full(const struct streams *streams)
{
    return streams->free == NONE && streams->used == streams->options.max;
}

/* Unix sockets have no address to be kept out by; their files have owners and modes. */
static bool is_denied(const struct streams *streams, const struct addr *addr)
{
    const struct access_list *acl = streams->options.datagram_decider->rules.acl;
    return acl != NULL && addr->family != ADDR_NONE && !access_list_admits(acl, addr);
}

/* Silence, as a datagram gets it. */
static void deny(struct streams *streams, int fd)
{
    socket_close(fd);
    streams->options.stats->streams_denied++;
}

static void turn_away(struct streams *streams, int fd)
{
    static const char why[] = "error: too many streams; try again later\n";
    unix_socket_reject(fd, why, sizeof why - 1);
    streams->options.stats->streams_refused++;
}

static const char *advice(int error)
{
    switch (error) {
    case -EMFILE:
        return "raise the limit on open files (ulimit -n), or lower server.stream-max";
    case -ENFILE:
        return "raise fs.file-max, or close files elsewhere; it is tried again each second";
    case -ENOMEM:
    case -ENOBUFS:
        return "free some memory; it is tried again each second";
    default:
        return "it is tried again each second";
    }
}

/* A connection that can't be accepted still waits, so the doors would be ready again at once. */
static void shut(struct streams *streams, int error)
{
    log_limited(LOG_KIND_STREAM_REFUSED, clock_now_ms(), "cannot accept a stream", "reason",
                strerror(-error), "advice", advice(error), NULL);
    open_doors(streams, false);
    loop_timer_once(&streams->reopen, (uint64_t)REOPEN_MS * 1000000);
}

static void reopen(void *state)
{
    struct streams *streams = state;
    if (streams->shut)
        open_doors(streams, true);
}

static void on_knock(void *state, unsigned events)
{
    struct door *door = state;
    struct streams *streams = door->streams;
    (void)events;
    for (int i = 0; i < ACCEPTS_AT_ONCE; i++) {
        /* The last files are left for operators. */
        if (!is_full(streams) && streams->taken >= streams->options.files) {
            if (i == 0) /* and somebody waits */
                shut(streams, -EMFILE);
            return;
        }
        struct addr addr = {.family = ADDR_NONE};
        int fd = door->options.transport == TRANSPORT_TCP
                     ? tcp_accept(door->options.socket, &addr)
                     : unix_socket_accept(door->options.socket);
        if (fd == -EAGAIN)
            return;
        if (fd < 0) {
            shut(streams, fd);
            return;
        }
        if (is_denied(streams, &addr))
            deny(streams, fd);
        else if (is_full(streams))
            turn_away(streams, fd);
        else
            welcome(streams, door, fd, &addr);
    }
}

/* ---- lines in ---- */

/* An answer can't be written to one who has broken off, and is about to be released. */
static void count_answer(const struct streams *streams, bool went)
{
    if (went) {
        streams->options.stats->replied++;
    } else {
        streams->options.stats->reply_failed++;
        *streams->options.reply_errno = EPIPE;
    }
}

static void answer(struct visitor *visitor, const uint8_t *line, size_t size)
{
    struct reply *reply = visitor->streams->options.datagram_decider->reply;
    const struct message *message;
    switch (reply_rotation_mode(reply)) {
    case REPLY_ROTATE:
        message = reply_rotation_message(reply, reply_rotation_take(reply, 1));
        count_answer(visitor->streams, say(visitor, message->bytes, message->size));
        break;
    case REPLY_ECHO:
        count_answer(visitor->streams, say(visitor, line, size));
        break;
    case REPLY_NONE:
        visitor->streams->options.stats->silent++;
        break;
    }
}

static void on_line(void *state, char *line, size_t size)
{
    struct visitor *visitor = state;
    struct streams *streams = visitor->streams;
    const uint8_t *bytes = (const uint8_t *)line;
    uint64_t now_ms = clock_now_ms();
    streams->options.stats->received++;
    visitor->received += visitor->received < UINT32_MAX;
    visitor->active_ms = now_ms;
    /* Relayed, it would be our own word to the clients who get datagrams: a challenge, say. */
    if (frame_has_magic(bytes, size)) {
        streams->options.stats->drop_bad_frame++;
        return;
    }
    answer(visitor, bytes, size);
    if (relay_is_on(streams->options.relay))
        relay_line(streams->options.relay, visitor->serial, &visitor->relay_due_ns, bytes, size,
                   now_ms);
    /* Answers alone never cut anyone off: who doesn't read them is not read from. */
    if (line_stream_is_backed_up(visitor->stream))
        line_stream_pause(visitor->stream);
}

static void on_drained(void *state)
{
    struct visitor *visitor = state;
    if (visitor->visit == LEAVING)
        release(visitor);
    else
        line_stream_resume(visitor->stream);
}

static void refuse_line(struct visitor *visitor)
{
    struct streams *streams = visitor->streams;
    char why[ERROR_LINE_BYTES];
    int length = snprintf(why, sizeof why, "error: the line is longer than %u bytes\n",
                          streams->options.max_line_bytes);
    streams->options.stats->received++;
    streams->options.stats->drop_oversize++;
    begin_to_leave(visitor);
    line_stream_write(visitor->stream, why, (size_t)length);
    line_stream_discard(visitor->stream);
}

static void on_closed(void *state, int error)
{
    struct visitor *visitor = state;
    struct stats *stats = visitor->streams->options.stats;
    if (error == -ENOBUFS) {
        stats->streams_slow++;
        release(visitor);
        return;
    }
    stats->streams_closed++;
    if (error == -EMSGSIZE)
        refuse_line(visitor);
    else if (error == 0 && line_stream_is_backed_up(visitor->stream))
        begin_to_leave(visitor);
    else
        release(visitor);
}

static const struct line_stream_callbacks callbacks = {on_line, on_drained, on_closed};

/* ---- the sweep ---- */

void streams_sweep(struct streams *streams, uint64_t now_ms)
{
    for (uint32_t i = 0; i < streams->used; i++) {
        struct visitor *visitor = &streams->visitors[i];
        uint32_t limit_ms = visitor->visit == LEAVING ? STREAMS_LEAVE_MS : streams->options.idle_ms;
        if (visitor->visit == AWAY || now_ms - visitor->active_ms <= limit_ms)
            continue;
        streams->options.stats->expired += visitor->visit == HERE;
        release(visitor);
    }
}

/* ---- broadcasts ---- */

static uint64_t begin(void *state, const struct shard_job *part, struct recipients_walk *walk)
{
    const struct streams *streams = state;
    (void)part;
    walk->joined_before = streams->came + 1;
    walk->ended = streams->here == 0;
    return streams->here;
}

static bool send_copies(void *state, const struct shard_job *part, struct recipients_walk *walk,
                        uint32_t may, struct recipients_tally *tally, struct loop_task *wake)
{
    struct streams *streams = state;
    (void)wake;
    size_t size = make_line(streams, part->bytes, part->size);
    uint32_t looks = REGISTRY_WALK_STEPS * may;
    for (; walk->next < streams->used && looks > 0 && tally->sent < may; looks--) {
        struct visitor *visitor = &streams->visitors[walk->next++];
        if (visitor->visit != HERE || visitor->serial >= walk->joined_before ||
            visitor->serial == part->except.stream)
            continue;
        /* One to whom it can't be written has left, or is cut off: his copy is skipped. */
        if (line_stream_write(visitor->stream, streams->line, size))
            tally->sent++;
    }
    walk->ended = walk->next >= streams->used;
    return false;
}

struct recipients streams_recipients(struct streams *streams)
{
    return (struct recipients){.state = streams, .begin = begin, .send = send_copies};
}

/* ---- from start to stop ---- */

static int add_doors(struct streams *streams)
{
    for (size_t i = 0; i < streams->options.door_count; i++) {
        struct door *door = &streams->first_sockets[i];
        *door = (struct door){.streams = streams, .options = streams->options.first_sockets[i]};
        int error = loop_add(streams->options.loop, &door->handler, door->options.socket, LOOP_READ,
                             on_knock, door);
        if (error != 0)
            return error;
        streams->door_count++;
    }
    return 0;
}

int streams_open(struct streams **streams, const struct streams_options *options)
{
    struct streams *made =
        calloc(1, sizeof *made + options->door_count * sizeof made->first_sockets[0]);
    if (made == NULL)
        return -ENOMEM;
    made->options = *options;
    made->free = NONE;
    made->visitors = calloc(options->max, sizeof *made->visitors);
    made->line = malloc(CONFIG_MESSAGE_BYTES_MAX + 1);
    int error = made->visitors == NULL || made->line == NULL ? -ENOMEM : 0;
    if (error == 0)
        error = loop_timer_open(options->loop, &made->reopen, reopen, made);
    if (error == 0)
        error = add_doors(made);
    if (error != 0) {
        streams_close(made);
        return error;
    }
    *streams = made;
    return 0;
}

void streams_close(struct streams *streams)
{
    if (streams == NULL)
        return;
    for (size_t i = 0; i < streams->door_count; i++)
        loop_remove(&streams->first_sockets[i].handler);
    loop_timer_close(&streams->reopen);
    streams->shut = false; /* whoever goes now has no door opened for another */
    for (uint32_t i = 0; i < streams->used; i++)
        if (streams->visitors[i].visit != AWAY)
            release(&streams->visitors[i]);
    free(streams->visitors);
    free(streams->line);
    free(streams);
}

void streams_renew(struct streams *streams, uint8_t listener, int *socket)
{
    for (size_t i = 0; i < streams->door_count && *socket >= 0; i++) {
        struct door *door = &streams->first_sockets[i];
        if (door->options.listener != listener)
            continue;
        /* Clients that connected before the file was removed still wait to be accepted. */
        if (door->options.transport == TRANSPORT_UNIX)
            on_knock(door, LOOP_READ);
        if (loop_replace(&door->handler, *socket) == 0)
            *socket = -1;
    }
}

/* ---- the operator ---- */

uint32_t streams_count(const struct streams *streams)
{
    return streams->here;
}

static void describe(const struct visitor *visitor, uint64_t now_ms, struct client *client)
{
    *client = (struct client){
        .source = visitor->addr,
        .idle_ms = now_ms - visitor->active_ms,
        .age_s = (now_ms - visitor->came_ms) / 1000,
        .received = visitor->received,
        .slot = visitor->number,
        .listener = visitor->listener,
    };
}

size_t streams_list(const struct streams *streams, uint32_t *next, uint64_t now_ms,
                    struct client *clients, size_t room)
{
    size_t count = 0;
    for (; *next < streams->used && count < room; ++*next)
        if (streams->visitors[*next].visit == HERE)
            describe(&streams->visitors[*next], now_ms, &clients[count++]);
    return count;
}

static struct visitor *find(const struct streams *streams, const struct client_name *name)
{
    for (uint32_t i = 0; i < streams->used; i++) {
        struct visitor *visitor = &streams->visitors[i];
        if (visitor->visit == HERE && visitor->transport == name->transport &&
            visitor->number == name->number && addr_equal(&visitor->addr, &name->addr))
            return visitor;
    }
    return NULL;
}

bool streams_find(const struct streams *streams, const struct client_name *name, uint64_t now_ms,
                  struct client *client)
{
    const struct visitor *visitor = find(streams, name);
    if (visitor != NULL)
        describe(visitor, now_ms, client);
    return visitor != NULL;
}

static void kick(struct visitor *visitor)
{
    visitor->streams->options.stats->kicked++;
    release(visitor);
}

bool streams_kick(struct streams *streams, const struct client_name *name)
{
    struct visitor *visitor = find(streams, name);
    if (visitor == NULL)
        return false;
    kick(visitor);
    return true;
}

void streams_admit(struct streams *streams)
{
    for (uint32_t i = 0; i < streams->used; i++) {
        struct visitor *visitor = &streams->visitors[i];
        if (visitor->visit == HERE && is_denied(streams, &visitor->addr))
            kick(visitor);
    }
}
