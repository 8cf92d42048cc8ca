#include "ctl/bridge/bridge.h"

#include "ctl/bridge/bridge_report.h"
#include "ctl/bridge/publish_request.h"
#include "ctl/bridge/publish_window.h"
#include "ctl/bridge/server_link.h"
#include "ctl/bridge/stream_appender.h"
#include "ctl/bridge/stream_reader.h"
#include "ctl/commands/command_result.h"
#include "os/log/error_message.h"
#include "os/loop/signals.h"
#include "os/loop/timer.h"
#include "text/number_with_unit.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    STOP_MS = 3000, /* after a signal, for the results that are missing */
};

struct bridge {
    const struct bridge_settings *settings;
    struct loop *loop;
    struct server_link *link;
    struct stream_reader *reader;
    struct stream_appender *appender; /* NULL: nothing is appended */
    struct loop_timer stop_timer;
    struct publish_window window;
    uint64_t permanent; /* the reference of an entry whose refusal follows, and stays; 0: none */
    unsigned gaps;      /* reports of gaps that the server has not answered */
    struct bridge_counts counts;
    bool is_linked; /* the server takes requests */
    bool has_begun;
    bool is_stopping;
    bool has_warned;                    /* that the server has no state file */
    struct stream_position begin;       /* of the first read */
    struct stream_position last_ended;  /* of the last entry that has its result; 0-0: none */
    struct stream_position last_sent;   /* the same of those that were sent */
    struct entry_id reported_uncertain; /* 0-0: none */
    /* An entry was refused for a reason that may pass: the first one, in this session. */
    bool is_refused;
    char refusal[ANSWER_ERROR_BYTES];
    int status;
    char request[PUBLISH_REQUEST_BYTES];
};

static void end(struct bridge *bridge, int status)
{
    bridge->status = status;
    loop_stop(bridge->loop);
}

/* Ends an orderly stop when nothing is missing any more. */
static void stop_if_done(struct bridge *bridge)
{
    if (bridge->is_stopping && bridge->window.count == 0 && bridge->gaps == 0 &&
        (bridge->appender == NULL || stream_appender_is_empty(bridge->appender)))
        loop_stop(bridge->loop);
}

/* Begins an orderly stop: reads no more, and waits for what is missing. */
static void stop(struct bridge *bridge)
{
    bridge->is_stopping = true;
    stream_reader_stop(bridge->reader);
    loop_timer_once(&bridge->stop_timer, STOP_MS * UINT64_C(1000000));
    stop_if_done(bridge);
}

static void skip(struct bridge *bridge, const struct entry_id *id, const char *why,
                 const char *next)
{
    bridge->counts.skipped++;
    bridge_report_entry(bridge->settings->stream, id, why, next);
}

/* ---- entries ---- */

static unsigned on_room(void *state)
{
    const struct bridge *bridge = state;
    return publish_window_room(&bridge->window);
}

static bool on_entry(void *state, const struct stream_entry *entry,
                     const struct stream_position *position)
{
    struct bridge *bridge = state;
    if (entry->wrong != NULL) {
        skip(bridge, &entry->id, entry->wrong, "it is skipped; correct the program that adds it");
        return true;
    }
    if (!publish_window_has_room(&bridge->window, entry->confirms))
        return false;
    uint64_t ref = publish_window_add(&bridge->window, position, entry->confirms);
    size_t size = publish_request_write(bridge->request, ref, &bridge->settings->stream_name,
                                        position->entries, entry);
    bridge->last_sent = *position;
    server_link_write(bridge->link, bridge->request, size);
    return true;
}

/* The server counts it, and knows one that was reported before. */
static void report_to_server(struct bridge *bridge, const struct stream_gap *gap)
{
    char request[GAP_REQUEST_BYTES];
    size_t size = gap_request_write(request, &bridge->settings->stream_name, gap);
    server_link_write(bridge->link, request, size);
    bridge->gaps++;
}

static bool on_gap(void *state, const struct stream_gap *gap)
{
    struct bridge *bridge = state;
    bool is_strict = bridge->settings->is_strict;
    const char *next = "it continues after them; keep more entries in the stream";
    if (is_strict)
        next = "it ends; start it once without --strict to continue";
    else if (gap->kind == STREAM_GAP_EPOCH)
        next = "it continues with what has later ids; check why the stream was made anew";
    bridge->counts.missing += gap->missing;
    bridge->counts.epochs += gap->kind == STREAM_GAP_EPOCH;
    bridge_report_gap(bridge->settings->stream, gap, next);
    report_to_server(bridge, gap);
    if (is_strict) {
        bridge->status = BRIDGE_STATUS_GAP;
        stop(bridge);
    }
    return !is_strict;
}

static void report_begin(struct bridge *bridge, const struct stream_position *position)
{
    if (bridge->has_begun)
        return;
    bridge->has_begun = true;
    bridge->begin = *position;
    bridge_report_begin(bridge->settings->stream, bridge->settings->redis.url_text, &position->id);
}

static void on_begun(void *state, const struct stream_position *position)
{
    report_begin(state, position);
}

static void on_redis_refused(void *state)
{
    end(state, STATUS_FAILED);
}

/* ---- results ---- */

static void refuse(struct bridge *bridge, const struct publish_window_entry *entry,
                   const char *reason)
{
    if (entry->ref == bridge->permanent) {
        skip(bridge, &entry->position.id, reason, "it is skipped");
        return;
    }
    if (bridge->is_refused)
        return; /* it was sent after the first one */
    bridge->is_refused = true;
    snprintf(bridge->refusal, sizeof bridge->refusal, "%s", reason);
    stream_reader_stop(bridge->reader);
}

/* Takes the members of a result: NAME=VALUE, separated by blanks. */
static void take_result(struct bridge *bridge, const struct publish_window_entry *entry,
                        const char *members)
{
    const struct entry_id *id = &entry->position.id;
    const char *state = strstr(members, "state=");
    state = state != NULL ? state + strlen("state=") : "";
    size_t size = strcspn(state, " ");
    if (entry_id_compare(id, &bridge->last_ended.id) > 0)
        bridge->last_ended = entry->position;
    if (size == 4 && strncmp(state, "done", size) == 0) {
        bridge->counts.published++;
    } else if (size == 9 && strncmp(state, "duplicate", size) == 0) {
        bridge->counts.duplicates++;
        bridge_report_entry(bridge->settings->stream, id,
                            "the server has published it before, or a later one",
                            "it is not published again");
    } else {
        skip(bridge, id, "its broadcast was cancelled", "some clients may have got it");
    }
    server_link_settle(bridge->link);
}

/* Returns to the first entry that was refused when all others have their results. */
static void continue_reading(struct bridge *bridge)
{
    if (!bridge->is_refused)
        stream_reader_continue(bridge->reader);
    else if (bridge->window.count == 0)
        server_link_restart(bridge->link, bridge->refusal, "it is sent again");
    stop_if_done(bridge);
}

/* A server of an earlier version does not know the request. */
static void take_gap_result(struct bridge *bridge, bool is_error, const char *reason)
{
    bridge->gaps--;
    if (is_error)
        bridge_report_uncounted(bridge->settings->stream, reason);
    stop_if_done(bridge);
}

static const char *on_result(struct bridge *bridge, bool is_error, char *value)
{
    struct publish_window_entry entry;
    uint64_t ref;
    const char *word = strsep(&value, " ");
    if (value == NULL)
        return "nothing follows the reference";
    if (strcmp(word, GAP_REQUEST_REF) == 0 && bridge->gaps > 0) {
        take_gap_result(bridge, is_error, value);
        return NULL;
    }
    if (number_parse(word, 1, UINT64_MAX, &ref) != NULL ||
        !publish_window_remove(&bridge->window, ref, &entry))
        return "no request has this reference";
    if (is_error)
        refuse(bridge, &entry, value);
    else
        take_result(bridge, &entry, value);
    continue_reading(bridge);
    return NULL;
}

/* The error of that request follows. It may also be that of a gap. */
static void note_permanent(struct bridge *bridge, const char *ref)
{
    if (number_parse(ref, 1, UINT64_MAX, &bridge->permanent) != NULL)
        bridge->permanent = 0;
}

static const char *on_line(void *state, const char *key, char *value)
{
    struct bridge *bridge = state;
    if (strcmp(key, "permanent") == 0)
        note_permanent(bridge, value);
    if (strcmp(key, "result") == 0)
        return on_result(bridge, false, value);
    if (strcmp(key, "error") == 0)
        return on_result(bridge, true, value);
    return bridge->appender != NULL ? stream_appender_add(bridge->appender, key, value) : NULL;
}

/* ---- the session ---- */

/* Entries without a result that a server without a state file has forgotten: whether they were
 * published is not known, and they are not sent again. */
static void report_forgotten(struct bridge *bridge)
{
    for (size_t i = 0; i < PUBLISH_WINDOW_ENTRIES; i++) {
        const struct publish_window_entry *entry = &bridge->window.entries[i];
        if (entry->ref == 0)
            continue;
        bridge->counts.uncertain++;
        bridge_report_entry(bridge->settings->stream, &entry->position.id,
                            "the server has ended, and has no state file, so it is not known "
                            "whether it was published",
                            "it is not published again");
    }
}

static void report_uncertain(struct bridge *bridge, const struct server_link_stream *stream)
{
    const struct entry_id *id = &stream->position.id;
    if (!stream->is_uncertain || entry_id_compare(id, &bridge->reported_uncertain) == 0)
        return;
    bridge->reported_uncertain = *id;
    bridge->counts.uncertain++;
    bridge_report_entry(bridge->settings->stream, id,
                        "the server has ended while it published it, so some clients may not have "
                        "got it",
                        "it is not published again");
}

/* Finds where to read on: after the last entry of the server. Returns false if this is a first
 * start that has not begun. */
static bool find_position(struct bridge *bridge, const struct server_link_stream *stream,
                          struct stream_position *position)
{
    bool is_behind = entry_id_compare(&stream->position.id, &bridge->last_ended.id) < 0;
    *position = stream->position;
    if (is_behind || (!stream->is_known && bridge->window.count > 0)) {
        /* The server has forgotten what it has published for this bridge. */
        report_forgotten(bridge);
        *position = bridge->last_sent;
    } else if (!stream->is_known) {
        *position = bridge->begin;
    }
    publish_window_clear(&bridge->window);
    return stream->is_known || bridge->has_begun;
}

static void on_link_ready(void *state, const struct server_link_stream *stream)
{
    struct bridge *bridge = state;
    struct stream_position position;
    bridge->is_linked = true;
    bridge->is_refused = false;
    if (bridge->is_stopping)
        return;
    if (stream->is_volatile && !bridge->has_warned) {
        bridge->has_warned = true;
        bridge_report_volatile(bridge->settings->stream);
    }
    report_uncertain(bridge, stream);
    if (!find_position(bridge, stream, &position)) {
        stream_reader_start(bridge->reader, NULL);
        return;
    }
    report_begin(bridge, &position);
    stream_reader_start(bridge->reader, &position);
}

static void on_link_lost(void *state)
{
    struct bridge *bridge = state;
    bridge->is_linked = false;
    bridge->gaps = 0; /* they are found again */
    stream_reader_stop(bridge->reader);
    if (bridge->is_stopping)
        publish_window_clear(&bridge->window);
    stop_if_done(bridge);
}

/* ---- the end ---- */

/* A second signal ends it at once. */
static void on_signal(void *state, int signal)
{
    struct bridge *bridge = state;
    (void)signal;
    if (bridge->is_stopping) {
        loop_stop(bridge->loop);
        return;
    }
    if (!bridge->is_linked)
        publish_window_clear(&bridge->window); /* no result will come */
    stop(bridge);
}

static void on_stop_timeout(void *state)
{
    struct bridge *bridge = state;
    loop_stop(bridge->loop);
}

static void on_emptied(void *state)
{
    stop_if_done(state);
}

/* ---- the bridge ---- */

static void close_bridge(struct bridge *bridge)
{
    stream_appender_free(bridge->appender);
    stream_reader_free(bridge->reader);
    server_link_free(bridge->link);
    loop_timer_close(&bridge->stop_timer);
    loop_signals_stop(bridge->loop);
    loop_free(bridge->loop);
    free(bridge);
}

/* Returns false if memory or descriptors are short. */
static bool open_bridge(struct bridge *bridge)
{
    static const struct server_link_callbacks link = {on_link_ready, on_line, on_link_lost};
    static const struct stream_reader_callbacks reader = {on_room, on_entry, on_gap, on_begun,
                                                          on_redis_refused};
    static const struct stream_appender_callbacks appender = {on_emptied, on_redis_refused};
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, 0};
    const struct bridge_settings *settings = bridge->settings;
    if (loop_timer_open(bridge->loop, &bridge->stop_timer, on_stop_timeout, bridge) != 0 ||
        loop_signals_start(bridge->loop, signals, on_signal, bridge) != 0)
        return false;
    bridge->reader = stream_reader_new(bridge->loop, &settings->redis, settings->stream,
                                       settings->from, &reader, bridge);
    if (bridge->reader == NULL)
        return false;
    if (settings->append.stream != NULL) {
        bridge->appender = stream_appender_new(bridge->loop, &settings->redis, &settings->append,
                                               &appender, bridge);
        if (bridge->appender == NULL)
            return false;
    }
    bridge->link = server_link_new(bridge->loop, &settings->server, &settings->stream_name,
                                   settings->session, &link, bridge);
    return bridge->link != NULL;
}

static void run(struct bridge *bridge)
{
    int error = loop_run_until_stopped(bridge->loop);
    if (error != 0) {
        print_error(strerror(-error), "start it again", "waiting for Redis and the server");
        bridge->status = STATUS_FAILED;
    }
    if (bridge->appender != NULL) {
        struct stream_appender_counts counts = stream_appender_count(bridge->appender);
        bridge->counts.appended = counts.appended;
        bridge->counts.lost = counts.lost;
    }
    bridge_report_end(bridge->settings->stream, &bridge->counts);
}

int bridge_run(const struct bridge_settings *settings)
{
    struct bridge *bridge = calloc(1, sizeof *bridge);
    if (bridge == NULL || (bridge->loop = loop_new()) == NULL) {
        free(bridge);
        print_error("out of memory or descriptors", "free some", "starting the bridge");
        return STATUS_FAILED;
    }
    bridge->settings = settings;
    if (open_bridge(bridge)) {
        run(bridge);
    } else {
        print_error("out of memory or descriptors", "free some", "starting the bridge");
        bridge->status = STATUS_FAILED;
    }
    int status = bridge->status;
    close_bridge(bridge);
    return status;
}
