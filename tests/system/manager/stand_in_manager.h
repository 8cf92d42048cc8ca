#ifndef SYSTEM_STAND_IN_MANAGER_H
#define SYSTEM_STAND_IN_MANAGER_H

#include "harness.h"

/* A service manager that the test itself implements: it opens sockets, passes them to the server
 * that it starts, and receives its notifications. One per test. */

/* Opens the socket for notifications: at a path, or in the abstract namespace. Later it may be
 * opened again, as by a manager that is started again. */
enum manager_address { MANAGER_PATH, MANAGER_ABSTRACT };
void manager_open(enum manager_address kind);
/* Has the server look for that socket at another address. */
void manager_set_address(const char *address);

/* Fills the socket for notifications, so that the server has no room until some are received. */
void manager_fill(void);

/* Has the server send signs of life within this time. */
void manager_set_watchdog_ms(int ms);

/* Open sockets that are passed to each server that is started, in this order. manager_pass_udp and
 * manager_pass_tcp bind them to an address such as "127.0.0.1:0", and return the one that is bound.
 */
struct endpoint manager_pass_udp(const char *local, bool shares_port);
struct endpoint manager_pass_tcp(const char *local);
void manager_pass_unix(const char *path);
/* Passes any descriptor. */
void manager_pass(int fd);
/* Returns the i-th of those that are passed, or -1. */
int manager_passed(size_t i);
/* Passes none of them any more. */
void manager_forget_sockets(void);

/* For struct server: sets the environment and the descriptors of the server. The second one does it
 * as if they were for another process, the third one as the user nobody, the fourth one with a
 * count that is too large. */
void manager_prepare(void);
void manager_prepare_another(void);
void manager_prepare_nobody(void);
void manager_prepare_too_many(void);

/* Returns the next notification that contains text; ignores those before it. */
const char *manager_await(const char *text);
/* Returns whether a notification contains text within this time. */
bool manager_receives(const char *text, int ms);

#ifndef HARNESS_INTERNAL
#define manager_pass_udp(...) HERE(manager_pass_udp(__VA_ARGS__))
#define manager_pass_tcp(...) HERE(manager_pass_tcp(__VA_ARGS__))
#define manager_await(...)    HERE(manager_await(__VA_ARGS__))
#endif

#endif
