"""Upgrades of the running server, one after the other, during requests and a paced broadcast: what is
lost, the longest wait for a reply, and what many upgrades leave behind."""

import contextlib
import os
import signal

import meters
import senders
from broadcasts import (await_requests, check_copies, kernel_drops, load_results, long_rounds,
                        start_paced_load)
from processes import MeasurementError, wait_until
from results import Figure, Row, Section
from servers import start_udpsrv

UPGRADES = 3      # in each load
MANY_UPGRADES = 50
PACE = 0.7        # of a broadcast, as a part of the clients a second: it outlasts the upgrades


class Generations:
    """A server that other processes replace, of which only the first one is a child of this one."""

    def __init__(self, server):
        self.server, self.pid = server, server.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.pid == self.server.pid:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)
        wait_until("the last process to end", lambda: not os.path.exists(f"/proc/{self.pid}"))

    def upgrade(self):
        answer = self.server.control("upgrade")
        if answer["to"] == self.pid:
            raise MeasurementError(f"the process has not changed: {answer}")
        self.pid = answer["to"]
        return answer["pause_us"]

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def resident_kb(self):
        return meters.status(self.pid, "VmRSS")


@contextlib.contextmanager
def _started(bench, clients, workers, copies_a_second):
    config = (f"[clients]\nmax = {clients + 4 * bench.sizes.rate}\nttl = 1h\n"
              f"[server]\nworkers = {workers}\n[broadcast]\nrate = {copies_a_second}\n")
    with start_udpsrv(bench, config) as server, Generations(server) as generations:
        yield server, generations


def _ended(server, number):
    """Returns the report of a broadcast that has ended, else None."""
    for job in server.control("jobs"):
        if job["id"] == number and job["state"] == "done":
            return job
    return None


def _check_clients(server, count):
    """The clients of the load come on top."""
    clients = server.control("status")["clients"]
    if clients < count:
        raise MeasurementError(f"of {count} clients {clients} are registered after the upgrades")


def _load_round(bench, workers, upgrades):
    """Requests at a constant rate during a paced broadcast to all clients, and upgrades in the middle
    of both."""
    sizes, path = bench.sizes, bench.path("json")
    pace = int(sizes.many * PACE / sizes.load_s)
    with _started(bench, sizes.many, workers, pace) as (server, generations):
        lost_before = kernel_drops()
        with senders.RegisteredClients(bench, server, sizes.many) as receivers:
            with start_paced_load(bench, server, path) as load:
                await_requests(server, sizes.rate // 4)
                number = server.control("broadcast", "--no-wait", "news")["id"]
                pauses = []
                for _ in range(upgrades):
                    await_requests(server, sizes.rate // 4)
                    pauses.append(generations.upgrade())
                load.finish((0, 3))
            job = wait_until("the broadcast to end", lambda: _ended(server, number))
            received = receivers.stop_and_count()
        if job["failed"] or job["skipped"] or job["sent"] != job["targets"] or job["targets"] < sizes.many:
            raise MeasurementError(f"the broadcast has the report {job}")
        check_copies(received, sizes.many, lost_before)
        _check_clients(server, sizes.many)
    report = senders.read_report(path)
    return load_results(report) | {"longest wait ms": report["latency"]["corrected"]["max"] / 1e3} | (
        {"longest pause ms": max(pauses) / 1e3} if upgrades else {})


def _many_round(bench):
    """Many upgrades in a row under load: what the process has after the first one and after the last."""
    with _started(bench, bench.sizes.clients, 2, 0) as (server, generations):
        path = bench.path("json")
        with start_paced_load(bench, server, path) as load:
            await_requests(server, bench.sizes.rate // 4)
            generations.upgrade()
            before = generations.descriptors(), generations.resident_kb()
            for _ in range(MANY_UPGRADES - 1):
                generations.upgrade()
            after = generations.descriptors(), generations.resident_kb()
            load.finish((0, 3))
    return {"lost": load_results(senders.read_report(path))["lost"],
            "descriptors more": after[0] - before[0], "resident kB more": after[1] - before[1]}


def upgrade(bench):
    """A million clients: requests during upgrades with one and with two workers."""
    sizes = bench.sizes
    section = Section("upgrade", f"upgrades with {sizes.many:,} clients; {sizes.rate:,} requests/s and a broadcast")
    contenders, rounds = [], long_rounds(bench)
    for workers in (1, 2):
        named = "one worker" if workers == 1 else "two workers"
        for upgrades, row in ((0, f"{named}, no upgrade"), (UPGRADES, f"{named}, {UPGRADES} upgrades")):
            section.rows.append(Row(row))
            contenders.append((row, lambda workers=workers, upgrades=upgrades: _load_round(bench, workers, upgrades)))
    many = f"{MANY_UPGRADES} upgrades in a row"
    section.rows.append(Row(many))
    bench.interleave(section, contenders, rounds)
    section.row(many).add(_many_round(bench))
    for name in ("one worker", "two workers"):
        samples = section.row(f"{name}, {UPGRADES} upgrades").samples
        section.figures += [Figure(f"requests lost by upgrades, {name}", max(samples["lost"]), 0),
                            Figure(f"longest wait, {name}", max(samples["longest wait ms"]), 100, "ms")]
    samples = section.row(many).samples
    section.figures += [Figure(f"{many}: descriptors more", samples["descriptors more"][0], 0),
                        Figure(f"{many}: requests lost", samples["lost"][0], 0)]
    section.notes.append(f"{rounds} rounds of {sizes.load_s} s; the sender measures the wait, from the time at which a request was due.")
    return section
