"""Ten million clients: their memory, the cost of sweeps, and the effect of a mass expiry on
requests; and the wake-ups of an idle server."""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass

import meters
import parsers
import senders
from processes import MeasurementError, Process, wait_until
from broadcasts import added_p99, await_requests, load_results, start_paced_load, long_rounds
from messages import stdout_to
from results import Figure, Row, Section
from servers import start_udpsrv

KB = 1024
PROBE = 20           # this part of the clients is registered first, to estimate the time of all
TTL_MAX_S = 400      # limits the duration on a busy machine
STRACE_S = 5
GAP_S = 4            # between the first and the second registration of all clients
SWEEP_PERIOD_S = 60  # the ttl to which the figure applies


def _registered(server, count):
    clients = server.control("status")["clients"]
    if clients != count:
        raise MeasurementError(f"{count} clients have sent a request, {clients} are registered")


def _memory_row(server, name, count):
    """Returns a row with the resident memory of the process, in total and per client."""
    resident = meters.status(server.pid, "VmRSS") * KB
    row = Row(name)
    row.add({"resident MB": resident / 1e6, "bytes per client": resident / count})
    return row


def _memory_figure(row, limit):
    return Figure(f"{row.name}: memory of a client", row.samples["bytes per client"][0], limit,
                  "bytes")


def _huge_config(bench, ttl_s):
    return f"[clients]\nmax = {bench.sizes.huge}\nttl = {ttl_s}s\n"


def _ttl_for(bench):
    """Returns a ttl in which this machine can register all clients twice, even if other programs
    slow it down."""
    count = bench.sizes.huge // PROBE
    with start_udpsrv(bench) as server:
        began = time.monotonic()
        senders.register(bench, server, count)
        took = (time.monotonic() - began) * PROBE
        server.finish()
    return int(3.5 * took) + 15


def memory(bench):
    """Memory of IPv4 clients, and the cost of sweeps when no client expires."""
    huge, ttl_s = bench.sizes.huge, _ttl_for(bench)
    section = Section("memory", f"{huge:,} clients, IPv4")
    with start_udpsrv(bench, _huge_config(bench, ttl_s)) as server:
        began = time.monotonic()
        bench.log(f"memory: registering {huge:,} clients")
        senders.register(bench, server, huge)
        ended = time.monotonic()
        _registered(server, huge)
        section.rows = [_memory_row(server, "IPv4", huge)]
        section.figures = [_memory_figure(section.rows[0], 48)]
        if ttl_s > TTL_MAX_S:
            section.notes.append("sweep: skipped, this machine would take more than "
                                 f"{TTL_MAX_S} s to register all clients twice")
        elif bench.sizes.sweeps:
            _sweep(bench, section, server, Span(began, ended, ttl_s))
        server.finish()
    return section


# ---- Sweeps ----

def _sleep_until(when):
    time.sleep(max(0.0, when - time.monotonic()))


@dataclass
class Span:
    """The time of the first registration of all clients."""

    began: float
    ended: float
    ttl_s: int


def _sweep(bench, section, server, span):
    """Measures a sweep that visits all clients and expires none: all send a second request before
    the ttl of their first one ends. The sweep takes as long as the first registration did."""
    bench.log("memory: the same clients send again")
    time.sleep(GAP_S)
    senders.register(bench, server, bench.sizes.huge)
    if time.monotonic() > span.began + span.ttl_s - 1:
        section.notes.append("sweep: skipped, this machine has become too slow to register all "
                             f"clients twice in {span.ttl_s} s")
        return
    _sleep_until(span.began + span.ttl_s - 1)
    bench.log(f"memory: sweeping for {span.ended - span.began + GAP_S:.0f} s")
    before = meters.cpu_ns(server.pid)
    _sleep_until((span.began + span.ended - STRACE_S) / 2 + span.ttl_s)
    slices = _slices(bench, server)
    _sleep_until(span.ended + span.ttl_s + GAP_S / 2)
    spent = meters.cpu_ns(server.pid) - before
    stats = server.control("stats")
    if stats["expired"] or stats["clients"] != bench.sizes.huge:
        raise MeasurementError(f"clients that had sent again have expired: {stats}")
    _sweep_figures(section, bench.sizes.huge, spent, slices)


def _sweep_figures(section, clients, spent_ns, slices):
    row = Row("sweep of all, none expiring")
    row.add({"CPU ms": spent_ns / 1e6, "ns per client": spent_ns / clients})
    share = 100 * spent_ns / 1e9 / SWEEP_PERIOD_S
    section.figures.append(Figure(f"sweep, ttl {SWEEP_PERIOD_S} s: share of a processor", share, 2,
                                  "%"))
    if slices:
        row.add({"slices": len(slices), "longest slice µs": max(slices)})
    section.rows.append(row)
    section.figures.append(Figure("longest slice of a sweep", max(slices, default=None), 200, "µs",
                                  "strace is not installed, or may not attach"))


def _worker(pid):
    """Returns the worker thread that has the clients; other versions have only one thread."""
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/comm", encoding="utf-8") as name:
            if name.read().startswith("worker-"):
                return task
    return pid


def _slices(bench, server):
    """Returns the times between two waits of the worker, measured by strace, which slows it
    down."""
    if not shutil.which("strace"):
        return []
    path = bench.path("strace")
    tracer = subprocess.Popen(
        ["strace", "-ttt", "-T", "-e", "trace=epoll_wait,epoll_pwait,epoll_pwait2", "-o", path,
         "-p", str(_worker(server.pid))], stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        time.sleep(STRACE_S)
        tracer.send_signal(signal.SIGINT)
        tracer.wait(10)
    finally:
        if tracer.poll() is None:
            tracer.kill()
            tracer.wait()
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as text:
        return parsers.strace_slices(text.read())


# ---- IPv6, in a namespace ----

# The process that holds the namespace, in which all addresses of the prefix are local. It ends when its
# input does.
NAMESPACE = ("ip link set lo up && ip -6 route add local fdbe::/64 dev lo && echo ready && "
             "read end")


def _namespace(bench):
    """Starts a process that holds a network namespace. Raises OSError where that is not allowed."""
    process = Process(bench, ["sh", "-c", NAMESPACE], wrap=("unshare", "--net"))
    try:
        process.line()
    except MeasurementError as error:
        process.end()
        raise OSError(str(error)) from error
    return process


def memory6(bench):
    """Memory of IPv6 clients, in a network namespace with a whole prefix: loopback has one
    address."""
    huge = bench.sizes.huge
    section = Section("memory6", f"{huge:,} clients, IPv6")
    if os.geteuid() != 0:
        section.notes.append("skipped: a network namespace needs root")
        return section
    try:
        holder = _namespace(bench)
    except OSError as error:
        section.notes.append(f"skipped: no network namespace: {error}")
        return section
    bench.log(f"memory6: registering {huge:,} clients")
    with holder, start_udpsrv(bench, _huge_config(bench, 3600), "[::1]:0",
                            namespace=holder.pid) as server:
        senders.register(bench, server, huge, holder.pid)
        _registered(server, huge)
        section.rows = [_memory_row(server, "IPv6", huge)]
        section.figures = [_memory_figure(section.rows[0], 64)]
        server.finish()
    return section


# ---- Mass expiry ----

EXPIRY_TTL_S = 5
NO_SWEEP, SWEEPS = "1h", "100ms"


def _expiry_config(bench, sweep):
    return (f"[admission]\npolicy = open\n[clients]\nttl = {EXPIRY_TTL_S}s\nsweep = {sweep}\n"
            f"max = {bench.sizes.many + 2 * bench.sizes.rate}\n")


def expiry(bench):
    """A million clients expire in one tick while requests are sent, and while a subscriber gets the
    events."""
    sizes = bench.sizes
    section = Section("expiry", f"{sizes.many:,} expire at once during {sizes.rate:,} requests/s")
    none, silent, observed = "none expire", "all expire in one tick", "the same, with a subscriber to events"
    section.rows = [Row(none), Row(silent), Row(observed)]
    bench.interleave(section, [(none, lambda: _expiry_round(bench, 0)),
                               (silent, lambda: _expiry_round(bench, sizes.many)),
                               (observed, lambda: _expiry_round_with_subscriber(bench))],
                     long_rounds(bench))
    section.figures = [
        Figure("requests lost while clients expire", max(section.row(silent).samples["lost"]), 0),
        added_p99(section, silent, none),
        Figure("requests lost while a subscriber gets the events",
               max(section.row(observed).samples["lost"]), 0),
        added_p99(section, observed, silent)]
    section.notes.append(f"{long_rounds(bench)} rounds of {sizes.load_s} s.")
    return section


def _expire_during_load(bench, server, expiring):
    """Runs a load on a server that does not sweep until a reload in the middle enables it."""
    path = bench.path("json")
    if expiring:
        senders.register(bench, server, expiring)
        time.sleep(EXPIRY_TTL_S + 1)
    before = server.control("stats")["expired"]
    with start_paced_load(bench, server, path) as load:
        await_requests(server, bench.sizes.rate)
        server.configure(_expiry_config(bench, SWEEPS))
        load.finish((0, 3))
    expired = server.control("stats")["expired"]
    wait_until("all to expire", lambda: server.control("stats")["expired"] >= expiring)
    if before != 0:
        raise MeasurementError(f"{before} clients expired before the sweep")
    return load_results(senders.read_report(path)) | {"expired meanwhile": expired}


def _expiry_round(bench, expiring):
    with start_udpsrv(bench, _expiry_config(bench, NO_SWEEP)) as server:
        results = _expire_during_load(bench, server, expiring)
        server.finish()
    return results


def _kick_a_client(server):
    """A client joins from an address of its own, and is kicked as soon as it is registered."""
    host, port = server.address.rsplit(":", 1)
    with socket.socket(type=socket.SOCK_DGRAM) as client:
        client.bind(("127.9.9.9", 0))
        client.sendto(b"probe", (host, int(port)))
        server.control("kick", "--yes", "--address", "127.9.9.9")


def _has_printed(server, path):
    _kick_a_client(server)
    return os.path.getsize(path) > 0


@contextmanager
def _event_subscriber(bench, server):
    """Runs `udpctl events`. Yields a function that returns how many clients it has printed as
    expired, and how many events were lost. Clients are kicked until it prints one."""
    path = bench.path("events")
    with open(path, "wb"):
        pass

    def counts():
        with open(path, "rb") as file:
            text = file.read()
        return (text.count(b'"event":"expired"'),
                sum(map(int, re.findall(rb'"lost": ?(\d+)}\n', text))))

    with stdout_to(bench, server, ["events", "kicked", "expired"], path) as subscriber:
        wait_until("a subscriber", lambda: _has_printed(server, path))
        yield counts
        subscriber.stop((0, -15, 130, 143))


def _expiry_round_with_subscriber(bench):
    """Each client that expires, those of the load too, is an event that is printed or lost."""
    with start_udpsrv(bench, _expiry_config(bench, NO_SWEEP)) as server:
        with _event_subscriber(bench, server) as counts:
            results = _expire_during_load(bench, server, bench.sizes.many)
            wait_until("the clients of the load to expire",
                       lambda: server.control("status")["clients"] == 0)
            stats = server.control("stats")
            wait_until("each event", lambda: sum(counts()) >= stats["expired"])
            delivered, lost = counts()
        if delivered + lost != stats["expired"] or lost != stats["listen_lost"]:
            raise MeasurementError(f"{delivered} events were printed, {lost} lost: {stats}")
        server.finish()
    return results | {"events delivered": delivered, "events lost": lost}


# ---- Idle server ----

def idle(bench):
    """How often a server without requests wakes up."""
    section = Section("idle", "idle, built-in defaults")
    row = Row("udpsrv")
    section.rows = [row]
    with start_udpsrv(bench) as server:
        senders.register(bench, server, 10)
        before = _switches(server.pid)
        bench.log(f"idle: watching for {bench.sizes.idle_s} s")
        time.sleep(bench.sizes.idle_s)
        woken = _switches(server.pid) - before
        server.finish()
    row.add({"wake-ups a second": woken / bench.sizes.idle_s})
    # There is one sweep a second; the interval may contain one more than its seconds.
    section.figures = [Figure(f"wake-ups in {bench.sizes.idle_s} s, sweep 1 s", woken,
                              bench.sizes.idle_s + 1)]
    return section


def _switches(pid):
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/status", encoding="utf-8") as text:
            total += parsers.status_field(text.read(), "voluntary_ctxt_switches")
    return total
