"""The state file: what writing it adds to the latency of requests, its size, and how long a start
takes that reads it."""

import os
import socket
import time

import meters
import senders
from broadcasts import added_p99, load_results, long_rounds, start_paced_load
from processes import MeasurementError, wait_until
from results import Figure, Row, Section
from servers import start_udpsrv

WITHOUT, WITH = "no state file", "a snapshot each second"
REPLY_TIMEOUT_S = 10


def _config(bench, path=None):
    """path: of the state file."""
    sizes = bench.sizes
    text = f"[clients]\nttl = 1h\nmax = {sizes.many + 4 * sizes.rate}\n"
    return text + (f"[state]\nfile = {path}\ninterval = 1s\n" if path else "")


def _path(bench):
    return os.path.join(bench.directory(), "state")


def _begun_ms(path):
    """Returns when the file was begun: the first field of its first block (docs/state.md)."""
    with open(path, "rb") as file:
        return int.from_bytes(file.read(32)[24:32], "little")


def _load_round(bench, path):
    """A load on a server with many clients. With a state file at least one snapshot is written while
    it runs."""
    with start_udpsrv(bench, _config(bench, path)) as server:
        senders.register(bench, server, bench.sizes.many)
        if path:
            wait_until("a snapshot", lambda: os.path.exists(path))
            before = _begun_ms(path)
        report = bench.path("json")
        with start_paced_load(bench, server, report) as load:
            load.finish((0, 3))
        if path and _begun_ms(path) == before:
            raise MeasurementError("no snapshot was written during the load")
        server.finish()
    return load_results(senders.read_report(report))


def _first_reply(server):
    host, port = server.address.rsplit(":", 1)
    with socket.socket(type=socket.SOCK_DGRAM) as client:
        client.settimeout(REPLY_TIMEOUT_S)
        client.sendto(b"", (host, int(port)))
        client.recv(2048)


def _restart_round(bench):
    """Stops a server with many clients, and starts it again at the same address, by which the clients
    are known."""
    path, count = _path(bench), bench.sizes.many
    with start_udpsrv(bench, _config(bench, path)) as server:
        senders.register(bench, server, count)
        address = server.address
        server.finish()
    size = os.path.getsize(path)
    began = time.monotonic()
    with start_udpsrv(bench, _config(bench, path), address) as server:
        _first_reply(server)
        took = time.monotonic() - began
        spent = meters.cpu_ns(server.pid)
        clients = server.control("status")["clients"]
        server.finish()
    if clients != count + 1:
        raise MeasurementError(f"of {count} clients {clients - 1} were restored")
    return {"start to first reply ms": took * 1e3, "CPU ms": spent / 1e6, "bytes a client": size / count}


def state(bench):
    """A million clients: requests while a snapshot is written each second, and a restart."""
    sizes = bench.sizes
    section = Section("state", f"state file of {sizes.many:,} clients; {sizes.rate:,} requests/s")
    restart = "stop and start"
    section.rows = [Row(WITHOUT), Row(WITH), Row(restart)]
    rounds = long_rounds(bench)
    bench.interleave(section, [(WITHOUT, lambda: _load_round(bench, None)),
                               (WITH, lambda: _load_round(bench, _path(bench))),
                               (restart, lambda: _restart_round(bench))], rounds)
    samples = section.row(restart).samples
    section.figures = [
        Figure("requests lost while snapshots are written", max(section.row(WITH).samples["lost"]), 0),
        added_p99(section, WITH, WITHOUT),
        Figure("start to first reply", max(samples["start to first reply ms"]), 1000, "ms"),
        Figure("state file: bytes a client", max(samples["bytes a client"]), 48, "bytes")]
    section.notes.append(f"{rounds} rounds of {sizes.load_s} s; the restart is measured from the start of the program on.")
    return section
