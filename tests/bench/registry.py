"""The registry by itself, in one process without a kernel between: what each thing costs that is done
with a client, by how many there are."""

import parsers
from children import run
from figures import Row, Section

PHASES = {
    "join": "join ns",          # a new one
    "renew": "renew ns",        # another datagram of one that is known
    "refuse": "refuse ns",      # one that is not known, when all places are taken
    "look": "look ns",          # a sweep's look at one that lives on
    "list": "list ns",          # one of a listing or a broadcast
    "expire": "expire ns",      # each at a time of its own
    "rejoin": "rejoin ns",      # a new one where others were
    "storm": "storm ns",        # all expire in one tick
    "bytes": "bytes",
}
HUGE_ROUNDS = 3  # they take long


def _argv(bench, count, options):
    return [bench.program("bench/registry"), *options, count]


def _measure(bench, count, options):
    out, _ = run(bench, _argv(bench, count, options), bench.server_cpu)
    return {PHASES[name]: number / count for name, number in parsers.words(out).items()}


def _grind(bench, count):
    """The same columns in user instructions."""
    path = bench.path("callgrind")
    run(bench, ["valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={path}"]
        + _argv(bench, count, ()), bench.server_cpu)
    with open(path, encoding="utf-8", errors="replace") as text:
        costs = parsers.callgrind_inclusive(text.read(), "phase_")
    return {PHASES[name.removeprefix("phase_")]: cost / count for name, cost in costs.items()}


def registry(bench):
    """From thousands to the millions that it is made for."""
    sizes = bench.sizes
    section = Section("registry", "the registry by itself, a client")
    crowds = [(f"{sizes.clients:,}", sizes.clients, ()), (f"{sizes.many:,}", sizes.many, ()),
              (f"{sizes.many:,}, IPv6", sizes.many, ("-6",)),
              (f"{sizes.many:,}, one at a time", sizes.many, ("-b", 1))]
    huge = [(f"{sizes.huge:,}", sizes.huge, ())]
    section.rows = [Row(name) for name, _, _ in crowds + huge]
    for some, rounds in ((crowds, bench.rounds), (huge, min(bench.rounds, HUGE_ROUNDS))):
        bench.interleave(section, [(name, lambda c=count, o=options: _measure(bench, c, o))
                                   for name, count, options in some], rounds)
    if bench.valgrind:
        row = Row(f"{sizes.clients:,}, user instructions (callgrind)")
        row.add(_grind(bench, sizes.clients))
        section.rows.append(row)
    return section
