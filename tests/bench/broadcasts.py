"""Broadcasts: the cost of a copy, and the effect on requests."""

import senders
from processes import MeasurementError, Process, wait_until
from results import Figure, Row, Section, difference_figure, ratio_figure
from parsers import softnet_drops, words
from replies import per
from servers import stop_and_check, start_udpsrv


def kernel_drops():
    """Returns how many datagrams the kernel's queues have dropped since the host was started."""
    with open("/proc/net/softnet_stat", encoding="ascii") as text:
        return softnet_drops(text.read())


def check_report(report, targets):
    """Checks the report of udpctl on a broadcast."""
    if report["targets"] != targets or report["failed"] or report["skipped"] \
            or report["sent"] != targets:
        raise MeasurementError(f"a broadcast to {targets} clients has the report {report}")


def check_copies(received, sent, lost_before):
    """Checks that all copies sent were received or dropped: by the clients' socket, or by a queue
    of the kernel, which counts them."""
    missing = sent - received["copies"] - received["drops"]
    if missing != 0 and missing > kernel_drops() - lost_before:
        raise MeasurementError(f"{sent} copies were sent, {received['copies']} were received, and "
                               f"{received['drops']} were dropped")


class Sendmmsg:
    """The bare fan-out to that many addresses at the clients' port."""

    def __init__(self, bench, port, count):
        self.count = count
        self.process = Process(bench, [bench.program("bench/bare/bare_fanout"), port, count],
                           bench.server_cpu)
        self.process.line()
        self.pid = self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.end()

    def send(self):
        self.process.write("\n")
        if words(self.process.line())["sent"] != self.count:
            raise MeasurementError("the bare fan-out did not send all copies")


def fanout(bench):
    """A broadcast to a million clients, without requests at the same time."""
    many = bench.sizes.many
    section = Section("fanout", f"broadcast to {many:,} clients", "copy")
    section.rows = [Row("udpsrv", base="bare sendmmsg"), Row("bare sendmmsg")]
    lost_before = kernel_drops()

    def measure(pid, act):
        with bench.meter.over(pid) as taken:
            act()
        return per(taken, many)

    with start_udpsrv(bench, f"[clients]\nmax = {many}\nttl = 1h\n") as udpsrv, \
            senders.RegisteredClients(bench, udpsrv, many) as clients, \
            Sendmmsg(bench, clients.port, many) as bare:
        def broadcast():
            check_report(udpsrv.control("broadcast", "news"), many)
        for warm_up in (broadcast, bare.send):
            warm_up()
        bench.interleave(section, [("udpsrv", lambda: measure(udpsrv.pid, broadcast)),
                                   ("bare sendmmsg", lambda: measure(bare.pid, bare.send))])
        received = clients.stop_and_count()
        stop_and_check(udpsrv, many)
    check_copies(received, 2 * many * (1 + bench.rounds), lost_before)
    _callgrind_copies(bench, section)
    section.figures = [ratio_figure(section, "a copy: instructions", "udpsrv", 1.05)]
    return section


def _callgrind_copies(bench, section):
    """User instructions of a copy: two runs under valgrind that differ only in their broadcasts."""
    count = bench.sizes.callgrind_requests[0]

    def drive(server, broadcasts):
        with server, senders.RegisteredClients(bench, server, count) as clients:
            for _ in range(broadcasts):
                check_report(server.control("broadcast", "news"), count)
            clients.stop_and_count()
            stop_and_check(server, count)

    if bench.valgrind:
        bench.log("user space of a copy")
        row = section.row("udpsrv")
        cost, row.top = bench.callgrind_cost(lambda wrap: start_udpsrv(bench, wrap=wrap), drive,
                                              (1, 2), count)
        row.add({"grind_instructions": cost})


# ---- Requests during a broadcast ----

def start_paced_load(bench, server, path):
    """Starts udpload at a constant rate for load_s seconds; it distinguishes copies from
    replies."""
    sizes = bench.sizes
    return Process(bench, senders.udpload_argv(
        bench, server, path, "-Q", sizes.rate, "-l", sizes.load_s, "-c", 2 * sizes.rate, "-t",
        "2s", "-S", "1s", "--expect", "audi,toyota,bmw"), bench.sender_cpu)


def load_results(report):
    """Returns latencies in microseconds and the number of lost requests from a report of
    udpload."""
    if report["sent"] != report["replied"] + report["wrong"] + report["lost"]:
        raise MeasurementError(f"the report of udpload does not add up: {report}")
    worst = max((i["p99"] for i in report["intervals"] if i.get("p99") is not None), default=0)
    return {"p99 µs": report["latency"]["corrected"]["p99"], "worst second's p99 µs": worst,
            "p99 of the sender's own lag µs": report["lag"]["p99"],
            "lost": report["lost"], "own drops": report["own_drops"]}


def added_p99(section, name, base):
    """Returns how much is added to the 99th percentile, in the worst second of each."""
    return difference_figure(section.row(name), section.row(base), "worst second's p99 µs",
                             f"{name}: p99 added, worst second", 1000, "µs")


def long_rounds(bench):
    """Returns the number of rounds of long scenarios, whose rounds each have many seconds."""
    return min(bench.rounds, 3)


def broadcast(bench):
    """A million copies while requests are sent."""
    sizes = bench.sizes
    section = Section("broadcast", f"broadcast to {sizes.many:,} during {sizes.rate:,} requests/s")
    section.rows = [Row("without a broadcast"), Row("with a broadcast")]

    def ask(server, sends):
        path = bench.path("json")
        with start_paced_load(bench, server, path) as load:
            if sends:
                await_requests(server, sizes.rate)
                report = server.control("broadcast", "news")
                if report["sent"] + report["failed"] + report["skipped"] != report["targets"] \
                        or report["targets"] < sizes.many:
                    raise MeasurementError(f"the broadcast has the report {report}")
            load.finish((0, 3))
        numbers = load_results(senders.read_report(path))
        return numbers | ({"broadcast ms": report["duration_ms"]} if sends else {})

    config = f"[clients]\nmax = {sizes.many + 2 * sizes.rate * 10}\nttl = 1h\n"
    with start_udpsrv(bench, config) as udpsrv, \
            senders.RegisteredClients(bench, udpsrv, sizes.many) as clients:
        bench.interleave(section, [("without a broadcast", lambda: ask(udpsrv, False)),
                                   ("with a broadcast", lambda: ask(udpsrv, True))],
                         long_rounds(bench))
        clients.stop_and_count()
        udpsrv.finish()
    lost = section.row("with a broadcast").samples["lost"]
    section.figures = [Figure("requests lost during a broadcast", max(lost), 0),
                       added_p99(section, "with a broadcast", "without a broadcast")]
    section.notes.append(f"{long_rounds(bench)} rounds. The receiver of the copies has the "
                         "lowest priority on the sender's processor.")
    return section


def await_requests(server, count):
    """Waits until the server has received that many more requests."""
    before = server.control("stats")["received"]
    wait_until("requests to arrive", lambda: server.control("stats")["received"] >= before + count)
