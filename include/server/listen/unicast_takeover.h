#ifndef SERVER_LISTEN_UNICAST_TAKEOVER_H
#define SERVER_LISTEN_UNICAST_TAKEOVER_H

#include "net/socket/udp_socket.h"
#include "server/listen/inherited_sockets.h"
#include "server/listen/listeners.h"

/* The sockets of unicast listeners during an upgrade, also where the number of workers changes.
 *
 * More workers: the new sockets join the group of the others when the process before has stopped to
 * receive, and the kernel chooses among all of them once that process has left. What was weighed:
 *   - that, as here. A single socket becomes a group by its second one; what that one gets in the
 *     microseconds before the program of the group gives all to the first one, waits in it;
 *   - to bind them earlier: then what the second one gets would be for a worker that does not run
 *     yet.
 * If this process fails after that, what waits in a second socket is lost. Where the kernel chooses
 * by its own hash (WORKER_CHOICE_BY_KERNEL), that is the share of the new sockets of all that
 * arrives between unicast_takeover_grow and the failure.
 *
 * Fewer workers: the sockets of the others receive nothing once the kernel chooses anew; what waits
 * in them is to be read after reuseport_group_await_delivery. */

/* Returns the sockets that the process before has for a listener, whose interface was found, or
 * NULL. */
struct inherited_listener *unicast_takeover_find(struct inherited_sockets *inherited,
                                                 const struct listener *listener);

/* Takes them for the workers that both processes have; the descriptors of further workers are
 * placeholders until unicast_takeover_grow. The listener is the next one in the table. The sockets
 * keep the sizes of their buffers. Returns 0, or -errno with none open. */
int unicast_takeover_adopt(struct listeners *listeners, struct listener *listener,
                           struct inherited_listener *entry, const struct config *config);

/* Sets the sizes of the buffers of these sockets by the configuration; those of the sockets that
 * receive never become smaller. Call it when the process before has left. Returns the size that the
 * kernel gave a receive buffer, in bytes. */
uint32_t unicast_takeover_resize(const struct listeners *listeners, const struct listener *listener,
                                 const struct config *config);

/* Whether the process before had fewer workers for a listener, or another number of them. */
bool unicast_takeover_must_grow(const struct listeners *listeners, const struct listener *listener);
bool unicast_takeover_is_changed(const struct listeners *listeners,
                                 const struct listener *listener);

/* Opens the sockets of the workers that the process before did not have, in *fresh, by the number
 * of the worker; the first listener->inherited are not set. Those that only send keep what they
 * receive until send_socket_set_drop_received. The caller closes them and frees both arrays. Call
 * it when that process receives no more. Errors are logged. Returns 0, or -errno with none open. */
int unicast_takeover_grow(const struct listeners *listeners, const struct listener *listener,
                          const struct config *config, struct listener *fresh);

/* Has the kernel choose among the sockets of this server's workers, if these are more or fewer than
 * before. Call it when the process before has left. Returns 0 or -errno. */
int unicast_takeover_choose(const struct listeners *listeners, const struct listener *listener);

/* Has the kernel choose no socket of workers that are no more, where it chooses by its own hash;
 * otherwise unicast_takeover_choose has done that. Where the kernel refuses it, what arrives
 * between the last read and the close of such a socket is lost. */
void unicast_takeover_leave(const struct listeners *listeners,
                            const struct inherited_listener *entry);

/* Writes the listeners, with their sockets, to the record that is being written; those that wait
 * for their interface have none, and are left out. Returns how many these are, also if writer is
 * NULL.
 */
size_t unicast_takeover_hand_over(const struct listeners *listeners,
                                  struct handover_writer *writer);

#endif
