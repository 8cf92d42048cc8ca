#ifndef NET_SOCKET_SOCKET_BUFFER_H
#define NET_SOCKET_SOCKET_BUFFER_H

#include <stdint.h>

/* The kernel's buffers of a socket: setting their sizes, how full the send buffer is, and how many
 * datagrams were dropped since the receive buffer was full. */

/* Set a buffer to that many bytes, also beyond net.core.rmem_max and wmem_max where the process may
 * do that; 0 leaves the kernel's default. Return the bytes that the buffer has now, half of what
 * the kernel reports (socket(7)). */
uint32_t socket_set_receive_buffer(int socket, uint32_t bytes);
uint32_t socket_set_send_buffer(int socket, uint32_t bytes);

/* Sets a larger send buffer; one that is larger already stays. Returns the bytes that it has. */
uint32_t socket_raise_send_buffer(int socket, uint32_t bytes);

/* The bytes of kernel memory that may be charged to the send buffer: twice the size that was asked
 * for (socket(7)). */
uint32_t socket_send_buffer_limit(int socket);

/* The bytes of kernel memory that are charged to the send buffer now, for datagrams that wait for
 * ARP or neighbour discovery, or in the queue of an interface. */
uint32_t socket_send_buffer_used(int socket);

/* The number of datagrams that the kernel dropped at this socket since it was opened, a 32-bit
 * counter that wraps (SK_MEMINFO_DROPS of SO_MEMINFO). It includes what a drop-all filter
 * (net/socket/drop_filter) has dropped. */
uint32_t socket_receive_drops(int socket);

#endif
