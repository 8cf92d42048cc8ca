#ifndef NEIGHBOURS_RIG_H
#define NEIGHBOURS_RIG_H

#include "neighbours.h"
#include "prober.h"

/* The environment of each test of this program: a server in its own network namespace, and a
 * neighbour on the same link, where the clients are. The link has 10.77.0.0/16 and fd77::/64, the
 * server 10.77.0.1 and fd77::1, the neighbour 10.77.0.9 and fd77::9. All other addresses of the
 * link are unused ("dead"), except for those that a test adds. 10.78.0.0/16 and fd78::/64 are
 * off-link: the server routes them through the neighbour, which has all of their addresses. A
 * control server on loopback gets requests at the same rate and no other traffic (see
 * expect_in_time). */
struct rig {
    struct neighbours link;
    bool six; /* the clients use IPv6 */
    struct server server, control;
    struct endpoint at; /* the server as seen from the neighbour */
    struct prober prober, control_prober;
};

enum { RIG_PORT = 3000, RIG_CLIENTS = 50, RIG_RATE_PPS = 500 };

void rig_build(struct rig *rig, bool six);
/* Starts both servers, whose replies are echoes. config has the policy and further settings of the
 * first one. */
void rig_serve(struct rig *rig, bool wildcard, const char *config);
/* RIG_CLIENTS clients at the neighbour's own address join and start to send requests, RIG_RATE_PPS
 * in total. */
void rig_probe(struct rig *rig);
/* Does the same with clients whose sockets the test has opened. */
void rig_probe_from(struct rig *rig, const int *sockets, size_t count);
void rig_stop_probing(struct rig *rig);
/* rig_report prints the measurements of a time window, rig_expect_in_time checks them (see
 * expect_in_time). A test first prints all windows and then checks them. */
void rig_report(const struct rig *rig, const char *what, int64_t from_ns, int64_t to_ns);
void rig_expect_in_time(const struct rig *rig, const char *what, int64_t from_ns, int64_t to_ns);
/* Checks that the counters balance, stops the servers and deletes the link. */
void rig_end(struct rig *rig);

/* Runs a command in the neighbour's namespace; opens a socket there. */
void rig_shell_there(const struct rig *rig, const char *command);
int rig_open_there(const struct rig *rig, const char *address);

#endif
