#ifndef SIM_CORE_DESCRIPTORS_H
#define SIM_CORE_DESCRIPTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The tables of descriptors. An object is what one or several descriptors refer to, of one process
 * or of several. Each process has a table of its own, but no two of them have a descriptor of the
 * same number at a time: so one that is not handed over, but used under its number in another
 * process, is found. */

enum object_kind {
    OBJECT_TIMER,
    OBJECT_MAILBOX,
    OBJECT_SIGNALS,
    OBJECT_WATCH, /* of a file, or of the interfaces */
    OBJECT_UDP,
    OBJECT_STREAM,
    OBJECT_LISTENER,
    OBJECT_PLACEHOLDER,
    OBJECT_CHANNEL, /* of an upgrade */
    OBJECT_MEMORY,
    OBJECT_LOCK,    /* of the state file */
    OBJECT_PROGRAM, /* of the offload */
    OBJECT_KINDS
};

/* The first member of each object. */
struct object {
    enum object_kind kind;
    unsigned references;
    uint64_t number; /* of its own, from its first descriptor on */
    struct {
        uint8_t role, worker;
        int16_t listener;
    } note; /* of check/roles: what a process has used it for */
    unsigned (*ready)(const struct object *object); /* the events of os/loop/event_loop */
    void (*destroy)(struct object *object);
};

/* Sets how many descriptors a process may have open. */
void descriptors_limit(size_t most);
size_t descriptors_limit_now(void);
/* When a descriptor was last refused; 0: never. */
uint64_t descriptors_refused_ms(void);

/* Opens a descriptor of an object, which it owns. Returns -EMFILE if there are too many; then the
 * object is destroyed if it has no other descriptor. */
int descriptor_open(struct object *object);
int descriptor_open_for(int process, struct object *object);
void descriptor_close(int fd);
/* A second descriptor of the same object, or -errno. */
int descriptor_duplicate(int fd);
/* Makes the number old refer to what new refers to. */
void descriptor_replace(int old, int new);

/* The object of that kind; a wrong descriptor is a broken promise. */
struct object *descriptor_object(int fd, enum object_kind kind);
/* NULL if it is not open. */
enum { DESCRIPTORS_FIRST = 100, DESCRIPTORS_MAX = 16384 };
extern struct object *descriptor_table[DESCRIPTORS_MAX]; /* for descriptor_any only */
static inline struct object *descriptor_any(int fd)
{
    bool is_number = fd >= DESCRIPTORS_FIRST && fd < DESCRIPTORS_FIRST + DESCRIPTORS_MAX;
    return is_number ? descriptor_table[fd - DESCRIPTORS_FIRST] : NULL;
}

/* The process of a descriptor. */
int descriptor_process(int fd);

/* Closes all of a process, which has ended. */
void descriptors_close_all(int process);

/* An object for a descriptor that passes to another process: a reference, which descriptor_receive
 * makes a descriptor of the current process (or -EMFILE), and descriptor_drop gives up. */
struct object *descriptor_pass(int fd);
int descriptor_receive(struct object *object);
void descriptor_drop(struct object *object);

/* How many a process has open, of one kind or of all. */
size_t descriptor_count(int process);
size_t descriptor_count_of(int process, enum object_kind kind);
/* Whether the process has no room for another one. */
bool descriptor_is_limited(int process);

#endif
