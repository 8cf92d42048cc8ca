"""Requests and replies: their cost, compared with bare loops of the same socket options and other
services; the cost of admission policies and of workers."""

import os
from dataclasses import dataclass

import peers
import senders
from processes import MeasurementError
from results import (MEASURES, Figure, Row, Section, middle, ratio, ratio_figure, total_measure,
                     user_measure)
from servers import stop_and_check, config_error, start_bare, start_udpsrv

BOUND, WILDCARD = "127.0.0.1:0", "0.0.0.0:0"


def per(numbers, count):
    return {measure: number / count for measure, number in numbers.items()}


def _round(bench, start):
    """Starts a server, registers the clients by a warm-up, then measures."""
    sizes = bench.sizes
    with start(()) as server:
        senders.bare(bench, server, sizes.warm, sizes.clients)
        with bench.meter.over(server.pid) as taken:
            senders.bare(bench, server, sizes.requests, sizes.clients)
        stop_and_check(server, sizes.warm + sizes.requests)
    return per(taken, sizes.requests)


def _callgrind(bench, row, start):
    """Counts the user instructions, if valgrind is installed."""
    def drive(server, count):
        with server:
            senders.udpload(bench, server, count, min(bench.sizes.clients, count // 2))
            stop_and_check(server, count)
    if bench.valgrind:
        bench.log(f"user space of {row.name}")
        less, more = bench.sizes.callgrind_requests
        cost, row.top = bench.callgrind_cost(start, drive, (less, more), more - less)
        row.add({"grind_instructions": cost})


def _user_figure(section, name, limit):
    row = section.row(name)
    return Figure(f"{name}: user space", middle(row, user_measure(row)), limit, "instructions",
                  "neither counters nor valgrind")


def reply(bench):
    """Replies to 10,000 clients, with a bound address and with a wildcard address."""
    section = Section("reply", "request and reply, "
                      f"{bench.sizes.clients:,} clients", "reply")
    starts = {
        "udpsrv, bound": lambda wrap: start_udpsrv(bench, address=BOUND, wrap=wrap),
        "bare recvmmsg/sendmmsg": lambda wrap: start_bare(bench, "bare_mmsg", BOUND, wrap),
        "udpsrv, wildcard": lambda wrap: start_udpsrv(bench, address=WILDCARD, wrap=wrap),
        "bare, IP_PKTINFO both ways": lambda wrap: start_bare(bench, "bare_pktinfo", WILDCARD,
                                                              wrap),
        "bare recvfrom/sendto": lambda wrap: start_bare(bench, "bare_single", BOUND, wrap),
    }
    bases = {"udpsrv, bound": "bare recvmmsg/sendmmsg", "bare recvfrom/sendto":
             "bare recvmmsg/sendmmsg", "udpsrv, wildcard": "bare, IP_PKTINFO both ways"}
    section.rows = [Row(name, base=bases.get(name, "")) for name in starts]
    bench.interleave(section, [(name, lambda start=start: _round(bench, start))
                               for name, start in starts.items()])
    for name, start in starts.items():
        _callgrind(bench, section.row(name), start)
    for name in ("udpsrv, bound", "udpsrv, wildcard"):
        section.figures += [ratio_figure(section, f"{name}: all instructions", name, 1.05),
                            _user_figure(section, name, 400)]
    return section


def million(bench):
    """Replies to as many clients as may be registered by default; all of them send."""
    many = bench.sizes.many
    section = Section("million", f"request and reply, {many:,} registered clients", "reply")
    section.rows = [Row("udpsrv", base="bare recvmmsg/sendmmsg"), Row("bare recvmmsg/sendmmsg")]

    def ask(server):
        with bench.meter.over(server.pid) as taken:
            senders.bare(bench, server, many, many)
        return per(taken, many)

    with start_udpsrv(bench, f"[clients]\nmax = {many}\nttl = 1h\n") as udpsrv, \
            start_bare(bench, "bare_mmsg") as bare:
        for server in (udpsrv, bare):
            senders.register(bench, server, many)
        bench.interleave(section, [("udpsrv", lambda: ask(udpsrv)),
                                   ("bare recvmmsg/sendmmsg", lambda: ask(bare))])
        for server in (udpsrv, bare):
            stop_and_check(server, many * (1 + bench.rounds))
    section.figures = [ratio_figure(section, f"{many:,} registered: cycles", "udpsrv", 1.15,
                                    "cycles")]
    return section


# ---- Peers ----

# Most peers have the kernel's default receive buffer, which does not hold 256 requests.
PEER_OUTSTANDING = 128

def _peer_round(bench, start, payload):
    sizes = bench.sizes
    with start() as server:
        senders.bare(bench, server, sizes.warm, sizes.clients, payload,
                     outstanding=PEER_OUTSTANDING)
        with bench.meter.over(server.pid) as taken:
            senders.bare(bench, server, sizes.requests, sizes.clients, payload,
                         outstanding=PEER_OUTSTANDING)
        server.finish()
    return per(taken, sizes.requests)


def compare(bench):
    """Other services, each with its own request, from a bare sender."""
    section = Section("peers", "beside other services", "reply")
    contenders = {"udpsrv": (lambda: start_udpsrv(bench), None),
                  "bare recvmmsg/sendmmsg": (lambda: start_bare(bench, "bare_mmsg"), None)}
    for peer in peers.PEERS:
        if peers.is_installed(peer):
            contenders[peer.name] = (lambda peer=peer: peers.start(bench, peer),
                                     peers.payload(bench, peer))
        else:
            section.notes.append(f"{peer.name}: {peer.program} is not installed "
                                 "(make deps-bench).")
    section.notes.append(f"{PEER_OUTSTANDING} requests are unanswered at a time.")
    bare = "bare recvmmsg/sendmmsg"
    section.rows = [Row(name, base="" if name == bare else bare) for name in contenders]
    bench.interleave(section, [(name, lambda c=contender: _peer_round(bench, *c))
                               for name, contender in contenders.items()])
    return section


# ---- Policies ----

@dataclass
class Policy:
    """A configuration of [admission]; limit is the most instructions that it may add to base."""

    name: str
    text: str
    base: str = ""
    limit: int | None = None
    verifies: bool = True  # whether the clients answer challenges, as udpload does
    total: bool = False  # whether to measure it with a bare sender, including the kernel


DENIED = "".join(f"deny = 10.{i >> 8}.{i & 255}.0/24\n" for i in range(10_000))
CHALLENGED = "cookie, a challenge in place of a reply"
POLICIES = [
    Policy("open", "policy = open\n", total=True),
    Policy("cookie, proven clients", "policy = cookie\n", "open", 30),
    Policy(CHALLENGED, "policy = cookie\n", verifies=False, total=True),
    Policy("open, 10,000 denied networks and a limiter",
           "policy = open\nrate = 1000000\nburst = 1000000\n" + DENIED, "open", 350),
]


def _ask_under(bench, policy, server, count):
    """Each client answers one challenge: one datagram more, in the short run as in the long one."""
    clients = min(bench.sizes.clients, count // 2)
    with server:
        if policy.verifies:
            senders.udpload(bench, server, count, clients)
        else:
            senders.bare(bench, server, count, clients)
        if server.finish() < count:
            raise MeasurementError(f"udpsrv has received fewer than {count} requests")


def _policy_row(bench, policy):
    config = f"[admission]\n{policy.text}"
    less, more = bench.sizes.callgrind_requests
    row = Row(policy.name)
    bench.log(f"user space of {policy.name}")
    cost, row.top = bench.callgrind_cost(lambda wrap: start_udpsrv(bench, config, wrap=wrap),
                                lambda server, count: _ask_under(bench, policy, server, count),
                                (less, more), more - less)
    row.add({"grind_instructions": cost})
    return row


def _add_totals(bench, section, policies):
    """Measures a datagram including the kernel, from clients that do not answer challenges."""
    def ask(policy):
        config = f"[admission]\n{policy.text}"
        return _round(bench, lambda wrap: start_udpsrv(bench, config, wrap=wrap))
    bench.interleave(section, [(policy.name, lambda p=policy: ask(p)) for policy in policies])


def _admission_figures(section):
    base = section.row("open")
    for policy in POLICIES:
        row = section.row(policy.name)
        if policy.limit is not None:
            added = row and middle(row, "grind_instructions") - middle(base, "grind_instructions")
            section.figures.append(Figure(f"{policy.name}: added", added, policy.limit,
                                          "instructions", "this udpsrv does not know it"))
    row = section.row(CHALLENGED)
    measure = total_measure(row)
    section.figures.append(Figure(
        f"a challenge beside a reply: all {MEASURES[measure]}", ratio(row, base, measure), 1.0, "×",
        "this udpsrv does not know it"))


def admission(bench):
    """The user instructions that a policy adds, and the total cost of a challenge."""
    section = Section("admission", "admission, bound address", "reply")
    if not bench.valgrind:
        section.notes.append("skipped: valgrind is not installed (make deps-bench)")
        return section
    known = []
    for policy in POLICIES:
        why = config_error(bench, f"[admission]\n{policy.text}")
        if why:
            section.notes.append(f"{policy.name}: skipped, this udpsrv does not know it: "
                                 f"{os.path.basename(why)}")
        else:
            known.append(policy)
            section.rows.append(_policy_row(bench, policy))
    _add_totals(bench, section, [policy for policy in known if policy.total])
    _admission_figures(section)
    return section


# ---- Workers ----

def workers(bench):
    """One worker and two workers on all processors."""
    section = Section("workers", "request and reply by workers", "reply")
    if len(bench.cpus) < 2:
        section.notes.append("skipped: there is one processor")
        return section
    if len(bench.cpus) == 2:
        section.notes.append("Of the two processors, the sender shares one with a worker: two "
                             "cannot answer more than one here.")
    cpus = ",".join(map(str, bench.cpus))

    def ask(count):
        with start_udpsrv(bench, f"[server]\nworkers = {count}\n", cpus=cpus) as server:
            senders.udpload(bench, server, bench.sizes.warm, bench.sizes.clients)
            with bench.meter.over(server.pid) as taken:
                report = senders.udpload(bench, server, bench.sizes.requests, bench.sizes.clients)
            stop_and_check(server, bench.sizes.warm + bench.sizes.requests)
        return per(taken, bench.sizes.requests) | {
            "answers a second": report["rates"]["answered"]}

    section.rows = [Row("1 worker"), Row("2 workers")]
    bench.interleave(section, [("1 worker", lambda: ask(1)), ("2 workers", lambda: ask(2))])
    return section
