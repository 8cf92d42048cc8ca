#!/usr/bin/env -S python3 -B
"""Measures udpsrv and udpload beside bare loops and peers, each server on one processor and who
asks it on another, in interleaved rounds. `make bench` builds what it needs. It fails if something is
broken (a program, a count that doesn't add up), and never for being slow."""

import argparse
import os
import signal
import sys

import copies
import crowds
import registry
import replies
import report
import sending
from children import Broken
from workbench import SMOKE, Bench, Sizes

SCENARIOS = {
    "reply": replies.reply,
    "million": replies.million,
    "fanout": copies.fanout,
    "broadcast": copies.broadcast,
    "expiry": crowds.expiry,
    "idle": crowds.idle,
    "registry": registry.registry,
    "sender": sending.sender,
    "workers": replies.workers,
    "admission": replies.admission,
    "peers": replies.compare,
    "memory": crowds.memory,
    "memory6": crowds.memory6,
}


def arguments(words):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenario", nargs="*", help=f"of {', '.join(SCENARIOS)}; all by default")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is measured (5)")
    parser.add_argument("--build", default=os.environ.get("UDPSRV_BUILD", "build"),
                        help="where the programs are")
    parser.add_argument("--out", help="where bench.json and bench.md go (the same)")
    parser.add_argument("--no-valgrind", action="store_true",
                        help="count no user instructions by valgrind")
    parser.add_argument("--smoke", action="store_true", help="few requests: only whether it runs")
    chosen = parser.parse_args(words)
    unknown = [name for name in chosen.scenario if name not in SCENARIOS]
    if unknown:
        parser.error(f"there is no scenario {unknown[0]!r}; there are {', '.join(SCENARIOS)}")
    if chosen.rounds < 1:
        parser.error("there is at least one round")
    return chosen


def measure(bench, names, show):
    """All scenarios; each is shown as soon as it is done."""
    sections = []
    for name in names:
        bench.commands = []
        load = os.getloadavg()[0]
        section = SCENARIOS[name](bench)
        section.notes += bench.disturbed(load)
        section.commands = sorted(set(bench.commands))
        show(section)
        sections.append(section)
    return sections


def write(directory, name, text):
    with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
        file.write(text)


def end(number, _frame):
    sys.exit(128 + number)


def main(words):
    chosen = arguments(words)
    signal.signal(signal.SIGTERM, end)
    sizes = SMOKE if chosen.smoke else Sizes()
    out = chosen.out or chosen.build
    os.makedirs(out, exist_ok=True)
    try:
        with Bench(os.path.abspath(chosen.build), chosen.rounds, sizes) as bench:
            bench.valgrind &= not chosen.no_valgrind
            print(f"Each server on processor {bench.server_cpu}, who asks it on "
                  f"{bench.sender_cpu}; {bench.meter.name}.\n")
            sections = measure(bench, chosen.scenario or list(SCENARIOS),
                               lambda section: print(report.as_text(section) + "\n", flush=True))
            host = bench.host()
    except Broken as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    write(out, "bench.json", report.as_json(sections, host))
    write(out, "bench.md", report.as_markdown(sections, host))
    print(f"{out}/bench.json and {out}/bench.md have it all.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
