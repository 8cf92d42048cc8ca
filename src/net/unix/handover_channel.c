#include "net/unix/handover_channel.h"

#include "os/process/clock.h"
#include "os/process/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    RIGHTS_MAX = 253,          /* descriptors in one message: SCM_MAX_FD of unix(7) */
    DESCRIPTORS_MAX = 1 << 20, /* in a package; more than a process may have open */
};

/* What begins a package. Both processes run on the same host. */
struct head {
    uint8_t kind;
    uint8_t has_memory;
    uint16_t unused; /* 0, in place of padding, which would send bytes of the stack */
    uint32_t count;
    uint64_t size;
};

union rights {
    struct cmsghdr aligned;
    char bytes[CMSG_SPACE(RIGHTS_MAX * sizeof(int))];
};

/* What comes with a message: the kernel puts the sender before the descriptors. */
union control {
    struct cmsghdr aligned;
    char bytes[CMSG_SPACE(sizeof(struct ucred)) + sizeof(union rights)];
};

/* ---- sockets ---- */

int handover_channel_open(int ends[2])
{
    const int on = 1;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
        return -errno;
    if (setsockopt(ends[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof on) == 0)
        return 0;
    int error = -errno;
    close(ends[0]);
    close(ends[1]);
    return error;
}

int handover_channel_adopt(int channel)
{
    int domain = 0, type = 0;
    socklen_t size = sizeof domain;
    if (getsockopt(channel, SOL_SOCKET, SO_DOMAIN, &domain, &size) != 0 ||
        getsockopt(channel, SOL_SOCKET, SO_TYPE, &type, &size) != 0)
        return errno == ENOTSOCK ? -EPROTOTYPE : -errno;
    if (domain != AF_UNIX || type != SOCK_SEQPACKET)
        return -EPROTOTYPE;
    int flags = fcntl(channel, F_GETFL);
    return flags >= 0 && fcntl(channel, F_SETFL, flags | O_NONBLOCK) == 0 &&
                   fcntl(channel, F_SETFD, FD_CLOEXEC) == 0
               ? 0
               : -errno;
}

void handover_channel_close(int channel)
{
    close(channel);
}

/* Waits until the channel is readable or writable, or closed. Returns false if it is until_ms. */
static bool wait_for(int channel, short events, uint64_t until_ms)
{
    struct pollfd wait = {.fd = channel, .events = events};
    for (;;) {
        uint64_t now_ms = clock_now_ms();
        if (now_ms >= until_ms)
            return false;
        uint64_t left_ms = until_ms - now_ms;
        int ready = poll(&wait, 1, left_ms < 1000 ? (int)left_ms : 1000);
        if (ready > 0)
            return true;
        if (ready < 0 && errno != EINTR)
            return false;
    }
}

/* Sends one message with count descriptors. Returns 0 or -errno. */
static int send_one(int channel, struct iovec *parts, size_t part_count, const int *descriptors,
                    size_t count, uint64_t until_ms)
{
    union rights rights;
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = part_count};
    if (count > 0) {
        message.msg_control = rights.bytes;
        message.msg_controllen = CMSG_SPACE(count * sizeof descriptors[0]);
        memset(rights.bytes, 0, message.msg_controllen);
        rights.aligned = (struct cmsghdr){.cmsg_len = CMSG_LEN(count * sizeof descriptors[0]),
                                          .cmsg_level = SOL_SOCKET,
                                          .cmsg_type = SCM_RIGHTS};
        memcpy(CMSG_DATA(&rights.aligned), descriptors, count * sizeof descriptors[0]);
    }
    for (;;) {
        if (sendmsg(channel, &message, MSG_NOSIGNAL) >= 0)
            return 0;
        if (errno != EINTR && (errno != EAGAIN || !wait_for(channel, POLLOUT, until_ms)))
            return errno == ECONNRESET ? -EPIPE : -errno;
    }
}

/* A message that was received, with its descriptors. */
struct received {
    uint8_t bytes[sizeof(uint8_t) + HANDOVER_TEXT_BYTES];
    size_t size;
    int descriptors[RIGHTS_MAX];
    size_t count;
    pid_t sender;
};

static void close_all(int *descriptors, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (descriptors[i] >= 0)
            close(descriptors[i]);
}

static void take_rights(struct received *received, const struct cmsghdr *from)
{
    size_t bytes = from->cmsg_len - CMSG_LEN(0);
    size_t room = sizeof received->descriptors - received->count * sizeof(int);
    if (bytes > room)
        bytes = room;
    memcpy(received->descriptors + received->count, CMSG_DATA(from), bytes);
    received->count += bytes / sizeof(int);
}

static void take_sender(struct received *received, const struct cmsghdr *from)
{
    struct ucred sender;
    if (from->cmsg_len < CMSG_LEN(sizeof sender))
        return;
    memcpy(&sender, CMSG_DATA(from), sizeof sender);
    received->sender = sender.pid;
}

/* Copies the descriptors and the sender out of the control messages. */
static void take_control(struct received *received, struct msghdr *message)
{
    for (struct cmsghdr *at = CMSG_FIRSTHDR(message); at != NULL; at = CMSG_NXTHDR(message, at)) {
        if (at->cmsg_level == SOL_SOCKET && at->cmsg_type == SCM_RIGHTS)
            take_rights(received, at);
        else if (at->cmsg_level == SOL_SOCKET && at->cmsg_type == SCM_CREDENTIALS)
            take_sender(received, at);
    }
}

static int receive_one(int channel, struct received *received, uint64_t until_ms)
{
    union control control;
    struct iovec part = {received->bytes, sizeof received->bytes};
    struct msghdr message;
    bool was_reset = false;
    ssize_t size;
    received->count = 0;
    received->sender = 0;
    for (;;) {
        message = (struct msghdr){.msg_iov = &part,
                                  .msg_iovlen = 1,
                                  .msg_control = control.bytes,
                                  .msg_controllen = sizeof control.bytes};
        size = recvmsg(channel, &message, MSG_CMSG_CLOEXEC);
        if (size >= 0)
            break;
        /* The other end was closed with what this one has sent unread: that is reported once, and
         * what it had sent comes next. */
        bool is_reset = errno == ECONNRESET && !was_reset;
        was_reset |= is_reset;
        if (errno != EINTR && !is_reset &&
            (errno != EAGAIN || !wait_for(channel, POLLIN, until_ms)))
            return -errno;
    }
    take_control(received, &message);
    received->size = (size_t)size;
    int error = size == 0                        ? -EPIPE
                : message.msg_flags & MSG_CTRUNC ? -EMFILE
                : message.msg_flags & MSG_TRUNC  ? -EPROTO
                                                 : 0;
    if (error != 0)
        close_all(received->descriptors, received->count);
    return error;
}

/* ---- messages ---- */

int handover_channel_send(int channel, enum handover_kind kind, const char *text)
{
    uint8_t first = (uint8_t)kind;
    size_t size = text != NULL ? strnlen(text, HANDOVER_TEXT_BYTES - 1) : 0;
    struct iovec parts[] = {{&first, sizeof first}, {(void *)(uintptr_t)text, size}};
    return send_one(channel, parts, size > 0 ? 2 : 1, NULL, 0, 0);
}

static bool is_message(uint8_t kind)
{
    return (kind >= HANDOVER_READY && kind <= HANDOVER_SERVING) || kind == HANDOVER_READY_TO_COPY ||
           kind == HANDOVER_FILES;
}

int handover_channel_receive(int channel, struct handover_message *message, uint64_t until_ms)
{
    struct received received;
    int error = receive_one(channel, &received, until_ms);
    if (error != 0)
        return error;
    uint8_t kind = received.bytes[0];
    size_t text = received.size - 1;
    close_all(received.descriptors, received.count);
    if (!is_message(kind) || received.count > 0 || text >= sizeof message->text)
        return -EPROTO;
    message->kind = (enum handover_kind)kind;
    message->sender = received.sender;
    memcpy(message->text, received.bytes + 1, text);
    message->text[text] = '\0';
    return 0;
}

/* ---- sending a package ---- */

/* Returns a descriptor of memory with a copy of the bytes, or -errno. */
static int copy_to_memory(const uint8_t *bytes, size_t size)
{
    int memory = memory_file_open("udpsrv-handover");
    if (memory < 0)
        return -errno;
    while (size > 0) {
        ssize_t put = write(memory, bytes, size);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0) {
            int error = put < 0 ? -errno : -ENOMEM;
            close(memory);
            return error;
        }
        bytes += put;
        size -= (size_t)put;
    }
    /* What the successor reads does not change while it reads it. */
    fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
    return memory;
}

int handover_sending_begin(struct handover_sending *sending, const void *bytes, size_t size,
                           const int *descriptors, size_t count)
{
    *sending = (struct handover_sending){
        .memory = -1, .size = size, .descriptors = descriptors, .count = count};
    if (count > DESCRIPTORS_MAX)
        return -EMFILE;
    if (size == 0)
        return 0;
    int memory = copy_to_memory(bytes, size);
    if (memory < 0)
        return memory;
    sending->memory = memory;
    return 0;
}

static int send_head(struct handover_sending *sending, int channel, uint64_t until_ms)
{
    struct head head = {.kind = HANDOVER_PACKAGE,
                        .has_memory = sending->memory >= 0,
                        .count = (uint32_t)sending->count,
                        .size = sending->size};
    return send_one(channel, &(struct iovec){&head, sizeof head}, 1, &sending->memory,
                    head.has_memory, until_ms);
}

int handover_sending_continue(struct handover_sending *sending, int channel, uint64_t until_ms)
{
    uint8_t kind = HANDOVER_DESCRIPTORS;
    if (sending->stage == 0) {
        int error = send_head(sending, channel, until_ms);
        if (error != 0)
            return error;
        sending->stage = 1;
    }
    while (sending->sent < sending->count) {
        size_t left = sending->count - sending->sent, part = left < RIGHTS_MAX ? left : RIGHTS_MAX;
        int error = send_one(channel, &(struct iovec){&kind, sizeof kind}, 1,
                             sending->descriptors + sending->sent, part, until_ms);
        if (error != 0)
            return error;
        sending->sent += part;
    }
    return 0;
}

void handover_sending_end(struct handover_sending *sending)
{
    if (sending->memory >= 0)
        close(sending->memory);
    sending->memory = -1;
}

/* ---- receiving a package ---- */

/* Returns 0 or -errno; the descriptor is closed in each case. */
static int map_memory(struct handover_package *package, int memory)
{
    struct stat file;
    int error = fstat(memory, &file) != 0                           ? -errno
                : (uint64_t)file.st_size != (uint64_t)package->size ? -EPROTO
                                                                    : 0;
    if (error == 0) {
        void *bytes = mmap(NULL, package->size, PROT_READ, MAP_PRIVATE, memory, 0);
        if (bytes == MAP_FAILED)
            error = -errno;
        else
            package->bytes = bytes;
    }
    close(memory);
    return error;
}

/* Reads the head of a package; takes the memory. Returns 0 or -errno. */
static int read_head(struct handover_package *package, struct received *received, size_t *count)
{
    struct head head;
    bool fits = received->size == sizeof head;
    if (fits)
        memcpy(&head, received->bytes, sizeof head);
    if (!fits || head.kind != HANDOVER_PACKAGE || received->count != head.has_memory ||
        head.has_memory != (head.size > 0) || head.count > DESCRIPTORS_MAX ||
        head.size > SIZE_MAX) {
        close_all(received->descriptors, received->count);
        return -EPROTO;
    }
    package->size = (size_t)head.size;
    *count = head.count;
    return head.has_memory ? map_memory(package, received->descriptors[0]) : 0;
}

static int receive_descriptors(int channel, struct handover_package *package, size_t count,
                               uint64_t until_ms)
{
    struct received received;
    if (count > 0 && (package->descriptors = calloc(count, sizeof(int))) == NULL)
        return -ENOMEM;
    while (package->count < count) {
        int error = receive_one(channel, &received, until_ms);
        if (error != 0)
            return error;
        if (received.size != 1 || received.bytes[0] != HANDOVER_DESCRIPTORS ||
            received.count == 0 || received.count > count - package->count) {
            close_all(received.descriptors, received.count);
            return -EPROTO;
        }
        memcpy(package->descriptors + package->count, received.descriptors,
               received.count * sizeof(int));
        package->count += received.count;
    }
    return 0;
}

int handover_package_receive(int channel, struct handover_package *package, uint64_t until_ms)
{
    struct received received;
    size_t count = 0;
    *package = (struct handover_package){.size = 0};
    int error = receive_one(channel, &received, until_ms);
    if (error == 0)
        error = read_head(package, &received, &count);
    if (error == 0)
        error = receive_descriptors(channel, package, count, until_ms);
    if (error != 0)
        handover_package_free(package);
    return error;
}

void handover_package_free(struct handover_package *package)
{
    if (package->bytes != NULL)
        munmap((void *)(uintptr_t)package->bytes, package->size);
    close_all(package->descriptors, package->count);
    free(package->descriptors);
    *package = (struct handover_package){.size = 0};
}
