#include "net/interface/netlink.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    PART_BYTES = 32 << 10, /* the kernel sends dumps in parts of at most that (its netlink_dump) */
    FIXED_BYTES_MAX = 64,
};

struct dump {
    size_t fixed_bytes;
    netlink_entry_callback *callback;
    void *state;
};

/* Reads one message of the response. Returns 1 at the end, 0, or -errno. */
static int read_message(const struct nlmsghdr *message, const struct dump *dump)
{
    if (message->nlmsg_type == NLMSG_DONE)
        return 1;
    if (message->nlmsg_type == NLMSG_ERROR)
        return message->nlmsg_len >= NLMSG_LENGTH(sizeof(struct nlmsgerr))
                   ? ((const struct nlmsgerr *)NLMSG_DATA(message))->error
                   : -EPROTO;
    if (message->nlmsg_len < NLMSG_LENGTH(dump->fixed_bytes))
        return 0;
    return dump->callback(dump->state, message);
}

/* Reads the messages of one part of the response. Returns as read_message. */
static int read_part(const char *part, size_t size, const struct dump *dump)
{
    size_t at = 0;
    while (at + sizeof(struct nlmsghdr) <= size) {
        const struct nlmsghdr *message = (const void *)(part + at);
        if (message->nlmsg_len < sizeof *message || message->nlmsg_len > size - at)
            return -EPROTO;
        int error = read_message(message, dump);
        if (error != 0)
            return error;
        at += NLMSG_ALIGN(message->nlmsg_len);
    }
    return 0;
}

static int read_response(int socket, const struct dump *dump)
{
    _Alignas(struct nlmsghdr) char part[PART_BYTES];
    int error = 0;
    while (error == 0) {
        ssize_t size = recv(socket, part, sizeof part, 0);
        if (size >= 0)
            error = read_part(part, (size_t)size, dump);
        else if (errno != EINTR)
            error = -errno;
    }
    return error < 0 ? error : 0;
}

static int send_request(int socket, uint16_t type, const void *fixed, size_t fixed_bytes)
{
    struct {
        struct nlmsghdr header;
        char fixed[FIXED_BYTES_MAX];
    } request = {
        .header = {.nlmsg_len = (uint32_t)NLMSG_LENGTH(fixed_bytes),
                   .nlmsg_type = type,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
    };
    memcpy(request.fixed, fixed, fixed_bytes);
    ssize_t sent = send(socket, &request, request.header.nlmsg_len, 0);
    return sent >= 0 ? 0 : -errno;
}

int netlink_dump(uint16_t type, const void *fixed, size_t fixed_bytes,
                 netlink_entry_callback *callback, void *state)
{
    if (fixed_bytes > FIXED_BYTES_MAX)
        return -EINVAL;
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0)
        return -errno;
    int error = send_request(fd, type, fixed, fixed_bytes);
    if (error == 0)
        error = read_response(fd, &(struct dump){fixed_bytes, callback, state});
    close(fd);
    return error;
}

/* Returns the first attribute of a type with at least that payload, among those in that many bytes;
 * NULL if there is none. */
static const struct rtattr *find(const char *attributes, size_t bytes, uint16_t type,
                                 size_t least_bytes)
{
    size_t at = 0;
    while (at + sizeof(struct rtattr) <= bytes) {
        const struct rtattr *attribute = (const void *)(attributes + at);
        if (attribute->rta_len < sizeof *attribute || attribute->rta_len > bytes - at)
            return NULL;
        if ((attribute->rta_type & NLA_TYPE_MASK) == type && RTA_PAYLOAD(attribute) >= least_bytes)
            return attribute;
        at += RTA_ALIGN(attribute->rta_len);
    }
    return NULL;
}

const void *netlink_nested_attribute(const struct nlmsghdr *message, size_t fixed_bytes,
                                     const uint16_t *path, size_t depth, size_t least_bytes)
{
    size_t at = NLMSG_LENGTH(NLMSG_ALIGN(fixed_bytes));
    if (at > message->nlmsg_len)
        return NULL;
    const char *attributes = (const char *)message + at;
    size_t bytes = message->nlmsg_len - at;
    for (size_t i = 0; i < depth; i++) {
        const struct rtattr *found =
            find(attributes, bytes, path[i], i + 1 == depth ? least_bytes : 0);
        if (found == NULL)
            return NULL;
        attributes = RTA_DATA(found);
        bytes = RTA_PAYLOAD(found);
    }
    return attributes;
}

const void *netlink_attribute(const struct nlmsghdr *message, size_t fixed_bytes, uint16_t type,
                              size_t least_bytes)
{
    return netlink_nested_attribute(message, fixed_bytes, &type, 1, least_bytes);
}
