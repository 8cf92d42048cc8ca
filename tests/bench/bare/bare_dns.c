/* A server for DNS senders: returns each query with the response flag set. */
#include "bare.h"

enum {
    FLAGS_AT = 2,    /* after the id (RFC 1035, section 4.1.1) */
    RESPONSE = 0x80, /* QR */
};

static char bytes[BARE_BATCH][BARE_BYTES];
static struct sockaddr_in names[BARE_BATCH];
static struct iovec in_bytes[BARE_BATCH], out_bytes[BARE_BATCH];
static struct mmsghdr in[BARE_BATCH], out[BARE_BATCH];

static void prepare(void)
{
    for (int i = 0; i < BARE_BATCH; i++) {
        in_bytes[i] = (struct iovec){bytes[i], BARE_BYTES};
        out_bytes[i].iov_base = bytes[i];
        in[i].msg_hdr = (struct msghdr){.msg_name = &names[i],
                                        .msg_namelen = sizeof names[i],
                                        .msg_iov = &in_bytes[i],
                                        .msg_iovlen = 1};
        out[i].msg_hdr = in[i].msg_hdr;
        out[i].msg_hdr.msg_iov = &out_bytes[i];
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
        for (int i = 0; i < count; i++) {
            bytes[i][FLAGS_AT] = (char)(bytes[i][FLAGS_AT] | RESPONSE);
            out_bytes[i].iov_len = in[i].msg_len;
        }
        bare_send_all(udp, out, (unsigned)count);
    }
}
