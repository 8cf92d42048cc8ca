"""Confirmed broadcasts: what they cost beside plain ones to the same number of clients, and how many
clients confirm where frames and confirmations are lost."""

import socket
from contextlib import contextmanager

import meters
import senders
from broadcasts import check_report, long_rounds
from processes import MeasurementError, Process
from replies import per
from results import (MEASURES, Figure, Row, Section, difference_figure, ratio, total_measure)
from servers import start_udpsrv

PLAIN, CONFIRMED, LOSSY = "plain", "confirmed", "confirmed, {:,} clients, {} % lost each way"
LOST_PERCENT = 10
LATE_S = 45
DURATION = "s from start to end"
MEMORY = "bytes of the server per client"


@contextmanager
def _job_events(server):
    """Yields a function that waits for the next event of a kind while a program runs, and returns
    its pairs."""
    with socket.socket(socket.AF_UNIX) as session:
        session.connect(server.socket)
        session.sendall(b"events kinds=job_started,job_ended\n")
        if session.recv(3, socket.MSG_WAITALL) != b"ok\n":
            raise MeasurementError("the server refuses a subscriber")
        session.settimeout(1)
        rest = b""

        def wait(kind, program):
            nonlocal rest
            while b"\n" not in rest:
                rest += _receive(session, program)
            line, rest = rest.split(b"\n", 1)
            if kind not in line.decode().split():
                raise MeasurementError(f"{line!r} comes in place of {kind}")
            return dict(pair.split("=", 1) for pair in line.decode().split() if "=" in pair)
        yield wait


def _receive(session, program):
    """Returns the next bytes of the server. Fails if the program ends before they come."""
    while True:
        try:
            data = session.recv(4096)
        except TimeoutError:
            if program.popen.poll() is not None:
                raise MeasurementError(f"{' '.join(program.argv)} ended early: "
                                       f"{program.errors()}") from None
            continue
        if not data:
            raise MeasurementError("the server has ended its subscriptions")
        return data


def _check_confirmations(confirm, clients):
    """Checks that each client is counted once by udpload, and once by the server."""
    for confirmed, silent in (("confirmed", "silent"), ("server_confirmed", "server_silent")):
        if confirm[confirmed] + confirm[silent] != clients:
            raise MeasurementError(f"of {clients} clients, udpload reports {confirm}")


def _confirmation_results(confirm, clients):
    """Returns what a report says about confirmations, in seconds and per client."""
    return {"median s": confirm["median"] / 1e6, "99 % s": confirm["p99"] / 1e6,
            "last s": confirm["last"] / 1e6, "rounds": confirm["rounds"],
            "datagrams per client": confirm["datagrams_per_client"],
            "silent": confirm["server_silent"],
            "silent %": 100 * confirm["server_silent"] / clients,
            "shown twice": confirm["seen_twice"]}


def _broadcast(bench, clients, *options):
    """A broadcast to clients of udpload, by a server that has no others. Its cost is that from the
    start of the job to its end."""
    path = bench.path("json")
    config = (f"[clients]\nmax = {clients}\nttl = 1h\n"
              f"[broadcast]\nrate = {bench.sizes.confirm_rate}\n")
    with start_udpsrv(bench, config) as server:
        argv = senders.udpload_argv(bench, server, path, "--fanout", "--control", server.socket,
                                    "-c", clients, "-t", "2s", *options)
        with _job_events(server) as wait, Process(bench, argv, bench.sender_cpu) as load:
            wait("job_started", load)
            with bench.meter.over(server.pid) as taken:
                job = wait("job_ended", load)
            resident = meters.status(server.pid, "VmRSS") * 1024
            load.finish((0, 3))
        server.finish()
    check_report({name: int(job[name]) for name in ("targets", "sent", "failed", "skipped")},
                 clients)
    report = senders.read_report(path)
    numbers = per(taken, clients) | {DURATION: int(job["duration_ms"]) / 1000,
                                     MEMORY: resident / clients,
                                     "own drops": report["own_drops"]}
    confirm = report["fanout"]["confirm"]
    if confirm is not None:
        _check_confirmations(confirm, clients)
        numbers |= _confirmation_results(confirm, clients)
    return numbers


def _figures(section, lossy):
    confirmed, plain = section.row(CONFIRMED), section.row(PLAIN)
    measure = total_measure(plain)
    return [
        # A confirmation is a datagram that is received, and that no datagram answers: it costs less
        # than the copy.
        Figure(f"a confirmed broadcast beside a plain one: {MEASURES[measure]}",
               ratio(confirmed, plain, measure), 2, "×"),
        # The clients confirm within 1.5 s; the last ones may need what the kernel delays.
        difference_figure(confirmed, plain, DURATION, "a confirmed broadcast: time added", 2, "s"),
        # A bit for each of: wants frames, got one, has confirmed it.
        difference_figure(confirmed, plain, MEMORY, "a client that confirms: memory added", 1,
                          "bytes"),
        Figure("without loss: clients that did not confirm", max(confirmed.samples["silent"]), 0),
        Figure(f"{LOST_PERCENT} % lost each way: clients that did not confirm",
               max(lossy.samples["silent %"]), 0.05, "%"),
        Figure(f"{LOST_PERCENT} % lost each way: the last confirmation",
               max(lossy.samples["last s"]), LATE_S, "s"),
        Figure(f"{LOST_PERCENT} % lost each way: datagrams a client",
               max(lossy.samples["datagrams per client"]), 1.3),
        Figure("messages that a client would have shown twice",
               max(confirmed.samples["shown twice"] + lossy.samples["shown twice"]), 0),
    ]


def confirm(bench):
    """A million clients confirm a broadcast without loss, and fewer do with loss."""
    many, fewer, rounds = bench.sizes.many, bench.sizes.confirming, long_rounds(bench)
    section = Section("confirm", f"confirmed broadcast to {many:,} clients", "client")
    lossy = Row(LOSSY.format(fewer, LOST_PERCENT))
    section.rows = [Row(PLAIN), Row(CONFIRMED), lossy]
    bench.interleave(section, [(PLAIN, lambda: _broadcast(bench, many)),
                               (CONFIRMED, lambda: _broadcast(bench, many, "--confirm"))], rounds)
    for seed in range(1, rounds + 1):
        bench.log(f"confirm: {LOST_PERCENT} % lost, {seed} of {rounds}")
        lossy.add(_broadcast(bench, fewer, "--confirm", "--drop", f"{LOST_PERCENT}%", "--seed",
                             seed))
    section.figures = _figures(section, lossy)
    section.notes.append(f"{rounds} rounds, {bench.sizes.confirm_rate:,} copies a second.")
    return section
