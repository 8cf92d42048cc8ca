"""The registry without the kernel: the cost of each operation on a client, in one process, for
different numbers of clients."""

import parsers
from processes import run
from results import Row, Section

PHASES = {
    "join": "join ns",          # a new client
    "renew": "renew ns",        # another datagram of a known client
    "refuse": "refuse ns",      # an unknown client when the registry is full
    "check": "check ns",        # a sweep visits a client that does not expire
    "list": "list ns",          # a client of a listing or a broadcast
    "expire": "expire ns",      # clients that expire one after the other
    "rejoin": "rejoin ns",      # a new client after others have expired
    "storm": "storm ns",        # all clients expire in one tick
    "bytes": "bytes",
}
HUGE_ROUNDS = 3  # because they take long


def _argv(bench, count, options):
    return [bench.program("bench/registry"), *options, count]


def _measure(bench, count, options):
    out, _ = run(bench, _argv(bench, count, options), bench.server_cpu)
    return {PHASES[name]: number / count for name, number in parsers.words(out).items()}


def _callgrind(bench, count):
    """Returns the same columns in user instructions."""
    path = bench.path("callgrind")
    run(bench, ["valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={path}"]
        + _argv(bench, count, ()), bench.server_cpu)
    with open(path, encoding="utf-8", errors="replace") as text:
        costs = parsers.callgrind_inclusive(text.read(), "phase_")
    return {PHASES[name.removeprefix("phase_")]: cost / count for name, cost in costs.items()}


def registry(bench):
    """The registry from thousands to millions of clients."""
    sizes = bench.sizes
    section = Section("registry", "the registry by itself, a client")
    smaller = [(f"{sizes.clients:,}", sizes.clients, ()), (f"{sizes.many:,}", sizes.many, ()),
              (f"{sizes.many:,}, IPv6", sizes.many, ("-6",)),
              (f"{sizes.many:,}, one at a time", sizes.many, ("-b", 1))]
    huge = [(f"{sizes.huge:,}", sizes.huge, ())]
    section.rows = [Row(name) for name, _, _ in smaller + huge]
    for some, rounds in ((smaller, bench.rounds), (huge, min(bench.rounds, HUGE_ROUNDS))):
        bench.interleave(section, [(name, lambda c=count, o=options: _measure(bench, c, o))
                                   for name, count, options in some], rounds)
    if bench.valgrind:
        row = Row(f"{sizes.clients:,}, user instructions (callgrind)")
        row.add(_callgrind(bench, sizes.clients))
        section.rows.append(row)
    return section
