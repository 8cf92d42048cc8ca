/* A server with two system calls per request: recvfrom and sendto. */
#include "bare.h"

int main(int argc, char **argv)
{
    static char bytes[BARE_BYTES];
    int udp = bare_serve(argc, argv);

    for (;;) {
        struct sockaddr_in name;
        socklen_t size = sizeof name;
        if (recvfrom(udp, bytes, sizeof bytes, 0, (struct sockaddr *)&name, &size) < 0)
            bare_die("recvfrom");
        bare_received++;
        if (sendto(udp, bare_reply, sizeof bare_reply, 0, (struct sockaddr *)&name, size) < 0)
            bare_die("sendto");
        bare_sent++;
    }
}
