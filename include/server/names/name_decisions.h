#ifndef SERVER_NAMES_NAME_DECISIONS_H
#define SERVER_NAMES_NAME_DECISIONS_H

#include "config/config.h"
#include "os/loop/event_loop.h"
#include "os/loop/mailbox.h"
#include "registry/names/client_names.h"
#include "server/events/event_queue.h"
#include "server/names/name_queue.h"
#include "server/state/handed_clients.h"
#include "server/workers/worker.h"

#include <stdbool.h>
#include <stddef.h>

/* The owner of the table of names, in the main thread: takes the claims of the workers, has
 * server/names/name_orders decide which client has a name, frees the names of clients that have
 * left or were kicked, once the events that were published before are shown with them, and sends
 * the workers their orders.
 *
 * Each worker has two batches of orders, each of which is either here and being filled, or with the
 * worker. While a batch that is needed is with its worker, claims wait in their queues; so the
 * memory is fixed, and a flood of hellos costs a message between threads for each 256 of them.
 *
 * All functions but name_decisions_open accept NULL, which is names = off: there is no name. */
struct name_decisions;

/* Reserves the table of clients.names-max names and the queues of worker_count workers. events are
 * their queues of events, which outlive the decisions. Under names = off *decisions is NULL. In an
 * upgrade, handed is the memory of the former process, which is used if it keeps its clients;
 * otherwise NULL. Returns 0 or -errno. */
int name_decisions_open(struct name_decisions **decisions, const struct config *config,
                        struct loop *loop, struct mailbox *mailbox,
                        struct event_queue *const *events, size_t worker_count,
                        struct handed_clients *handed);

/* Returns the queues, by worker; NULL under names = off. */
struct name_queue *const *name_decisions_queues(const struct name_decisions *decisions);

/* Gives a client that is restored the name that it had before the restart, if there is a place; the
 * name is to be checked at check_ms. Returns true if another client had it, which has lost it:
 * *before. Call this and name_decisions_forget, which takes the name of a client away, if it has
 * one, before name_decisions_start. decisions is not NULL. */
bool name_decisions_restore(struct name_decisions *decisions, const struct device_name *name,
                            const struct name_holder *holder, uint64_t check_ms,
                            struct name_holder *before);
void name_decisions_forget(struct name_decisions *decisions, const struct client_key *key,
                           uint32_t worker);

/* For an upgrade, when the workers' threads have ended and this thread handles the messages of all
 * mailboxes: name_decisions_settle decides what it can, and name_decisions_is_settled returns
 * whether no claim and no order is left. Handle the messages, and call it again, until that is so
 * and no message is left. */
void name_decisions_settle(struct name_decisions *decisions);
bool name_decisions_is_settled(const struct name_decisions *decisions);

/* Writes the piece of memory of the table into the record. */
void name_decisions_put_memory(const struct name_decisions *decisions,
                               struct handover_writer *writer);

/* Write the table's numbers into the record when it is settled, and take them over, for a table
 * with the memory of the former process. Call the latter before name_decisions_start. Returns 0 or
 * -EPROTO. */
void name_decisions_hand_over(const struct name_decisions *decisions,
                              struct handover_writer *writer);
int name_decisions_take_over(struct name_decisions *decisions, struct handover_reader *reader);

/* For a table with memory of its own: see client_names_hand_over_key. The key is taken over before
 * the clients are restored, and the former sources after that. Return 0 or -EPROTO. */
void name_decisions_hand_over_key(const struct name_decisions *decisions,
                                  struct handover_writer *writer);
void name_decisions_hand_over_formers(const struct name_decisions *decisions,
                                      struct handover_writer *writer);
int name_decisions_take_over_key(struct name_decisions *decisions, struct handover_reader *reader);
int name_decisions_take_over_formers(struct name_decisions *decisions,
                                     struct handover_reader *reader);

/* Begins to take claims. The workers must exist until name_decisions_stop. */
void name_decisions_start(struct name_decisions *decisions, struct worker *const *workers);

/* Posts no more orders to the workers. */
void name_decisions_stop(struct name_decisions *decisions);

/* Call it when no worker runs, and after the mailbox is freed. */
void name_decisions_free(struct name_decisions *decisions);

/* The table, for reading; NULL under names = off. A name's client may have left or expired since,
 * so compare its join number with that of the client that is found. */
const struct client_names *name_decisions_table(const struct name_decisions *decisions);

#endif
