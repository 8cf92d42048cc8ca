"""The offload of registered clients: what a reply and a copy of a broadcast cost on the sockets and in the kernel, and what registered
clients lose to a flood of forged requests."""

import contextlib
import ipaddress

import live_frames
import meters
import senders
from broadcasts import check_report, load_results, long_rounds
from processes import MeasurementError, Process, wait_until
from results import Figure, Row, Section, middle
from servers import start_udpsrv
from xdp import XDP_DROP, XDP_PASS  # live_frames adds its folder

MODES = {"sockets": "off", "offloaded": "native"}
ADDRESS = f"{live_frames.SERVER}:{live_frames.PORT}"
FIRST_SOURCE = int(ipaddress.ip_network(live_frames.SOURCES)[1])
FORGED, FIRST_FORGED = 100_000, int(ipaddress.ip_address("10.128.0.1"))
BURST = senders.OUTSTANDING  # unanswered requests at a time
COPIES_RATE = 10_000_000 # more than the server sends; only broadcasts with a rate leave as frames
BURST_TO_REGISTER, BUFFER_TO_REGISTER = 8192, "64m"  # a receive buffer that holds them
DATAGRAMS_UNTIL_OFFLOADED = 2
NO_PLACE_SHARE = 100_000 # among so many clients, one may have no place in the index
MADE, DROPPED = "the sender: frames that are not sent", "frames that the server's interface drops"
FLOOD_TIMEOUT_S = 1
IN_SENDER, IN_SERVER = "CPU ns in the sender's thread", "CPU ns in the server's process"
LOST, FULL = "lost", "datagrams that found the socket full"
TOOK = "s for all copies"


@contextlib.contextmanager
def _serving(bench, mode, clients, config=""):
    """Starts a server at one end of a pair of its own. On sockets, a program that passes all frames stands in for the one of the
    offload: a veth without one does not take the sender's frames. Yields (server, pair)."""
    with live_frames.Pair(bench, None if mode == "native" else XDP_PASS) as pair, \
            start_udpsrv(bench, f"[clients]\nmax = {clients}\nttl = 1h\n[offload]\nmode = {mode}\ninterface = eth0\n{config}",
                         ADDRESS, namespace=pair.server.pid) as server:
        yield server, pair


def _offloaded(server):
    return sum(interface["clients"] for interface in server.control("offload"))


def _is_in_kernel(mode, by_kernel, count):
    """Whether the kernel did, of a number of replies or copies, what it has to in that mode. About one client in ten million has no place
    in the index of the program and is served by the sockets: in one of ten tables with a million clients there is one."""
    return count - count // NO_PLACE_SHARE <= by_kernel <= count if mode == "native" else by_kernel == 0


def _await_offloaded(server, mode, clients):
    """Waits until the program has the clients that have sent often enough."""
    if mode == "native":
        wait_until("the clients to be offloaded", lambda: _is_in_kernel(mode, _offloaded(server), clients))


# ---- the cost of a reply ----

class Contender:
    """A server with registered clients, all of which have sent often enough to be offloaded, and the sender of their requests."""

    def __init__(self, bench, mode, clients, undo):
        self.bench, self.mode = bench, mode
        config = f"[server]\nreceive-buffer = {BUFFER_TO_REGISTER}\n[broadcast]\nrate = {COPIES_RATE}\n"
        self.server, self.pair = undo.enter_context(_serving(bench, mode, clients, config))
        bench.log(f"offload: registering {clients:,} clients, mode = {mode}")
        self.pair.sender.aim(FIRST_SOURCE, clients)
        self.pair.sender.ask(DATAGRAMS_UNTIL_OFFLOADED * clients, BURST_TO_REGISTER)
        _await_offloaded(self.server, mode, clients)
        self.pair.sender.ask(clients, BURST_TO_REGISTER) # by which the program knows the link of each

    def measure(self):
        """Returns the CPU times of a reply."""
        count, before = self.bench.sizes.requests, self.server.control("stats")
        used = meters.cpu_ns(self.server.pid)
        sender = self.pair.sender.ask(count, BURST)
        used = meters.cpu_ns(self.server.pid) - used
        after = self.server.control("stats")
        by_kernel = after["offload_replied"] - before["offload_replied"]
        if after["replied"] - before["replied"] != count or not _is_in_kernel(self.mode, by_kernel, count):
            raise MeasurementError(f"of {count} requests {by_kernel} were answered by the offload: {after}")
        return {IN_SENDER: sender, IN_SERVER: used / count}


def _measure_sender(bench, pair, sends):
    """Returns the CPU time of a frame that nothing answers."""
    pair.sender.aim(FIRST_SOURCE, bench.sizes.many, sends)
    return {IN_SENDER: pair.sender.ask(bench.sizes.requests, BURST, answered=False), IN_SERVER: 0}


def _add_costs(section):
    """Adds the CPU time of a reply: that of both threads, without that of making the request."""
    made = section.row(MADE).samples[IN_SENDER]
    for row in section.rows[1:]:
        sums = map(sum, zip(row.samples[IN_SENDER], row.samples[IN_SERVER]))
        row.samples["cpu_ns"] = [whole - making for whole, making in zip(sums, made)]


def _row(way, clients):
    return f"{way}, {clients:,} registered"


def _share(section, clients):
    """Returns the figure of what the offload takes of the sockets' cost: the median of the rounds' ratios."""
    offloaded, sockets = (section.row(_row(way, clients)).samples["cpu_ns"] for way in ("offloaded", "sockets"))
    row = Row("share", {"%": [100 * a / b for a, b in zip(offloaded, sockets) if b > 0]})
    return Figure(f"{clients:,} registered: offloaded, of the CPU time on sockets", middle(row, "%"), 12.5, "%", "it was not measured")


def _measure_costs(bench, section):
    counts = (bench.sizes.clients, bench.sizes.many)
    section.rows += [Row(MADE), Row(DROPPED)] + [Row(_row(way, count)) for count in counts for way in MODES]
    with contextlib.ExitStack() as undo:
        pair = undo.enter_context(live_frames.Pair(bench, XDP_DROP))
        contenders = [(MADE, lambda: _measure_sender(bench, pair, False)), (DROPPED, lambda: _measure_sender(bench, pair, True))]
        for count in counts:
            for way, mode in MODES.items():
                contenders.append((_row(way, count), Contender(bench, mode, count, undo).measure))
        bench.interleave(section, contenders)
    _add_costs(section)
    for count in counts:
        row = section.row(_row("offloaded", count))
        section.figures += [_share(section, count), Figure(f"{count:,} registered: a reply, offloaded", middle(row, "cpu_ns"), 700, "ns")]


# ---- the cost of a copy ----

def _broadcast(contender, count):
    """Returns the report on a broadcast, of which all copies were sent in the contender's way."""
    before = contender.server.control("stats")["offload_copies"]
    report = contender.server.control("broadcast", "news")
    check_report(report, count)
    by_kernel = contender.server.control("stats")["offload_copies"] - before
    if not _is_in_kernel(contender.mode, by_kernel, count):
        raise MeasurementError(f"of {count} copies {by_kernel} were sent by the offload")
    return report


def _measure_copies_of(contender, count):
    """Returns the CPU time of a copy, with its way through the pair and its receiver, and the time that the broadcast took."""
    received = contender.pair.sender.count_replies()
    used = meters.cpu_ns(contender.server.pid)
    report = _broadcast(contender, count)
    used = meters.cpu_ns(contender.server.pid) - used
    wait_until("all copies to be received", lambda: contender.pair.sender.count_replies() - received >= count)
    return {"cpu_ns": used / count, TOOK: report["duration_ms"] / 1000}


def _check_copies(contender, count):
    """Checks that each client gets one copy."""
    with contender.pair.sender.tally(count) as copies:
        _broadcast(contender, count)
        wait_until("each client to get a copy", lambda: min(copies()) > 0)
        most = max(copies())
    if most != 1:
        raise MeasurementError(f"a client got {most} copies of a broadcast")


def offload_copies(bench):
    """A broadcast to registered clients on sockets and by frames of the kernel."""
    count = bench.sizes.many
    section = Section("offload-copies", f"broadcast to {count:,} clients on a veth pair", "copy", [Row(way) for way in MODES])
    section.rows[1].base = "sockets"
    reason = live_frames.why_not()
    if reason is not None:
        section.notes.append(f"skipped: {reason}")
        return section
    with contextlib.ExitStack() as undo:
        contenders = {way: Contender(bench, mode, count, undo) for way, mode in MODES.items()}
        for contender in contenders.values():
            _check_copies(contender, count)
        bench.interleave(section, [(way, lambda contender=contender: _measure_copies_of(contender, count))
                                   for way, contender in contenders.items()])
    row = section.row("offloaded")
    section.figures = [Figure("a copy, offloaded", middle(row, "cpu_ns"), 400, "ns"),
                       Figure("all copies, offloaded", middle(row, TOOK), 0.5, "s")]
    return section


# ---- a flood ----

def _socket_drops(pid):
    """Returns how many datagrams found a full socket in the network namespace of a process."""
    with open(f"/proc/{pid}/net/snmp", encoding="ascii") as text:
        names, values = (line.split() for line in text if line.startswith("Udp:"))
    return int(values[names.index("RcvbufErrors")])


def _start_load(bench, pair, server, path, clients):
    """Starts udpload in the clients' namespace; each client sends often enough to be offloaded before the flood begins."""
    rate = bench.sizes.asking_rate
    seconds = bench.sizes.load_s + 1 + DATAGRAMS_UNTIL_OFFLOADED * clients // rate
    return Process(bench, senders.udpload_argv(
        bench, server, path, "-Q", rate, "-l", seconds, "-c", clients, "-t", f"{FLOOD_TIMEOUT_S}s", "-S", "1s",
        "--expect", "audi,toyota,bmw"), bench.sender_cpu, pair.clients.pid)


def _flood_round(bench, mode):
    """Clients ask at a modest rate. When all are registered, forged requests arrive as fast as the sender makes them, for which the
    server has no place and which its sockets cannot hold."""
    path, clients = bench.path("json"), 2 * bench.sizes.asking_rate * FLOOD_TIMEOUT_S
    with _serving(bench, mode, clients) as (server, pair):
        pair.sender.aim(FIRST_FORGED, FORGED)
        with _start_load(bench, pair, server, path, clients) as load:
            wait_until("each client to ask", lambda: server.control("stats")["received"] >= DATAGRAMS_UNTIL_OFFLOADED * clients)
            _await_offloaded(server, mode, clients)
            full = _socket_drops(server.pid)
            with pair.sender.flood(BURST) as rates:
                load.finish((0, 3))
            full = _socket_drops(server.pid) - full
    results = load_results(senders.read_report(path))
    return results | {"forged requests a second": rates[0], FULL: full}


def _measure_flood(bench, section):
    sizes, rounds = bench.sizes, long_rounds(bench)
    rows = {way: f"flood, {way}" for way in MODES}
    section.rows += [Row(name) for name in rows.values()]
    bench.interleave(section, [(rows[way], lambda mode=mode: _flood_round(bench, mode)) for way, mode in MODES.items()], rounds)
    samples = section.row(rows["offloaded"]).samples
    fills = min(samples[FULL]) > 0
    section.figures.append(Figure("requests of registered clients lost in a flood, offloaded", max(samples[LOST]) if fills else None, 0,
                                  why="the flood did not fill the sockets"))
    section.notes.append(f"The flood: {rounds} rounds of {sizes.load_s} s, in which registered clients ask {sizes.asking_rate:,} times a "
                         "second.")


def offload(bench):
    """Replies to registered clients on sockets and in the kernel, by a sender in the kernel."""
    section = Section("offload", "registered clients on a veth pair", "reply")
    reason = live_frames.why_not()
    if reason is not None:
        section.notes.append(f"skipped: {reason}")
        return section
    _measure_costs(bench, section)
    _measure_flood(bench, section)
    return section
