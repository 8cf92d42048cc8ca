#ifndef SERVER_STATE_HANDED_CLIENTS_H
#define SERVER_STATE_HANDED_CLIENTS_H

#include "base/handover.h"
#include "config/config.h"
#include "os/process/memory.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the former process of an upgrade hands over before it stops: its shared memory, and what
 * the memory depends on. The next process maps it while the former one still uses it, and so
 * neither reads nor writes it before that one has stopped. */

/* One piece of memory. */
struct handed_memory {
    int descriptor;  /* -1: there is none, or it was mapped */
    uint64_t layout; /* the number of its layout */
};

/* Writes a piece into the record; the memory may be all zero, or private. */
void handed_memory_put(const struct shared_memory *memory, uint64_t layout,
                       struct handover_writer *writer);

/* Maps a piece, if it has that layout and size. Returns 0 or -errno (-ENOENT: there is none,
 * -EPROTO: it has another layout). handed may be NULL, which is no piece. */
int handed_memory_map(struct handed_memory *handed, uint64_t layout, size_t bytes, size_t committed,
                      struct shared_memory *memory);

/* Closes a piece that was not mapped. */
void handed_memory_close(struct handed_memory *handed);

/* What clients depend on: if any of it differs, the memory of the clients cannot be used, and they
 * are handed over in the format of the state file. */
struct clients_setting {
    uint64_t layout; /* of all that is used only together */
    size_t worker_count;
    uint32_t clients_max, names_max;
    uint8_t names;        /* enum config_names */
    uint64_t names_id;    /* of the key under names = keyed, else 0 */
    uint8_t is_by_source; /* the server chooses the worker of a source */
    size_t listener_count;
    uint8_t transports[CONFIG_LISTEN_MAX];
    char listeners[CONFIG_LISTEN_MAX][CONFIG_LISTEN_TEXT_BYTES]; /* listeners_format_name */
};

struct handed_clients {
    struct clients_setting setting;
    bool keeps_memory; /* the memory of the clients and of names is used */
    struct handed_memory registries[CONFIG_WORKERS_MAX]; /* by worker */
    struct handed_memory capacity, prefixes, limiter, names;
};

/* Write a setting, and read it with the pieces, which follow it in the order of struct
 * handed_clients, without the descriptors that are -1. handed_clients_take_over returns 0 or
 * -EPROTO; either way handed_clients_close is needed. */
void clients_setting_hand_over(const struct clients_setting *setting,
                               struct handover_writer *writer);
int handed_clients_take_over(struct handed_clients *handed, struct handover_reader *reader);

/* Decides whether the memory of the clients is used by this process, with that setting. */
void handed_clients_decide(struct handed_clients *handed, const struct clients_setting *own);

/* Closes what was not mapped. */
void handed_clients_close(struct handed_clients *handed);

#endif
