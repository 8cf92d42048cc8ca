"""Broadcasts: what a copy costs, and what requests feel of it."""

import senders
from children import Broken, Child, until
from figures import Figure, Row, Section, difference_figure, ratio_figure
from parsers import softnet_drops, words
from replies import per
from servers import ends_with, start_ours


def _kernel_drops():
    with open("/proc/net/softnet_stat", encoding="ascii") as text:
        return softnet_drops(text.read())


def check_report(report, targets):
    """What udpctl said of a broadcast."""
    if report["targets"] != targets or report["failed"] or report["skipped"] \
            or report["sent"] != targets:
        raise Broken(f"a broadcast to {targets} clients came out as {report}")


def check_heard(heard, sent, lost_before):
    """What the clients' socket was given, took or had no room for. The kernel's own queue may have
    dropped some, and says so."""
    missing = sent - heard["copies"] - heard["drops"]
    if missing != 0 and missing > _kernel_drops() - lost_before:
        raise Broken(f"{sent} copies were sent; {heard['copies']} came and {heard['drops']} found "
                     "no room")


class Sendmmsg:
    """The bare fan-out, to as many hosts at the crowd's port."""

    def __init__(self, bench, port, count):
        self.count = count
        self.child = Child(bench, [bench.program("bench/bare_fanout"), port, count],
                           bench.server_cpu)
        self.child.line()
        self.pid = self.child.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.end()

    def send(self):
        self.child.say("\n")
        if words(self.child.line())["sent"] != self.count:
            raise Broken("the bare fan-out didn't send all")


def fanout(bench):
    """A copy for each of a million clients, requests silent meanwhile."""
    many = bench.sizes.many
    section = Section("fanout", f"broadcast to {many:,} clients", "copy")
    section.rows = [Row("udpsrv", base="bare sendmmsg"), Row("bare sendmmsg")]
    lost_before = _kernel_drops()

    def measure(pid, act):
        with bench.meter.over(pid) as taken:
            act()
        return per(taken, many)

    with start_ours(bench, f"[clients]\nmax = {many}\nttl = 1h\n") as ours, \
            senders.Crowd(bench, ours, many) as crowd, \
            Sendmmsg(bench, crowd.port, many) as bare:
        def broadcast():
            check_report(ours.control("broadcast", "news"), many)
        for warm_up in (broadcast, bare.send):
            warm_up()
        bench.interleave(section, [("udpsrv", lambda: measure(ours.pid, broadcast)),
                                   ("bare sendmmsg", lambda: measure(bare.pid, bare.send))])
        heard = crowd.leave()
        ends_with(ours, many)
    check_heard(heard, 2 * many * (1 + bench.rounds), lost_before)
    _grind_copies(bench, section)
    section.figures = [ratio_figure(section, "a copy: instructions", "udpsrv", 1.05)]
    return section


def _grind_copies(bench, section):
    """User space of a copy: runs under valgrind that differ in the broadcasts alone."""
    clients = bench.sizes.grind[0]

    def drive(server, broadcasts):
        with server, senders.Crowd(bench, server, clients) as crowd:
            for _ in range(broadcasts):
                check_report(server.control("broadcast", "news"), clients)
            crowd.leave()
            ends_with(server, clients)

    if bench.valgrind:
        bench.say("user space of a copy")
        row = section.row("udpsrv")
        cost, row.top = bench.grind(lambda wrap: start_ours(bench, wrap=wrap), drive, (1, 2),
                                    clients)
        row.add({"grind_instructions": cost})


# ---- Requests meanwhile ----

def paced(bench, server, path):
    """udpload at a steady rate for a spell, that tells a copy from an answer."""
    sizes = bench.sizes
    return Child(bench, senders.udpload_argv(
        bench, server, path, "-Q", sizes.rate, "-l", sizes.spell_s, "-c", 2 * sizes.rate, "-t",
        "2s", "-S", "1s", "--expect", "audi,toyota,bmw"), bench.sender_cpu)


def felt(report):
    """What the clients felt: microseconds, and requests that got no answer."""
    if report["sent"] != report["replied"] + report["wrong"] + report["lost"]:
        raise Broken(f"the report of udpload doesn't add up: {report}")
    worst = max((i["p99"] for i in report["intervals"] if i.get("p99") is not None), default=0)
    return {"p99 µs": report["latency"]["corrected"]["p99"], "worst second's p99 µs": worst,
            "p99 of the sender's own lag µs": report["lag"]["p99"],
            "lost": report["lost"], "own drops": report["own_drops"]}


def added_p99(section, name, base):
    """How much later the 99th percentile is, in the worst second of each."""
    return difference_figure(section.row(name), section.row(base), "worst second's p99 µs",
                             f"{name}: p99 added, worst second", 1000, "µs")


def storm_rounds(bench):
    """These take long, and each tells the worst of many seconds."""
    return min(bench.rounds, 3)


def broadcast(bench):
    """A million copies while requests go on."""
    sizes = bench.sizes
    section = Section("broadcast", f"broadcast to {sizes.many:,} during {sizes.rate:,} requests/s")
    section.rows = [Row("without a broadcast"), Row("with a broadcast")]

    def ask(server, sends):
        path = bench.path("json")
        with paced(bench, server, path) as load:
            if sends:
                await_requests(server, sizes.rate)
                report = server.control("broadcast", "news")
                if report["sent"] + report["failed"] + report["skipped"] != report["targets"] \
                        or report["targets"] < sizes.many:
                    raise Broken(f"the broadcast came out as {report}")
            load.finish((0, 3))
        numbers = felt(senders.read_report(path))
        return numbers | ({"broadcast ms": report["duration_ms"]} if sends else {})

    config = f"[clients]\nmax = {sizes.many + 2 * sizes.rate * 10}\nttl = 1h\n"
    with start_ours(bench, config) as ours, senders.Crowd(bench, ours, sizes.many) as crowd:
        bench.interleave(section, [("without a broadcast", lambda: ask(ours, False)),
                                   ("with a broadcast", lambda: ask(ours, True))],
                         storm_rounds(bench))
        crowd.leave()
        ours.finish()
    lost = section.row("with a broadcast").samples["lost"]
    section.figures = [Figure("requests lost during a broadcast", max(lost), 0),
                       added_p99(section, "with a broadcast", "without a broadcast")]
    section.notes.append(f"{storm_rounds(bench)} rounds. The crowd that hears the copies has the "
                         "lowest priority on the sender's processor.")
    return section


def await_requests(server, count):
    """Until so many more have come."""
    before = server.control("stats")["received"]
    until("requests to arrive", lambda: server.control("stats")["received"] >= before + count)
