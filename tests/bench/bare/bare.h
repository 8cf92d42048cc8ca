#ifndef BENCH_BARE_H
#define BENCH_BARE_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* Functions that the bare loops share: programs that only make the system calls of a server or
 * sender, to measure what the kernel costs. Nothing here runs for each datagram. An error ends the
 * program with a message. */

enum {
    BARE_BATCH = 64,   /* as net/message/datagram_batch, so that the system calls are the same */
    BARE_BYTES = 2048, /* as max-datagram */
    BARE_RECEIVE_BYTES = 4 << 20, /* as receive-buffer */
    BARE_SEND_BYTES = 128 << 10,  /* as send-buffer */
};

/* The reply of the bare servers: udpsrv's first reply. */
extern char bare_reply[4];

/* Datagrams received and sent. Servers print them at SIGTERM. */
extern volatile uint64_t bare_received, bare_sent;

union bare_name {
    struct sockaddr any;
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
};

/* Ends the program with a message about errno. */
_Noreturn void bare_die(const char *what);

/* Parses "127.0.0.1:3000" or "[::1]:3000". Returns the length of the name. */
socklen_t bare_parse(union bare_name *name, const char *text);

/* Parses a number from 0 to max. */
uint64_t bare_number(const char *text, uint64_t max);

/* Opens a blocking UDP socket with udpsrv's buffer sizes, bound to the name. */
int bare_open(const union bare_name *name, socklen_t size);

void bare_set(int socket, int level, int option, int value);

/* Returns the port that a socket is bound to. */
uint16_t bare_port(int socket);

/* Opens the socket of a server on the program's argument, ADDR:PORT, and prints its address.
 * SIGTERM prints "received N sent N" and ends the program. */
int bare_serve(int argc, char **argv);

/* Sends all datagrams of a batch. */
void bare_send_all(int socket, struct mmsghdr *batch, unsigned count);

#endif
