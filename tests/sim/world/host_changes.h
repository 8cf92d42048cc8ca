#ifndef SIM_WORLD_HOST_CHANGES_H
#define SIM_WORLD_HOST_CHANGES_H

/* Changes of the host in some runs: interfaces are deleted and made again, addresses vanish and
 * return, the default route changes, and messages of netlink are lost or not permitted. */

/* Draws whether there are any. */
void host_changes_draw(void);

/* Before each start: some things are missing, and appear later. */
void host_changes_begin(void);
/* Some times in a second. */
void host_changes_disturb(void);
/* All exists again, and nothing changes any more. */
void host_changes_end(void);

#endif
