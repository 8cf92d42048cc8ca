#ifndef NET_SOCKET_SOCKET_BUFFER_H
#define NET_SOCKET_SOCKET_BUFFER_H

#include <stdint.h>

/* The kernel's buffers of a socket: setting their sizes, reading how full the send buffer is, and
 * counting the datagrams that were dropped because the receive buffer was full. */

/* Set the size of a buffer in bytes, also beyond net.core.rmem_max and wmem_max if the process is
 * permitted to; 0 leaves the kernel's default. Return the size that the buffer has now, half of
 * what the kernel reports (socket(7)). */
uint32_t socket_set_receive_buffer(int socket, uint32_t bytes);
uint32_t socket_set_send_buffer(int socket, uint32_t bytes);

/* Enlarge a buffer to that size, if it is not that large already. Return the size that it has now.
 * The receive buffer of a socket that a process with more privileges has opened is never made
 * smaller. */
uint32_t socket_raise_receive_buffer(int socket, uint32_t bytes);
uint32_t socket_raise_send_buffer(int socket, uint32_t bytes);

/* Returns the bytes of kernel memory that may be charged to the send buffer: twice the size that
 * was set (socket(7)). */
uint32_t socket_send_buffer_limit(int socket);

/* Returns the bytes of kernel memory that are charged to the send buffer now, for datagrams that
 * wait for ARP or neighbour discovery, or in the queue of an interface. */
uint32_t socket_send_buffer_used(int socket);

/* Returns the number of datagrams that the kernel dropped at this socket since it was opened, a
 * 32-bit counter that wraps (SK_MEMINFO_DROPS of SO_MEMINFO). It includes what a drop-all filter
 * (net/socket/drop_filter) has dropped. */
uint32_t socket_receive_drops(int socket);

#endif
