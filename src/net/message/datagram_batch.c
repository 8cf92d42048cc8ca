/* recvmmsg and sendmmsg, with every header and address prepared once. */
#include "net/message/datagram_batch.h"

#include "net/socket/icmp_errors.h"
#include "net/socket/udp_socket.h"
#include "os/process/memory.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* Room for the one control message that tells or sets the local address, of either family. */
struct ancillary {
    _Alignas(struct cmsghdr) uint8_t bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

/* How often one datagram is sent again for errors of earlier ones, of which more may come
 * meanwhile.
 */
enum { TOLD_AT_ONCE = 16 };

struct batch {
    int received, queued, sent;
    struct batch_tally tally;
    uint64_t refused;            /* a bit for each that failed; BATCH_MAX is 64 */
    uint8_t answered[BATCH_MAX]; /* the datagrams that the queued answers are for */
    size_t max_datagram_bytes;
    uint8_t *bytes; /* of the datagrams received, BATCH_MAX times max_datagram_bytes */
    struct datagram datagrams[BATCH_MAX];

    /* Names and ancillaries are filled in by reception and sent back as they are, or by
     * batch_address.
     */
    union socket_name names[BATCH_MAX];
    struct ancillary ancillaries[BATCH_MAX];

    uint8_t scratch[BATCH_MAX][BATCH_SCRATCH_BYTES];
    struct mmsghdr in[BATCH_MAX], out[BATCH_MAX];
    struct iovec in_bytes[BATCH_MAX], out_bytes[BATCH_MAX];
};

struct batch *batch_new(size_t max_datagram_bytes)
{
    struct batch *batch = memory_lines(sizeof *batch);
    if (batch == NULL)
        return NULL;
    batch->max_datagram_bytes = max_datagram_bytes;
    /* Pages of the buffers that no datagram reaches are never touched. */
    batch->bytes = malloc(max_datagram_bytes ? BATCH_MAX * max_datagram_bytes : 1);
    if (batch->bytes == NULL) {
        free(batch);
        return NULL;
    }
    for (int i = 0; i < BATCH_MAX; i++) {
        batch->in_bytes[i] = (struct iovec){
            .iov_base = batch->bytes + (size_t)i * max_datagram_bytes,
            .iov_len = max_datagram_bytes,
        };
        batch->datagrams[i].bytes = batch->in_bytes[i].iov_base;
        batch->in[i].msg_hdr = (struct msghdr){
            .msg_name = &batch->names[i],
            .msg_namelen = sizeof batch->names[i],
            .msg_iov = &batch->in_bytes[i],
            .msg_iovlen = 1,
            .msg_control = &batch->ancillaries[i],
            .msg_controllen = sizeof batch->ancillaries[i],
        };
        batch->out[i].msg_hdr = (struct msghdr){.msg_iov = &batch->out_bytes[i], .msg_iovlen = 1};
    }
    return batch;
}

void batch_free(struct batch *batch)
{
    if (batch == NULL)
        return;
    free(batch->bytes);
    free(batch);
}

/* Reads where an IPv4 datagram was sent to, and makes the control message fit to be sent back: a
 * route is found for the answer as for anything else, not forced through the interface of the
 * request. */
static void read_ipv4_info(struct datagram *datagram, struct cmsghdr *control)
{
    struct in_pktinfo info;
    memcpy(&info, CMSG_DATA(control), sizeof info);
    datagram->local.family = ADDR_IPV4;
    datagram->local.scope = (uint32_t)info.ipi_ifindex;
    memcpy(datagram->local.ip, &info.ipi_spec_dst, sizeof info.ipi_spec_dst);
    /* They differ just when the destination isn't an address of ours: ip(7). */
    datagram->to_many = info.ipi_addr.s_addr != info.ipi_spec_dst.s_addr;
    memset(CMSG_DATA(control) + offsetof(struct in_pktinfo, ipi_ifindex), 0,
           sizeof info.ipi_ifindex);
}

/* The same for IPv6, where a link-local address has no meaning without its interface. */
static void read_ipv6_info(struct datagram *datagram, struct cmsghdr *control)
{
    struct in6_pktinfo info;
    memcpy(&info, CMSG_DATA(control), sizeof info);
    datagram->local.family = ADDR_IPV6;
    memcpy(datagram->local.ip, &info.ipi6_addr, sizeof info.ipi6_addr);
    datagram->local.scope = info.ipi6_ifindex;
    datagram->to_many = addr_is_multicast(&datagram->local);
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
    datagram->cut = header->msg_flags & MSG_TRUNC;
    datagram->to_many = false;
    datagram->local = (struct addr){.family = ADDR_NONE};
    addr_from_sockaddr(&datagram->source, &batch->names[i]);

    struct cmsghdr *control = CMSG_FIRSTHDR(header);
    if (control == NULL)
        return;
    if (control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_PKTINFO)
        read_ipv4_info(datagram, control);
    else if (control->cmsg_level == IPPROTO_IPV6 && control->cmsg_type == IPV6_PKTINFO)
        read_ipv6_info(datagram, control);
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

void batch_answer(struct batch *out, const struct batch *received, int i, const void *bytes,
                  size_t size)
{
    const struct msghdr *request = &received->in[i].msg_hdr;
    int k = out->queued++;
    struct msghdr *answer = &out->out[k].msg_hdr;
    answer->msg_name = request->msg_name;
    answer->msg_namelen = request->msg_namelen;
    answer->msg_control = request->msg_control;
    answer->msg_controllen = request->msg_controllen;
    out->out_bytes[k] = (struct iovec){(void *)(uintptr_t)bytes, size};
    out->answered[k] = (uint8_t)i;
}

uint8_t *batch_scratch(struct batch *batch, int i)
{
    return batch->scratch[i];
}

static socklen_t write_info(struct ancillary *ancillary, int level, int type, const void *info,
                            socklen_t size)
{
    struct cmsghdr *header = (struct cmsghdr *)(void *)ancillary->bytes;
    *header = (struct cmsghdr){
        .cmsg_len = (socklen_t)CMSG_LEN(size), .cmsg_level = level, .cmsg_type = type};
    memcpy(CMSG_DATA(header), info, size);
    return (socklen_t)CMSG_SPACE(size);
}

/* Writes the control message that makes a datagram leave from local; returns its length. */
static socklen_t write_local(struct ancillary *ancillary, const struct addr *local)
{
    if (local->family == ADDR_IPV4) {
        struct in_pktinfo info = {.ipi_ifindex = 0};
        memcpy(&info.ipi_spec_dst, local->ip, sizeof info.ipi_spec_dst);
        return write_info(ancillary, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
    }
    if (local->family == ADDR_IPV6) {
        struct in6_pktinfo info = {.ipi6_ifindex = addr_is_link_local(local) ? local->scope : 0};
        memcpy(&info.ipi6_addr, local->ip, sizeof info.ipi6_addr);
        return write_info(ancillary, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
    }
    return 0;
}

void batch_address(struct batch *batch, const struct addr *to, const struct addr *local,
                   const void *bytes, size_t size)
{
    int i = batch->queued++;
    struct msghdr *header = &batch->out[i].msg_hdr;
    header->msg_name = &batch->names[i];
    header->msg_namelen = sockaddr_from_addr(&batch->names[i], to);
    header->msg_controllen = write_local(&batch->ancillaries[i], local);
    header->msg_control = header->msg_controllen != 0 ? &batch->ancillaries[i] : NULL;
    header->msg_iov->iov_base = (void *)(uintptr_t)bytes;
    header->msg_iov->iov_len = size;
}

void batch_again(struct batch *batch, uint32_t ip)
{
    struct cmsghdr *control = (struct cmsghdr *)(void *)batch->ancillaries[batch->queued++].bytes;
    memcpy(CMSG_DATA(control) + offsetof(struct in_pktinfo, ipi_spec_dst), &ip, sizeof ip);
}

/* Whether waiting will help. The fragments of a datagram may want more than the room that is left,
 * which is ENOBUFS: while others are under way it may pass, behind them never. */
static bool is_pressure(int socket, int error)
{
    return error == EAGAIN || error == EWOULDBLOCK ||
           (error == ENOBUFS && socket_queued_bytes(socket) > 0);
}

/* Whether the kernel refused the next datagram for an ICMP error about an earlier one: a refused
 * port is never of its own, and on a connected socket, where no name is given, any that may have
 * come by ICMP is worth a second try. */
static bool is_of_earlier(const struct batch *batch, int error)
{
    if (error == ECONNREFUSED)
        return true;
    return batch->out[batch->sent].msg_hdr.msg_namelen == 0 && icmp_errors_may_be(-error);
}

static void refuse(struct batch *batch, int error)
{
    batch->tally.last_errno = error;
    batch->tally.failed++;
    batch->refused |= UINT64_C(1) << batch->sent++;
}

int batch_send(struct batch *batch, int socket)
{
    int again = 0; /* how often the next one was tried again */
    while (batch->sent < batch->queued) {
        /* A short count hides why the next one failed; asked again from there, the kernel says it.
         */
        int count = sendmmsg(socket, batch->out + batch->sent,
                             (unsigned)(batch->queued - batch->sent), MSG_DONTWAIT);
        if (count > 0) {
            batch->sent += count;
            batch->tally.sent += (uint32_t)count;
            again = 0;
            continue;
        }
        int error = errno;
        if (is_pressure(socket, error))
            return -EAGAIN;
        if (error == EINTR)
            continue;
        int most = error == ECONNREFUSED ? TOLD_AT_ONCE : 1;
        if (is_of_earlier(batch, error) && again < most) {
            again++;
            batch->tally.told++;
            batch->tally.told_errno = error;
            continue;
        }
        batch->tally.told -= again > 0 && error != ECONNREFUSED; /* it was its own */
        refuse(batch, error);
        again = 0;
    }
    return 0;
}

void batch_fail(struct batch *batch, int reason)
{
    if (batch->sent < batch->queued)
        batch->tally.last_errno = reason;
    while (batch->sent < batch->queued) {
        batch->tally.failed++;
        batch->refused |= UINT64_C(1) << batch->sent++;
    }
}

void batch_send_or_fail(struct batch *batch, int socket)
{
    if (batch_send(batch, socket) != 0)
        batch_fail(batch, EAGAIN);
}

struct batch_tally batch_tally(const struct batch *batch)
{
    return batch->tally;
}

int batch_queued(const struct batch *batch)
{
    return batch->queued;
}

int batch_settled(const struct batch *batch)
{
    return batch->sent;
}

bool batch_refused(const struct batch *batch, int i)
{
    return batch->refused >> i & 1;
}

int batch_answered(const struct batch *batch, int k, const void **bytes, size_t *size)
{
    *bytes = batch->out_bytes[k].iov_base;
    *size = batch->out_bytes[k].iov_len;
    return batch->answered[k];
}

void batch_clear(struct batch *batch)
{
    /* The kernel has written over the room that it was given. */
    for (int i = 0; i < batch->received; i++) {
        batch->in[i].msg_hdr.msg_namelen = sizeof batch->names[i];
        batch->in[i].msg_hdr.msg_controllen = sizeof batch->ancillaries[i];
    }
    batch->received = batch->queued = batch->sent = 0;
    batch->tally = (struct batch_tally){.sent = 0};
    batch->refused = 0;
}
