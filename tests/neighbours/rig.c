/* Two network namespaces, a server, a control server, and clients that measure their replies. */
#include "rig.h"

#include <sched.h>
#include <stdio.h>

static const char ECHO[] = "[reply]\nmode = echo\n[clients]\nttl = 10m\n";

static const char NEAR_SETUP[] = "ip addr add 10.77.0.1/16 dev near\n"
                                 "ip addr add fd77::1/64 dev near nodad\n"
                                 "ip addr add fe80::1/64 dev near nodad";
/* The last line allows sockets to bind the off-link addresses. */
static const char FAR_SETUP[] = "ip addr add 10.77.0.9/16 dev far\n"
                                "ip addr add fd77::9/64 dev far nodad\n"
                                "ip addr add fe80::9/64 dev far nodad\n"
                                "ip route add local 10.78.0.0/16 dev lo\n"
                                "ip -6 route add local fd78::/64 dev lo\n"
                                "echo 1 >/proc/sys/net/ipv6/ip_nonlocal_bind";
static const char NEAR_ROUTES[] = "ip route add 10.78.0.0/16 via 10.77.0.9 dev near\n"
                                  "ip -6 route add fd78::/64 via fd77::9 dev near";

/* Gives the test and its servers a real-time priority where that is allowed, so that other
 * processes of the machine do not delay the replies. */
static void raise_priority(void)
{
    struct sched_param real_time = {.sched_priority = 1};

    (void)sched_setscheduler(0, SCHED_RR, &real_time);
}

void rig_build(struct rig *rig, bool six)
{
    rig->six = six;
    raise_priority();
    netns_enter();
    add_neighbour(&rig->link, "near", NEAR_SETUP, FAR_SETUP);
    netns_shell(NEAR_ROUTES);
}

void rig_serve(struct rig *rig, bool wildcard, const char *config)
{
    const char *listen = rig->six ? (wildcard ? "[::]:3000" : "[fd77::1]:3000")
                                  : (wildcard ? "0.0.0.0:3000" : "10.77.0.1:3000");

    server_start(&rig->server, harness_format("%s%s", ECHO, config), "-l", listen, NULL);
    server_start(&rig->control, harness_format("%s[admission]\npolicy = open\n", ECHO), "-l",
                 "127.0.0.1:3001", NULL);
    rig->at = neighbour_endpoint(&rig->link, rig->six ? "fd77::1" : "10.77.0.1", RIG_PORT);
}

void rig_probe_from(struct rig *rig, const int *sockets, size_t count)
{
    int control_sockets[RIG_CLIENTS];

    for (int i = 0; i < RIG_CLIENTS; i++)
        control_sockets[i] = udp_open("127.0.0.1");
    prober_open(&rig->prober, &rig->at, sockets, count);
    prober_open(&rig->control_prober, &rig->control.at[0], control_sockets, RIG_CLIENTS);
    prober_start(&rig->prober, RIG_RATE_PPS);
    prober_start(&rig->control_prober, RIG_RATE_PPS);
}

void rig_probe(struct rig *rig)
{
    int sockets[RIG_CLIENTS];

    for (int i = 0; i < RIG_CLIENTS; i++)
        sockets[i] = rig_open_there(rig, rig->six ? "fd77::9" : "10.77.0.9");
    rig_probe_from(rig, sockets, RIG_CLIENTS);
}

void rig_stop_probing(struct rig *rig)
{
    prober_stop(&rig->prober);
    prober_stop(&rig->control_prober);
}

void rig_report(const struct rig *rig, const char *what, int64_t from_ns, int64_t to_ns)
{
    fprintf(stderr, "%s\n", in_time_text(what, &rig->prober, &rig->control_prober, from_ns, to_ns));
}

void rig_expect_in_time(const struct rig *rig, const char *what, int64_t from_ns, int64_t to_ns)
{
    expect_in_time(what, &rig->prober, &rig->control_prober, from_ns, to_ns);
}

void rig_end(struct rig *rig)
{
    expect_balance("stats", server_ask(&rig->server, "stats"));
    if (rig->prober.sent > 0) {
        prober_close(&rig->prober);
        prober_close(&rig->control_prober);
    }
    server_stop(&rig->server);
    server_stop(&rig->control);
    netns_shell("ip link del near");
}

void rig_shell_there(const struct rig *rig, const char *command)
{
    netns_shell_in(rig->link.there, &rig->link, command);
}

int rig_open_there(const struct rig *rig, const char *address)
{
    return udp_open_in(rig->link.there, &rig->link, address);
}
