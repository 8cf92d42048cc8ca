/* The minimum cost of a sender with one connected socket, as dnsperf has. */
#include "sender.h"

int main(int argc, char **argv)
{
    static struct sender sender;
    sender_parse(&sender, argc, argv);
    sender_prepare(&sender);
    int udp = sender_open(&sender);
    if (connect(udp, &sender.target.any, sender.target_size) != 0)
        bare_die("connect");
    sender_run(&sender, udp, NULL);
    return 0;
}
