"""What sending costs: udpload beside bare loops and dnsperf, towards a bare server."""

import shutil

import parsers
import senders
from children import run
from figures import Figure, Row, Section, ratio, ratio_figure
from servers import start_bare

BARE, CONNECTED = "bare sender, many sources", "bare sender, connected"


class Sender:
    """A way to send: drive(bench, server, requests) sends them and returns the seconds that it took
    of a processor, its start included."""

    def __init__(self, name, drive, base=""):
        self.name, self.drive, self.base = name, drive, base


def _udpload(bench, server, requests):
    return senders.udpload(bench, server, requests, bench.sizes.clients, usage=True)[1]


def _bare(bench, server, requests):
    return senders.bare(bench, server, requests, bench.sizes.clients)


def _connected(bench, server, requests):
    return senders.bare(bench, server, requests, name="bare_connected")


def _per_request(bench, server, sender):
    """Of the requests alone: a long run less a short one, each with the same start."""
    short, long = bench.sizes.warm, bench.sizes.warm + bench.sizes.requests
    sender.drive(bench, server, short)  # the warm-up
    less = sender.drive(bench, server, short)
    more = sender.drive(bench, server, long)
    return {"cpu_ns": (more - less) * 1e9 / (long - short)}


def _grind(bench, row, argv):
    """User space of udpload or a bare sender; argv(requests, clients) is its command line."""
    results = []
    for count in bench.sizes.grind:
        path = bench.path("callgrind")
        run(bench, ["valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={path}"]
            + argv(count), bench.sender_cpu, statuses=(0, 3))
        with open(path, encoding="utf-8", errors="replace") as text:
            results.append(parsers.callgrind(text.read()))
    count = bench.sizes.grind[1] - bench.sizes.grind[0]
    cost, row.top = parsers.callgrind_growth(*results, count)
    row.add({"grind_instructions": cost})


def _grind_all(bench, section, server):
    clients = min(bench.sizes.clients, bench.sizes.grind[0])
    bench.say("sender: user space of each")
    _grind(bench, section.row("udpload"), lambda count: senders.udpload_argv(
        bench, server, bench.path("json"), "-Q", "max", "-q", senders.OUTSTANDING, "-n", count,
        "-c", clients, "-t", "5s"))
    for row, program in ((BARE, "bare_sources"), (CONNECTED, "bare_connected")):
        _grind(bench, section.row(row), lambda count, name=program: senders.bare_argv(
            bench, name, count, clients) + [server.address])


def sender(bench):
    """udpload as fast as it goes."""
    section = Section("sender", "sending, 256 unanswered at a time", "request and reply")
    # What answers is a bare server for all; dnsperf needs an answer that looks like DNS.
    ways = [Sender("udpload", _udpload, BARE), Sender(BARE, _bare),
            Sender(CONNECTED, _connected, BARE)]
    if shutil.which("dnsperf"):
        ways.append(Sender("dnsperf", senders.dnsperf, BARE))
    else:
        section.notes.append("dnsperf isn't installed (make deps-bench).")
    section.rows = [Row(way.name, base=way.base) for way in ways]
    with start_bare(bench, "bare_mmsg") as bare, start_bare(bench, "bare_dns") as dns:
        bench.interleave(section, [
            (way.name, lambda w=way: _per_request(bench, dns if w.name == "dnsperf" else bare, w))
            for way in ways])
        if bench.valgrind:
            _grind_all(bench, section, bare)
    section.figures = [ratio_figure(section, "udpload: instructions", "udpload", 1.10)]
    if section.row("dnsperf"):
        section.figures.append(Figure("udpload beside dnsperf: CPU time", ratio(
            section.row("udpload"), section.row("dnsperf"), "cpu_ns"), 1.0, "×"))
    return section
