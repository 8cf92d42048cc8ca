#include "net/socket/drop_filter.h"

#include "net/socket/socket_option.h"

#include <errno.h>
#include <linux/filter.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

/* A filter of one instruction, which keeps that many bytes of each datagram. */
static int attach(int socket, uint32_t bytes)
{
    struct sock_filter instruction = BPF_STMT(BPF_RET | BPF_K, bytes);
    struct sock_fprog program;
    memset(&program, 0, sizeof program); /* also its padding, which the kernel reads */
    program.len = 1;
    program.filter = &instruction;
    return socket_option_set_bytes(socket, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

int drop_filter_attach(int socket)
{
    return attach(socket, 0);
}

int drop_filter_detach(int socket)
{
    const int unused = 0;
    int error =
        setsockopt(socket, SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof unused) == 0 ? 0 : -errno;
    /* A kernel that can't detach a filter can replace it by one that keeps everything. A kernel
     * that has no filters at all has attached none. */
    if (error == -ENOPROTOOPT)
        error = attach(socket, UINT32_MAX);
    return error == -ENOENT || error == -ENOPROTOOPT ? 0 : error; /* -ENOENT: no filter */
}
