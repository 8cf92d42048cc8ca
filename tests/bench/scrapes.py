"""Scrapes of the metrics: what one costs the server, and what one each second adds to the latency of
requests."""

import http.client
import socket
import threading
import time

import meters
import senders
from broadcasts import added_p99, load_results, long_rounds, start_paced_load
from processes import MeasurementError
from results import Figure, Row, Section
from servers import start_udpsrv

WITHOUT, WITH, COST = "no scrape", "a scrape each second", "scrapes of an idle server"
PERIOD_S, WARM_SCRAPES, SCRAPES = 1, 20, 500
ANSWER_S = 10


def _free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _start(bench, port):
    sizes = bench.sizes
    return start_udpsrv(bench, f"[clients]\nttl = 1h\nmax = {sizes.many + 4 * sizes.rate}\n"
                               f"[metrics]\nlisten = 127.0.0.1:{port}\n")


class Scraper:
    """A connection that is kept, as Prometheus has it."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_S)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def scrape(self, path="/metrics"):
        self.connection.request("GET", path)
        answer = self.connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise MeasurementError(f"{path} was answered by {answer.status}")
        return body


def _scrape_each_second(port, ended, failures):
    try:
        with Scraper(port) as scraper:
            while not ended.wait(PERIOD_S):
                scraper.scrape()
    except (OSError, MeasurementError) as error:
        failures.append(error)


def _load_round(bench, scrapes):
    port, ended, failures = _free_port(), threading.Event(), []
    with _start(bench, port) as server:
        senders.register(bench, server, bench.sizes.many)
        report = bench.path("json")
        thread = threading.Thread(target=_scrape_each_second, args=(port, ended, failures), daemon=True)
        with start_paced_load(bench, server, report) as load:
            if scrapes:
                thread.start()
            load.finish((0, 3))
        ended.set()
        if scrapes:
            thread.join()
        server.finish()
    if failures:
        raise MeasurementError(f"a scrape has failed: {failures[0]}")
    return load_results(senders.read_report(report))


def _cost_round(bench):
    """The processor time of all threads, for each scrape, and how long the scraper waits for it."""
    port = _free_port()
    with _start(bench, port) as server, Scraper(port) as scraper:
        senders.register(bench, server, bench.sizes.clients)
        taken = {}
        for path, name in (("/metrics", "metrics"), ("/status.json", "status.json")):
            for _ in range(WARM_SCRAPES):
                scraper.scrape(path)
            before, began = meters.cpu_ns(server.pid), time.monotonic()
            for _ in range(SCRAPES):
                size = len(scraper.scrape(path))
            taken[f"{name}: CPU µs"] = (meters.cpu_ns(server.pid) - before) / SCRAPES / 1e3
            taken[f"{name}: answer µs"] = (time.monotonic() - began) / SCRAPES * 1e6
            taken[f"{name}: bytes"] = size
        server.finish()
    return taken


def scrape(bench):
    """A million clients: requests while the metrics are read each second, and what that costs."""
    sizes = bench.sizes
    section = Section("scrape", f"scrapes; {sizes.rate:,} requests/s, {sizes.many:,} clients")
    section.rows = [Row(WITHOUT), Row(WITH), Row(COST)]
    rounds = long_rounds(bench)
    bench.interleave(section, [(WITHOUT, lambda: _load_round(bench, False)),
                               (WITH, lambda: _load_round(bench, True)),
                               (COST, lambda: _cost_round(bench))], rounds)
    costs = section.row(COST).samples
    section.figures = [
        Figure("requests lost while the metrics are read", max(section.row(WITH).samples["lost"]), 0),
        added_p99(section, WITH, WITHOUT),
        Figure("CPU time of a scrape", max(costs["metrics: CPU µs"]), 1000, "µs"),
        Figure("CPU time of /status.json", max(costs["status.json: CPU µs"]), 1000, "µs")]
    section.notes.append(f"{rounds} rounds of {sizes.load_s} s; the costs are those of {SCRAPES} scrapes over "
                         "one connection.")
    return section
