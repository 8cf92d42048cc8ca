"""The cost of sending a request: udpload compared with bare senders and dnsperf, with a bare
server."""

import shutil

import parsers
import senders
from processes import run
from results import Figure, Row, Section, ratio, ratio_figure
from servers import start_bare

BARE, CONNECTED = "bare sender, many sources", "bare sender, connected"


class Sender:
    """A program that sends: drive(bench, server, requests) runs it and returns its processor time
    in seconds, including its start."""

    def __init__(self, name, drive, base=""):
        self.name, self.drive, self.base = name, drive, base


def _udpload(bench, server, requests):
    return senders.udpload(bench, server, requests, bench.sizes.clients, usage=True)[1]


def _bare(bench, server, requests):
    return senders.bare(bench, server, requests, bench.sizes.clients)


def _connected(bench, server, requests):
    return senders.bare(bench, server, requests, name="bare_connected")


def _per_request(bench, server, sender):
    """Returns the cost of a request, without the start: from the difference between a long and a short run."""
    short, long = bench.sizes.warm, bench.sizes.warm + bench.sizes.requests
    sender.drive(bench, server, short)  # the warm-up
    less = sender.drive(bench, server, short)
    more = sender.drive(bench, server, long)
    return {"cpu_ns": (more - less) * 1e9 / (long - short)}


def _callgrind(bench, row, argv):
    """Counts the user instructions of a sender; argv(requests) is its command line."""
    results = []
    for count in bench.sizes.callgrind_requests:
        path = bench.path("callgrind")
        run(bench, ["valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={path}"]
            + argv(count), bench.sender_cpu, statuses=(0, 3))
        with open(path, encoding="utf-8", errors="replace") as text:
            results.append(parsers.callgrind(text.read()))
    count = bench.sizes.callgrind_requests[1] - bench.sizes.callgrind_requests[0]
    cost, row.top = parsers.callgrind_growth(*results, count)
    row.add({"grind_instructions": cost})


def _callgrind_all(bench, section, server):
    clients = min(bench.sizes.clients, bench.sizes.callgrind_requests[0])
    bench.log("sender: user space of each")
    _callgrind(bench, section.row("udpload"), lambda count: senders.udpload_argv(
        bench, server, bench.path("json"), "-Q", "max", "-q", senders.OUTSTANDING, "-n", count,
        "-c", clients, "-t", "5s"))
    for row, program in ((BARE, "bare_sources"), (CONNECTED, "bare_connected")):
        _callgrind(bench, section.row(row), lambda count, name=program: senders.bare_argv(
            bench, name, count, clients) + [server.address])


def sender(bench):
    """The cost of a request for udpload at full speed."""
    section = Section("sender", "sending, 256 unanswered at a time", "request and reply")
    # All use a bare server; dnsperf needs one that answers in DNS.
    programs = [Sender("udpload", _udpload, BARE), Sender(BARE, _bare),
            Sender(CONNECTED, _connected, BARE)]
    if shutil.which("dnsperf"):
        programs.append(Sender("dnsperf", senders.dnsperf, BARE))
    else:
        section.notes.append("dnsperf is not installed (make deps-bench).")
    section.rows = [Row(program.name, base=program.base) for program in programs]
    with start_bare(bench, "bare_mmsg") as bare, start_bare(bench, "bare_dns") as dns:
        bench.interleave(section, [
            (program.name,
             lambda p=program: _per_request(bench, dns if p.name == "dnsperf" else bare, p))
            for program in programs])
        if bench.valgrind:
            _callgrind_all(bench, section, bare)
    section.figures = [ratio_figure(section, "udpload: instructions", "udpload", 1.10)]
    if section.row("dnsperf"):
        section.figures.append(Figure("udpload beside dnsperf: CPU time", ratio(
            section.row("udpload"), section.row("dnsperf"), "cpu_ns"), 1.0, "×"))
    return section
