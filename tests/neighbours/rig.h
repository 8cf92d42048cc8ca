#ifndef NEIGHBOURS_RIG_H
#define NEIGHBOURS_RIG_H

#include "neighbours.h"
#include "prober.h"

/* What each test of this program measures with: a server in a namespace of its own, and a neighbour
 * on a link with the server, from which clients speak. The link is 10.77.0.0/16 and fd77::/64, the
 * server has 10.77.0.1 and fd77::1, the neighbour 10.77.0.9 and fd77::9; all other addresses of the
 * link are dead. 10.78.0.0/16 and fd78::/64 are off-link: the server's route to them goes by the
 * neighbour, which has all of their addresses. A second server, on loopback, is asked at the same
 * time as the first one; nobody else speaks to it (see expect_in_time). */
struct rig {
    struct neighbours link;
    bool six; /* the clients speak IPv6 */
    struct server server, control;
    struct endpoint at; /* the server as the neighbour knows it */
    struct prober prober, control_prober;
};

enum { RIG_PORT = 3000, RIG_CLIENTS = 50, RIG_RATE_PPS = 500 };

void rig_build(struct rig *rig, bool six);
/* Starts both servers; the configuration says policy and more, and the replies are echoes. */
void rig_serve(struct rig *rig, bool wildcard, const char *config);
/* RIG_CLIENTS clients of the neighbour's own address join and begin to ask, RIG_RATE_PPS together.
 */
void rig_probe(struct rig *rig);
/* The same with clients whose sockets the test has opened. */
void rig_probe_from(struct rig *rig, const int *sockets, size_t count);
void rig_stop_probing(struct rig *rig);
/* The requests of that time were answered in time (see expect_in_time); the figures are printed by
 * rig_report, which a test calls first for all that it looks at. */
void rig_report(const struct rig *rig, const char *what, int64_t from_ns, int64_t to_ns);
void rig_expect_in_time(const struct rig *rig, const char *what, int64_t from_ns, int64_t to_ns);
/* Looks at the accounting, stops the servers and takes the link down, with all of its neighbours.
 */
void rig_end(struct rig *rig);

/* A command at the neighbour, and a socket there. */
void rig_shell_there(const struct rig *rig, const char *command);
int rig_open_there(const struct rig *rig, const char *address);

#endif
