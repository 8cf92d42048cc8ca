#ifndef SIM_WORLD_FAULTS_H
#define SIM_WORLD_FAULTS_H

#include <stdbool.h>
#include <stdint.h>

/* What the kernel refuses. A run draws which kinds of faults it has, and how often (probabilities
 * are in millionths); without a probability nothing fails. */

struct faults {
    uint32_t memory;      /* an allocation of os/ or net/ */
    uint32_t allocation;  /* the number of the only one that is refused; 0: none */
    uint32_t watch;       /* epoll refuses a descriptor */
    uint32_t entropy;     /* no random bytes */
    uint32_t pin;         /* a thread can't be pinned */
    uint32_t file;        /* a file can't be read */
    uint32_t output;      /* the ready line can't be written */
    uint32_t open;        /* a socket can't be opened */
    uint32_t accept;      /* a connection can't be accepted */
    uint32_t receive;     /* recvmmsg fails */
    uint32_t short_count; /* recvmmsg returns fewer datagrams than there are */
    uint32_t refuse;      /* sendmmsg refuses a datagram */
    uint32_t full;        /* sendmmsg finds the send buffer full */
    uint32_t stream;      /* a connection fails */
    uint32_t queries;     /* netlink fails */
    uint32_t program;     /* a group of sockets gets no program that chooses among them */
    uint32_t disk;        /* a step of the state file fails */
    uint32_t slow_disk;   /* a step of the state file takes up to 3 s */
    uint32_t attach;      /* the program of the offload can't be loaded or attached */
    uint32_t entry;       /* its tables refuse a client or a message */
    uint32_t room;        /* the driver has no room for a reply of the program */
    uint32_t frames;      /* the program that sends copies can't be loaded or run */
};

extern struct faults faults;

/* Nothing fails any more. */
void faults_end(void);

bool faults_refuse_memory(void);
/* Each returns 0 or -errno. */
int faults_refuse_watch(void);
bool faults_refuse_entropy(void);
int faults_refuse_pin(void);
int faults_refuse_file(void);
int faults_refuse_output(void);
int faults_refuse_open(void);
int faults_refuse_accept(void);
int faults_refuse_receive(void);
int faults_refuse_datagram(void);
bool faults_is_full(void);
bool faults_is_short(void);
int faults_refuse_stream(void);
int faults_refuse_query(void);
int faults_refuse_program(void);
int faults_refuse_disk(void);
bool faults_is_disk_slow(void);
int faults_refuse_load(void);
int faults_refuse_attach(void);
int faults_refuse_entry(void);
bool faults_lacks_room(void);
int faults_refuse_frames(void);

/* When memory, a watch or a socket was last refused; 0: never. */
uint64_t faults_last_resource_ms(void);

/* How many faults there were. */
uint64_t faults_count(void);

#endif
