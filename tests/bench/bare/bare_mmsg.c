/* The minimum cost of a server with one address: only recvmmsg and sendmmsg. */
#include "bare.h"

static char bytes[BARE_BATCH][BARE_BYTES];
static struct sockaddr_in names[BARE_BATCH];
static struct iovec in_bytes[BARE_BATCH], out_bytes = {bare_reply, sizeof bare_reply};
static struct mmsghdr in[BARE_BATCH], out[BARE_BATCH];

/* A reply uses the name that its request was received from. All names have the same length, because
 * they are of one family. */
static void prepare(void)
{
    for (int i = 0; i < BARE_BATCH; i++) {
        in_bytes[i] = (struct iovec){bytes[i], BARE_BYTES};
        in[i].msg_hdr = (struct msghdr){.msg_name = &names[i],
                                        .msg_namelen = sizeof names[i],
                                        .msg_iov = &in_bytes[i],
                                        .msg_iovlen = 1};
        out[i].msg_hdr = in[i].msg_hdr;
        out[i].msg_hdr.msg_iov = &out_bytes;
    }
}

int main(int argc, char **argv)
{
    int udp = bare_serve(argc, argv);
    prepare();
    for (;;) {
        int count = recvmmsg(udp, in, BARE_BATCH, MSG_WAITFORONE, NULL);
        if (count < 0)
            bare_die("recvmmsg");
        bare_received += (unsigned)count;
        bare_send_all(udp, out, (unsigned)count);
    }
}
