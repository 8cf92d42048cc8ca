/* The minimum cost of a server with a wildcard address: as bare_mmsg, and each reply is sent from
 * the address that its request was sent to. */
#include "bare.h"

struct ancillary {
    _Alignas(struct cmsghdr) char bytes[CMSG_SPACE(sizeof(struct in_pktinfo))];
};

static char bytes[BARE_BATCH][BARE_BYTES];
static struct sockaddr_in names[BARE_BATCH];
static struct ancillary ancillaries[BARE_BATCH];
static struct iovec in_bytes[BARE_BATCH], out_bytes = {bare_reply, sizeof bare_reply};
static struct mmsghdr in[BARE_BATCH], out[BARE_BATCH];

/* Each datagram has one control message of the same length, so that msg_controllen need not be
 * reset. */
static void prepare(void)
{
    for (int i = 0; i < BARE_BATCH; i++) {
        in_bytes[i] = (struct iovec){bytes[i], BARE_BYTES};
        in[i].msg_hdr = (struct msghdr){.msg_name = &names[i],
                                        .msg_namelen = sizeof names[i],
                                        .msg_iov = &in_bytes[i],
                                        .msg_iovlen = 1,
                                        .msg_control = &ancillaries[i],
                                        .msg_controllen = sizeof ancillaries[i]};
        out[i].msg_hdr = in[i].msg_hdr;
        out[i].msg_hdr.msg_iov = &out_bytes;
    }
}

int main(int argc, char **argv)
{
    int udp = bare_serve(argc, argv);
    bare_set(udp, IPPROTO_IP, IP_PKTINFO, 1);
    prepare();
    for (;;) {
        int count = recvmmsg(udp, in, BARE_BATCH, MSG_WAITFORONE, NULL);
        if (count < 0)
            bare_die("recvmmsg");
        bare_received += (unsigned)count;
        /* The route of the reply is looked up, not forced through the interface of the request. */
        for (int i = 0; i < count; i++) {
            struct cmsghdr *control = CMSG_FIRSTHDR(&in[i].msg_hdr);
            ((struct in_pktinfo *)(void *)CMSG_DATA(control))->ipi_ifindex = 0;
        }
        bare_send_all(udp, out, (unsigned)count);
    }
}
