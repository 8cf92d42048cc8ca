#ifndef BENCH_BARE_H
#define BENCH_BARE_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* What the bare loops have in common: what the kernel's share of a datagram costs is what they
 * measure, so nothing here is on the way of one. Whatever fails ends the program with a line. */

enum {
    BARE_BATCH = 64,   /* as net/message/datagram_batch, so that the system calls are the same */
    BARE_BYTES = 2048, /* as max-datagram */
    BARE_RECEIVE_BYTES = 4 << 20, /* as receive-buffer */
    BARE_SEND_BYTES = 128 << 10,  /* as send-buffer */
};

/* The answer of the bare servers: the first of udpsrv's own. */
extern char bare_reply[4];

/* Datagrams that came and that went. Servers print them at SIGTERM. */
extern volatile uint64_t bare_received, bare_sent;

union bare_name {
    struct sockaddr any;
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
};

/* Ends the program; errno says why. */
_Noreturn void bare_die(const char *what);

/* Reads "127.0.0.1:3000", "[::1]:3000". Returns the name's length. */
socklen_t bare_parse(union bare_name *name, const char *text);

/* Reads a number from 0 to max. */
uint64_t bare_number(const char *text, uint64_t max);

/* A blocking UDP socket with the buffers that udpsrv has, bound to the name. */
int bare_open(const union bare_name *name, socklen_t size);

void bare_set(int socket, int level, int option, int value);

/* The port that a socket is bound to. */
uint16_t bare_port(int socket);

/* The server of a program's one argument, ADDR:PORT, ready: its address is printed, and SIGTERM
 * prints "received N sent N" and ends it. */
int bare_serve(int argc, char **argv);

/* Sends all of a batch. */
void bare_send_all(int socket, struct mmsghdr *batch, unsigned count);

#endif
