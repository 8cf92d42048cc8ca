"""Ten million clients: the memory that they take, the sweeps that look after them, and what
requests feel when a million expire at once."""

import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass

import meters
import parsers
import senders
from children import Broken, Child, until
from copies import added_p99, await_requests, felt, paced, storm_rounds
from figures import Figure, Row, Section
from servers import start_ours

KB = 1024
PROBE = 20           # a part of the clients, to see how long all of them take
TTL_MAX_S = 400      # so that a busy machine ends in time
STRACE_S = 5
GAP_S = 4            # between the last first word and the first second one
SWEEP_PERIOD_S = 60  # the ttl that the figure is stated for


def _registered(server, count):
    clients = server.control("status")["clients"]
    if clients != count:
        raise Broken(f"{count} clients have spoken, {clients} are registered")


def _memory_row(server, name, count):
    """All of the process, shared out over its clients."""
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
    """Seconds in which this machine can register all of them twice, even if others slow it down
    meanwhile."""
    count = bench.sizes.huge // PROBE
    with start_ours(bench) as server:
        began = time.monotonic()
        senders.register(bench, server, count)
        took = (time.monotonic() - began) * PROBE
        server.finish()
    return int(3.5 * took) + 15


def memory(bench):
    """Memory over IPv4, and what sweeps cost when all of those are alive."""
    huge, ttl_s = bench.sizes.huge, _ttl_for(bench)
    section = Section("memory", f"{huge:,} clients, IPv4")
    with start_ours(bench, _huge_config(bench, ttl_s)) as server:
        began = time.monotonic()
        bench.say(f"memory: registering {huge:,} clients")
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

def _wait_until(when):
    time.sleep(max(0.0, when - time.monotonic()))


@dataclass
class Span:
    """When all spoke for the first time."""

    began: float
    ended: float
    ttl_s: int


def _sweep(bench, section, server, span):
    """All speak once more, so that none expires when the ttl of its first word ends: then each is
    looked at, and stays. That happens in as much time as the first words took."""
    bench.say("memory: the same clients speak again")
    time.sleep(GAP_S)
    senders.register(bench, server, bench.sizes.huge)
    if time.monotonic() > span.began + span.ttl_s - 1:
        section.notes.append("sweep: skipped, this machine has become too slow to register all "
                             f"clients twice in {span.ttl_s} s")
        return
    _wait_until(span.began + span.ttl_s - 1)
    bench.say(f"memory: sweeping for {span.ended - span.began + GAP_S:.0f} s")
    before = meters.cpu_ns(server.pid)
    _wait_until((span.began + span.ended - STRACE_S) / 2 + span.ttl_s)
    slices = _slices(bench, server)
    _wait_until(span.ended + span.ttl_s + GAP_S / 2)
    spent = meters.cpu_ns(server.pid) - before
    stats = server.control("stats")
    if stats["expired"] or stats["clients"] != bench.sizes.huge:
        raise Broken(f"clients that had spoken again are gone: {stats}")
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
                                  "strace isn't there, or may not look"))


def _worker(pid):
    """The thread that has the clients; a process of another make has but one."""
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/comm", encoding="utf-8") as name:
            if name.read().startswith("worker-"):
                return task
    return pid


def _slices(bench, server):
    """How long it works between two waits, as strace sees it. Its own stops are in there."""
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

# The holder of the namespace: all addresses of the prefix are local. It ends with its input.
NAMESPACE = ("ip link set lo up && ip -6 route add local fdbe::/64 dev lo && echo ready && "
             "read end")


def _namespace(bench):
    """A process that holds a network namespace; raises OSError where that isn't allowed."""
    child = Child(bench, ["sh", "-c", NAMESPACE], wrap=("unshare", "--net"))
    try:
        child.line()
    except Broken as error:
        child.end()
        raise OSError(str(error)) from error
    return child


def memory6(bench):
    """Memory over IPv6: loopback has one address there, so a namespace has a whole prefix."""
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
    bench.say(f"memory6: registering {huge:,} clients")
    with holder, start_ours(bench, _huge_config(bench, 3600), "[::1]:0",
                            namespace=holder.pid) as server:
        senders.register(bench, server, huge, holder.pid)
        _registered(server, huge)
        section.rows = [_memory_row(server, "IPv6", huge)]
        section.figures = [_memory_figure(section.rows[0], 64)]
        server.finish()
    return section


# ---- An expiry storm ----

STORM_TTL_S = 5
NO_SWEEP, SWEEPS = "1h", "100ms"


def _storm_config(bench, sweep):
    return (f"[admission]\npolicy = open\n[clients]\nttl = {STORM_TTL_S}s\nsweep = {sweep}\n"
            f"max = {bench.sizes.many + 2 * bench.sizes.rate}\n")


def expiry(bench):
    """A million expire in one tick while requests go on."""
    sizes = bench.sizes
    section = Section("expiry", f"{sizes.many:,} expire at once during {sizes.rate:,} requests/s")
    section.rows = [Row("none expire"), Row("all expire in one tick")]
    bench.interleave(section, [("none expire", lambda: _storm(bench, 0)),
                               ("all expire in one tick", lambda: _storm(bench, sizes.many))],
                     storm_rounds(bench))
    lost = section.row("all expire in one tick").samples["lost"]
    section.figures = [Figure("requests lost while clients expire", max(lost), 0),
                       added_p99(section, "all expire in one tick", "none expire")]
    section.notes.append(f"{storm_rounds(bench)} rounds of {sizes.spell_s} s.")
    return section


def _storm(bench, crowd):
    """A server that doesn't sweep until, in the middle of the load, it is told to."""
    path = bench.path("json")
    with start_ours(bench, _storm_config(bench, NO_SWEEP)) as server:
        if crowd:
            senders.register(bench, server, crowd)
            time.sleep(STORM_TTL_S + 1)
        before = server.control("stats")["expired"]
        with paced(bench, server, path) as load:
            await_requests(server, bench.sizes.rate)
            server.configure(_storm_config(bench, SWEEPS))
            load.finish((0, 3))
        meanwhile = server.control("stats")["expired"]
        until("all to expire", lambda: server.control("stats")["expired"] >= crowd)
        if before != 0:
            raise Broken(f"{before} clients have expired before there was a sweep")
        server.finish()
    return felt(senders.read_report(path)) | {"expired meanwhile": meanwhile}


# ---- Nothing at all ----

def idle(bench):
    """How often a server wakes up that nobody asks."""
    section = Section("idle", "idle, built-in defaults")
    row = Row("udpsrv")
    section.rows = [row]
    with start_ours(bench) as server:
        senders.register(bench, server, 10)
        before = _switches(server.pid)
        bench.say(f"idle: watching for {bench.sizes.calm_s} s")
        time.sleep(bench.sizes.calm_s)
        woken = _switches(server.pid) - before
        server.finish()
    row.add({"wake-ups a second": woken / bench.sizes.calm_s})
    # A sweep a second; the spell may hold one more than its seconds.
    section.figures = [Figure(f"wake-ups in {bench.sizes.calm_s} s, sweep 1 s", woken,
                              bench.sizes.calm_s + 1)]
    return section


def _switches(pid):
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/status", encoding="utf-8") as text:
            total += parsers.status_field(text.read(), "voluntary_ctxt_switches")
    return total
