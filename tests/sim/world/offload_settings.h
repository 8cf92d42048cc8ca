#ifndef SIM_WORLD_OFFLOAD_SETTINGS_H
#define SIM_WORLD_OFFLOAD_SETTINGS_H

#include "sim/world/settings.h"

#include <stdint.h>
#include <stdio.h>

/* The section [offload] of the drawn configuration. */

/* The listeners of a run whose clients mostly have the offload, as bits: of all IPv6 addresses, and
 * in half of the runs of all IPv4 addresses too, of which some arrive by another interface. */
uint64_t offload_settings_listeners(uint64_t ipv4, uint64_t ipv6);

/* Draws it into the setup. */
void offload_settings_draw(void);

/* In most runs with an offload: removes what would have the program pass everything on. */
void offload_settings_adapt(struct settings *drawn);

/* Writes the section, unless the run has no offload. */
void offload_settings_write(FILE *out);

/* The names of the modes, by enum config_offload. */
extern const char *const offload_settings_modes[];

/* Draws whether a run that is for copies as frames has nothing that sees all datagrams. */
bool offload_settings_is_unseen(void);

/* Draws an MTU of eth0. */
uint32_t offload_settings_mtu(void);

/* A probability of a kind of faults of the offload, in one start in three that has one. */
uint32_t offload_settings_rarely(uint32_t per_million);

/* The probability that a packet of a client is forged, in one start in two. */
uint32_t offload_settings_forgery(void);

/* Whether a start may fail now, since an interface does not exist. */
bool offload_settings_may_fail(void);

#endif
