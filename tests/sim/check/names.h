#ifndef SIM_CHECK_NAMES_H
#define SIM_CHECK_NAMES_H

#include "base/stats.h"
#include "sim/check/model.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The oracle of names: which clients may have one, which one has it, and what is refused. It knows
 * only the datagrams that were received and sent, and the key of the file; under names = keyed it
 * computes the code of each hello itself. */

/* Whether the hello of a registered client is answered by a challenge: it has a name, is keyed, and
 * its cookie is not one of its source. */
enum chance names_challenge(const struct model_entry *entry, const uint8_t *hello, size_t size);

/* A hello was received from a client that is registered, or may be (registers). */
void names_received(struct model_entry *entry, const uint8_t *hello, size_t size,
                    enum chance registers);

/* After the model has applied a datagram: a client whose name may be another one's by now may lose
 * its place in the registry for it. */
void names_applied(struct model_entry *entry);

/* How many hellos with a name may have been answered by the thread that owns the names. */
uint64_t names_claims(void);
/* Such an answer was sent to that source. */
void names_answered(struct model_entry *entry, const uint8_t *named, size_t size);

/* Checks bad_names and refused_names. */
void names_check(const struct stats *sum);

/* An operator asks for the client of a name: at, that client; NULL: there is none. */
void names_found(const char *name, const struct model_entry *at, uint64_t asked_ms);

/* By name, the number of the client that certainly has it, and 0 if that is not certain. */
void names_holders(uint32_t holders[MODEL_NAMES]);
/* A client that has claimed names before a restart is restored, and may have one of them; it
 * certainly has one. */
void names_restored(struct model_entry *entry, const uint64_t claimed_ms[MODEL_NAMES]);
void names_restored_surely(size_t name, const struct model_entry *entry);

/* The server has ended. */
void names_reset(void);

#endif
