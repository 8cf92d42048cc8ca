#!/usr/bin/env -S python3 -B
"""Measures udpsrv and udpload and compares them with bare loops and other services. The server runs
on one processor and the sender on another, in interleaved rounds. `make bench` builds what it
needs. It fails if a program fails or counts do not add up, never because something is slow."""

import argparse
import os
import signal
import sys

import broadcasts
import confirmations
import many_clients
import messages
import offload
import registry
import replies
import report
import restarts
import scrapes
import sender_cost
import upgrades
from processes import MeasurementError
from environment import SMOKE, Bench, Sizes

SCENARIOS = {
    "reply": replies.reply,
    "million": replies.million,
    "fanout": broadcasts.fanout,
    "broadcast": broadcasts.broadcast,
    "confirm": confirmations.confirm,
    "expiry": many_clients.expiry,
    "idle": many_clients.idle,
    "registry": registry.registry,
    "sender": sender_cost.sender,
    "listen": messages.listen,
    "gateway": messages.gateway,
    "state": restarts.state,
    "upgrade": upgrades.upgrade,
    "scrape": scrapes.scrape,
    "offload": offload.offload,
    "offload-copies": offload.offload_copies,
    "workers": replies.workers,
    "admission": replies.admission,
    "peers": replies.compare,
    "memory": many_clients.memory,
    "memory6": many_clients.memory6,
}


def arguments(words):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenario", nargs="*", help=f"of {', '.join(SCENARIOS)}; all by default")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is measured (5)")
    parser.add_argument("--build", default=os.environ.get("UDPSRV_BUILD", "build"),
                        help="directory of the programs")
    parser.add_argument("--out", help="directory of bench.json and bench.md (the same)")
    parser.add_argument("--no-valgrind", action="store_true",
                        help="do not count user instructions by valgrind")
    parser.add_argument("--smoke", action="store_true", help="few requests: test only that it runs")
    chosen = parser.parse_args(words)
    unknown = [name for name in chosen.scenario if name not in SCENARIOS]
    if unknown:
        parser.error(f"there is no scenario {unknown[0]!r}; there are {', '.join(SCENARIOS)}")
    if chosen.rounds < 1:
        parser.error("--rounds must be at least 1")
    return chosen


def measure(bench, names, show):
    """Runs the scenarios and shows each one as soon as it is done."""
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


def on_signal(number, _frame):
    sys.exit(128 + number)


def main(words):
    chosen = arguments(words)
    signal.signal(signal.SIGTERM, on_signal)
    sizes = SMOKE if chosen.smoke else Sizes()
    out = chosen.out or chosen.build
    os.makedirs(out, exist_ok=True)
    try:
        with Bench(os.path.abspath(chosen.build), chosen.rounds, sizes) as bench:
            bench.valgrind &= not chosen.no_valgrind
            print(f"Servers run on processor {bench.server_cpu}, senders on "
                  f"{bench.sender_cpu}; {bench.meter.name}.\n")
            sections = measure(bench, chosen.scenario or list(SCENARIOS),
                               lambda section: print(report.as_text(section) + "\n", flush=True))
            host = bench.host()
    except MeasurementError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    write(out, "bench.json", report.as_json(sections, host))
    write(out, "bench.md", report.as_markdown(sections, host))
    print(f"All results are in {out}/bench.json and {out}/bench.md.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
