#include "net/message/datagram_batch.h"

#include "net/socket/icmp_errors.h"
#include "net/socket/socket_address.h"
#include "net/socket/socket_buffer.h"
#include "os/process/memory.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* Space for one control message, which reports or sets the local address, of either family. */
struct control_space {
    _Alignas(struct cmsghdr) uint8_t bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

/* How often one datagram is sent again after ICMP errors about earlier ones; more errors may come
 * meanwhile. */
enum { RETRIES_MAX = 16 };

struct batch {
    int received, queued, sent;
    struct batch_counts counts;
    uint64_t refused; /* one bit for each datagram that failed; BATCH_MAX is 64 */
    uint8_t
        replied_to[BATCH_MAX]; /* the numbers of the datagrams that the queued replies are for */
    /* NULL in a batch for sending only: the bytes of the received datagrams, BATCH_MAX times
     * max_datagram_bytes; and after these, BATCH_MAX times BATCH_SCRATCH_BYTES. */
    uint8_t *bytes, *scratch;
    struct datagram datagrams[BATCH_MAX];

    /* Addresses and control messages. They are filled in on reception and used unchanged for the
     * reply, or filled in by batch_add. */
    union socket_address addresses[BATCH_MAX];
    struct control_space controls[BATCH_MAX];

    struct mmsghdr in[BATCH_MAX], out[BATCH_MAX];
    struct iovec in_bytes[BATCH_MAX], out_bytes[BATCH_MAX];
};

/* Allocates the buffers of a batch that receives, and prepares the headers. Returns false if memory
 * is short. */
static bool open_receiver(struct batch *batch, size_t max_datagram_bytes)
{
    /* Pages that no datagram and no short reply fills take no memory. */
    batch->bytes = malloc(BATCH_MAX * (max_datagram_bytes + BATCH_SCRATCH_BYTES));
    if (batch->bytes == NULL)
        return false;
    batch->scratch = batch->bytes + BATCH_MAX * max_datagram_bytes;
    for (int i = 0; i < BATCH_MAX; i++) {
        batch->in_bytes[i] = (struct iovec){
            .iov_base = batch->bytes + (size_t)i * max_datagram_bytes,
            .iov_len = max_datagram_bytes,
        };
        batch->datagrams[i].bytes = batch->in_bytes[i].iov_base;
        batch->in[i].msg_hdr = (struct msghdr){
            .msg_name = &batch->addresses[i],
            .msg_namelen = sizeof batch->addresses[i],
            .msg_iov = &batch->in_bytes[i],
            .msg_iovlen = 1,
            .msg_control = &batch->controls[i],
            .msg_controllen = sizeof batch->controls[i],
        };
    }
    return true;
}

struct batch *batch_new(size_t max_datagram_bytes)
{
    struct batch *batch = memory_cache_lines(sizeof *batch);
    if (batch == NULL)
        return NULL;
    if (max_datagram_bytes > 0 && !open_receiver(batch, max_datagram_bytes)) {
        free(batch);
        return NULL;
    }
    for (int i = 0; i < BATCH_MAX; i++)
        batch->out[i].msg_hdr = (struct msghdr){.msg_iov = &batch->out_bytes[i], .msg_iovlen = 1};
    return batch;
}

void batch_free(struct batch *batch)
{
    if (batch == NULL)
        return;
    free(batch->bytes);
    free(batch);
}

/* Reads where an IPv4 datagram was sent to, and prepares the control message for the reply: without
 * the interface, so that the route of the reply does not depend on the interface of the request. */
static void read_ipv4_info(struct datagram *datagram, struct cmsghdr *control)
{
    struct in_pktinfo info;
    memcpy(&info, CMSG_DATA(control), sizeof info);
    /* It arrived at a socket that another process had opened without IP_PKTINFO. */
    if (info.ipi_ifindex == 0)
        return;
    datagram->local.family = ADDR_IPV4;
    datagram->local.scope = (uint32_t)info.ipi_ifindex;
    memcpy(datagram->local.ip, &info.ipi_spec_dst, sizeof info.ipi_spec_dst);
    /* They differ if and only if the destination is not an address of this host: ip(7). */
    datagram->is_multicast = info.ipi_addr.s_addr != info.ipi_spec_dst.s_addr;
    memset(CMSG_DATA(control) + offsetof(struct in_pktinfo, ipi_ifindex), 0,
           sizeof info.ipi_ifindex);
}

/* The same for IPv6, where a link-local address needs its interface. */
static void read_ipv6_info(struct datagram *datagram, struct cmsghdr *control)
{
    struct in6_pktinfo info;
    memcpy(&info, CMSG_DATA(control), sizeof info);
    datagram->local.family = ADDR_IPV6;
    memcpy(datagram->local.ip, &info.ipi6_addr, sizeof info.ipi6_addr);
    datagram->local.scope = info.ipi6_ifindex;
    datagram->is_multicast = addr_is_multicast(&datagram->local);
    if (addr_is_link_local(&datagram->local))
        return;
    info.ipi6_ifindex = 0;
    memcpy(CMSG_DATA(control), &info, sizeof info);
}

static void read_header(struct batch *batch, int i)
{
    struct datagram *datagram = &batch->datagrams[i];
    struct msghdr *header = &batch->in[i].msg_hdr;
    datagram->size = batch->in[i].msg_len;
    datagram->truncated = header->msg_flags & MSG_TRUNC;
    datagram->is_multicast = false;
    datagram->local = (struct addr){.family = ADDR_NONE};
    addr_from_sockaddr(&datagram->source, &batch->addresses[i]);

    struct cmsghdr *control = CMSG_FIRSTHDR(header);
    if (control == NULL)
        return;
    if (control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_PKTINFO)
        read_ipv4_info(datagram, control);
    else if (control->cmsg_level == IPPROTO_IPV6 && control->cmsg_type == IPV6_PKTINFO)
        read_ipv6_info(datagram, control);
    if (datagram->local.family == ADDR_NONE)
        header->msg_controllen = 0; /* the reply has no control message */
}

int batch_receive(struct batch *batch, int socket)
{
    int count;
    do
        count = recvmmsg(socket, batch->in, BATCH_MAX, MSG_DONTWAIT, NULL);
    while (count < 0 && errno == EINTR);
    if (count < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -errno;

    batch->received = count;
    for (int i = 0; i < count; i++)
        read_header(batch, i);
    return count;
}

const struct datagram *batch_datagrams(const struct batch *batch)
{
    return batch->datagrams;
}

void batch_add_reply(struct batch *out, const struct batch *received, int i, const void *bytes,
                     size_t size)
{
    const struct msghdr *request = &received->in[i].msg_hdr;
    int k = out->queued++;
    struct msghdr *reply = &out->out[k].msg_hdr;
    reply->msg_name = request->msg_name;
    reply->msg_namelen = request->msg_namelen;
    reply->msg_control = request->msg_control;
    reply->msg_controllen = request->msg_controllen;
    out->out_bytes[k] = (struct iovec){(void *)(uintptr_t)bytes, size};
    out->replied_to[k] = (uint8_t)i;
}

uint8_t *batch_scratch(struct batch *batch, int i)
{
    return batch->scratch + (size_t)i * BATCH_SCRATCH_BYTES;
}

static socklen_t write_info(struct control_space *control, int level, int type, const void *info,
                            socklen_t size)
{
    struct cmsghdr *header = (struct cmsghdr *)(void *)control->bytes;
    *header = (struct cmsghdr){
        .cmsg_len = (socklen_t)CMSG_LEN(size), .cmsg_level = level, .cmsg_type = type};
    memcpy(CMSG_DATA(header), info, size);
    return (socklen_t)CMSG_SPACE(size);
}

/* Writes the control message that sets the source address of a datagram; returns its length. */
static socklen_t write_local(struct control_space *control, const struct addr *local)
{
    if (local->family == ADDR_IPV4) {
        struct in_pktinfo info = {.ipi_ifindex = 0};
        memcpy(&info.ipi_spec_dst, local->ip, sizeof info.ipi_spec_dst);
        return write_info(control, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
    }
    if (local->family == ADDR_IPV6) {
        struct in6_pktinfo info = {.ipi6_ifindex = addr_is_link_local(local) ? local->scope : 0};
        memcpy(&info.ipi6_addr, local->ip, sizeof info.ipi6_addr);
        return write_info(control, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
    }
    return 0;
}

void batch_add(struct batch *batch, const struct addr *to, const struct addr *local,
               const void *bytes, size_t size)
{
    int i = batch->queued++;
    struct msghdr *header = &batch->out[i].msg_hdr;
    header->msg_name = &batch->addresses[i];
    header->msg_namelen = sockaddr_from_addr(&batch->addresses[i], to);
    header->msg_controllen = write_local(&batch->controls[i], local);
    header->msg_control = header->msg_controllen != 0 ? &batch->controls[i] : NULL;
    header->msg_iov->iov_base = (void *)(uintptr_t)bytes;
    header->msg_iov->iov_len = size;
}

void batch_repeat_from(struct batch *batch, uint32_t ip)
{
    struct cmsghdr *control = (struct cmsghdr *)(void *)batch->controls[batch->queued++].bytes;
    memcpy(CMSG_DATA(control) + offsetof(struct in_pktinfo, ipi_spec_dst), &ip, sizeof ip);
}

/* Whether the datagram can be sent later. The fragments of a datagram may need more than the space
 * that is left in the send buffer, which is ENOBUFS: after others have left they may fit, but never
 * if the buffer is empty. */
static bool is_buffer_full(int socket, int error)
{
    return error == EAGAIN || error == EWOULDBLOCK ||
           (error == ENOBUFS && socket_send_buffer_used(socket) > 0);
}

/* Whether the kernel refused the next datagram because of an ICMP error about an earlier one.
 * ECONNREFUSED is always about an earlier one. On a connected socket, where no address is given,
 * any error that ICMP can cause is worth a second try. */
static bool is_about_earlier(const struct batch *batch, int error)
{
    if (error == ECONNREFUSED)
        return true;
    return batch->out[batch->sent].msg_hdr.msg_namelen == 0 && icmp_errors_may_be(-error);
}

static void refuse(struct batch *batch, int error)
{
    batch->counts.last_errno = error;
    batch->counts.failed++;
    batch->refused |= UINT64_C(1) << batch->sent++;
}

int batch_send(struct batch *batch, int socket)
{
    int retries = 0; /* of the next datagram */
    while (batch->sent < batch->queued) {
        /* A short count does not include the error of the next one; another call from there returns
         * it. */
        int count = sendmmsg(socket, batch->out + batch->sent,
                             (unsigned)(batch->queued - batch->sent), MSG_DONTWAIT);
        if (count > 0) {
            batch->sent += count;
            batch->counts.sent += (uint32_t)count;
            retries = 0;
            continue;
        }
        int error = errno;
        if (is_buffer_full(socket, error))
            return -EAGAIN;
        if (error == EINTR)
            continue;
        int most = error == ECONNREFUSED ? RETRIES_MAX : 1;
        if (is_about_earlier(batch, error) && retries < most) {
            retries++;
            batch->counts.icmp_errors++;
            batch->counts.icmp_errno = error;
            continue;
        }
        batch->counts.icmp_errors -=
            retries > 0 && error != ECONNREFUSED; /* the error was about this one */
        refuse(batch, error);
        retries = 0;
    }
    return 0;
}

void batch_fail_rest(struct batch *batch, int reason)
{
    if (batch->sent < batch->queued)
        batch->counts.last_errno = reason;
    while (batch->sent < batch->queued) {
        batch->counts.failed++;
        batch->refused |= UINT64_C(1) << batch->sent++;
    }
}

void batch_send_or_fail(struct batch *batch, int socket)
{
    if (batch_send(batch, socket) != 0)
        batch_fail_rest(batch, EAGAIN);
}

struct batch_counts batch_counts(const struct batch *batch)
{
    return batch->counts;
}

int batch_queued(const struct batch *batch)
{
    return batch->queued;
}

int batch_done(const struct batch *batch)
{
    return batch->sent;
}

bool batch_is_refused(const struct batch *batch, int i)
{
    return batch->refused >> i & 1;
}

int batch_get_reply(const struct batch *batch, int k, const void **bytes, size_t *size)
{
    *bytes = batch->out_bytes[k].iov_base;
    *size = batch->out_bytes[k].iov_len;
    return batch->replied_to[k];
}

void batch_clear(struct batch *batch)
{
    /* recvmmsg has replaced the sizes of the buffers by the sizes that it used. */
    for (int i = 0; i < batch->received; i++) {
        batch->in[i].msg_hdr.msg_namelen = sizeof batch->addresses[i];
        batch->in[i].msg_hdr.msg_controllen = sizeof batch->controls[i];
    }
    batch->received = batch->queued = batch->sent = 0;
    batch->counts = (struct batch_counts){.sent = 0};
    batch->refused = 0;
}
