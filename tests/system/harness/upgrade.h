#ifndef SYSTEM_UPGRADE_H
#define SYSTEM_UPGRADE_H

#include "harness.h"

/* Upgrades of a server whose program is a copy in the directory of the test, so that a test can put
 * another program in its place. */

/* Puts the copy there, and has server_start start it. Call it before the first program is started.
 * Returns its path. */
const char *upgrade_install(void);

/* Put another program in its place: a shell script, which may use these functions:
 *     send KIND [TEXT]   sends a message
 *     await KIND         waits for the next message of that kind
 * or nothing. The kinds are READY FAILED STARTED GO TAKEN SERVING PACKAGE. $program is the path of
 * udpsrv. upgrade_restore puts udpsrv there again. */
void upgrade_put_script(const char *script);
void upgrade_remove(void);
void upgrade_restore(void);

/* Upgrades a server by udpctl, expects that it succeeds, and that the answer names the processes.
 * From then on the server is the new process. Returns the answer in JSON. */
const char *upgrade(struct server *server);

/* Has the server be the process that has taken over by itself, as the log says. */
void upgrade_follow(struct server *server);

/* Upgrades a server by udpctl, and expects that it fails, that the reason contains text, that the
 * old process serves, and that the other one has ended. */
void upgrade_expect_failure(struct server *server, const char *text);

/* The same for one that is refused, without a check of whether the server answers. */
void upgrade_expect_refusal(struct server *server, const char *text);

/* Waits until the process has no child. */
void upgrade_await_no_child(const struct server *server);

#ifndef HARNESS_INTERNAL
#define upgrade(...)                HERE(upgrade(__VA_ARGS__))
#define upgrade_follow(...)         HERE(upgrade_follow(__VA_ARGS__))
#define upgrade_expect_failure(...) HERE(upgrade_expect_failure(__VA_ARGS__))
#endif

#endif
