#ifndef NET_UNIX_HANDOVER_CHANNEL_H
#define NET_UNIX_HANDOVER_CHANNEL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The channel between a server and its successor during an upgrade: a pair of connected Unix
 * sockets, by which short messages and packages are sent. A package is any number of bytes, which
 * pass in a memfd that nobody can change any more, and any number of descriptors. Descriptors that
 * are received are close-on-exec.
 *
 * All times are of clock_now_ms; 0 does not wait. */

enum handover_kind {
    HANDOVER_READY = 1,   /* the successor: it could take over; text: its version */
    HANDOVER_FAILED,      /* the successor: it cannot; text: why */
    HANDOVER_STARTED,     /* the successor: it has read what was handed over, and changed nothing */
    HANDOVER_GO,          /* the predecessor: it serves no more, the successor has to */
    HANDOVER_TAKEN,       /* the successor: it has read that, and begins */
    HANDOVER_SERVING,     /* the successor: it serves */
    HANDOVER_PACKAGE,     /* of this module */
    HANDOVER_DESCRIPTORS, /* of this module */
    HANDOVER_READY_TO_COPY, /* as HANDOVER_READY; it needs the clients as a copy */
    HANDOVER_FILES,         /* the successor: socket files that it may create; text: their paths,
                             each after its length in a byte */
};

enum { HANDOVER_TEXT_BYTES = 1500 /* a longer text is truncated */ };

struct handover_message {
    enum handover_kind kind;
    pid_t sender; /* the process that has sent it, as the kernel knows it; 0: unknown */
    char text[HANDOVER_TEXT_BYTES];
};

/* Opens both ends, which are close-on-exec and do not block. A message that is received at ends[0]
 * has its sender. Returns 0 or -errno. */
int handover_channel_open(int ends[2]);

/* Checks that a descriptor that this process has got at its start is such an end, and makes it
 * close-on-exec and non-blocking. Returns 0 or -errno (-EPROTOTYPE: it is something else). */
int handover_channel_adopt(int channel);

void handover_channel_close(int channel);

/* Sends a message without waiting; text may be NULL. Returns 0 or -errno (-EPIPE: the other end is
 * closed; -EAGAIN: no room). */
int handover_channel_send(int channel, enum handover_kind kind, const char *text);

/* Receives a message. Returns 0, or -errno: -EAGAIN if none came in time, -EPIPE if the other end
 * is closed, -EPROTO if it is not such a message; descriptors that came with it are closed. */
int handover_channel_receive(int channel, struct handover_message *message, uint64_t until_ms);

/* A package that is being sent. */
struct handover_sending {
    int memory; /* descriptor of the bytes; -1: there are none */
    uint64_t size;
    const int *descriptors; /* the caller's, until the end */
    size_t count, sent;
    int stage;
};

/* Copies the bytes, which may then be freed. Returns 0 or -errno; handover_sending_end is needed
 * after 0. */
int handover_sending_begin(struct handover_sending *sending, const void *bytes, size_t size,
                           const int *descriptors, size_t count);
/* Sends what the socket has room for by until_ms. Returns 0 when all is sent, or -errno: -EAGAIN if
 * there was no more room; then call it again when the channel is writable. */
int handover_sending_continue(struct handover_sending *sending, int channel, uint64_t until_ms);
void handover_sending_end(struct handover_sending *sending);

/* A package that was received. */
struct handover_package {
    const uint8_t *bytes; /* read-only memory; NULL if size is 0 */
    size_t size;
    int *descriptors; /* one that the receiver keeps has to be set to -1 here */
    size_t count;
};

/* Receives a package. Returns 0, or -errno as handover_channel_receive does; also -EMFILE if there
 * were too few free descriptors, and -ENOMEM. After an error nothing has to be freed. If the other
 * end sent HANDOVER_FAILED or another message in its place, it is -EPROTO. */
int handover_package_receive(int channel, struct handover_package *package, uint64_t until_ms);
/* Frees the bytes and closes the descriptors that are not -1. */
void handover_package_free(struct handover_package *package);

#endif
