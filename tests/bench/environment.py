"""What all scenarios share: the paths of the programs, the processors, and the number of
requests."""

import contextlib
import glob
import os
import platform
import shutil
import signal
import socket
import sys
import tempfile
import time
from dataclasses import dataclass

import processes
import meters
import parsers


@dataclass
class Sizes:
    """Numbers of clients and requests; those of a smoke test are small."""

    clients: int = 10_000
    warm: int = 50_000         # requests of the warm-up, not counted
    requests: int = 200_000    # of a round
    many: int = 1_000_000
    huge: int = 10_000_000
    callgrind_requests: tuple = (20_000, 120_000)  # of the short and the long run
    rate: int = 20_000         # requests a second during a broadcast or an expiry
    listen_rate: int = 50_000  # requests a second, of which a subscriber gets each one
    echo_rate: int = 2000      # requests a second that a program answers
    asking_rate: int = 500     # requests a second of registered clients during a flood
    confirming: int = 100_000  # clients that confirm, while datagrams are lost
    confirm_rate: int = 100_000  # copies a second, so that their receiver loses none
    load_s: int = 10           # the duration of these loads
    idle_s: int = 10           # how long an idle server is watched
    sweeps: bool = True        # whether to wait for the sweeps of all `huge` clients


SMOKE = Sizes(clients=50, warm=200, requests=1000, many=500, huge=1000,
              callgrind_requests=(200, 700), rate=200, listen_rate=500, echo_rate=100, asking_rate=50,
              confirming=10, load_s=2, idle_s=2, sweeps=False)


def _end_children():
    """Ends the children that are left: a signal may come when one was just started, before anything ends it."""
    for name in glob.glob("/proc/self/task/*/children"):
        with open(name, encoding="ascii") as children:
            for pid in map(int, children.read().split()):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)


class Bench:
    """The environment of the scenarios. It removes all files that it creates."""

    def __init__(self, build, rounds, sizes):
        self.build, self.rounds, self.sizes = build, rounds, sizes
        cpus = sorted(os.sched_getaffinity(0))
        # The lowest processor handles most interrupts: the sender runs there.
        self.sender_cpu, self.server_cpu = str(cpus[0]), str(cpus[-1])
        self.cpus = cpus
        self.scratch = tempfile.mkdtemp(prefix="udpsrv-bench-")
        self.files = 0
        self.port_holder, self.port = _reserve_port()
        self.commands = []
        self.meter = meters.choose(self.scratch)
        self.valgrind = shutil.which("valgrind") is not None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        _end_children()
        self.port_holder.close()
        shutil.rmtree(self.scratch, ignore_errors=True)

    def program(self, name):
        return os.path.join(self.build, name)

    def path(self, kind):
        """Returns the name of a new file."""
        self.files += 1
        return os.path.join(self.scratch, f"{self.files}.{kind}")

    def directory(self):
        path = self.path("d")
        os.mkdir(path)
        return path

    def log(self, text):
        print(text, file=sys.stderr, flush=True)

    def interleave(self, section, contenders, rounds=None):
        """Measures each contender (row name, function that returns numbers) once a round. Each
        round starts with another contender."""
        rounds = rounds or self.rounds
        for turn in range(rounds):
            self.log(f"{section.key}: round {turn + 1} of {rounds}")
            first = turn % len(contenders)
            for name, measure in contenders[first:] + contenders[:first]:
                section.row(name).add(measure())

    def callgrind_cost(self, start, drive, lengths, datagrams):
        """Returns the user instructions per datagram and the functions that take most of them, from
        a short and a long run under callgrind, which differ by that number of datagrams.
        start(wrap) starts a server, drive(server, length) sends and stops it."""
        results = []
        for length in lengths:
            path = self.path("callgrind")
            wrap = ["valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={path}"]
            drive(start(wrap), length)
            results.append(self._read_callgrind(path))
        return parsers.callgrind_growth(*results, datagrams)

    @staticmethod
    def _read_callgrind(path):
        # A forked process has its own file; the largest total is that of the server.
        parts = [parsers.callgrind(open(name, encoding="utf-8", errors="replace").read())
                 for name in glob.glob(glob.escape(path) + "*")]
        if not parts:
            raise processes.MeasurementError("valgrind wrote no profile")
        return max(parts, key=lambda part: part[0])

    @staticmethod
    def disturbed(load):
        """Returns a note if other programs used the processors when a scenario began. The scenario
        before it leaves a load average of up to two, by the sender and the server."""
        if load <= 2.5:
            return []
        return [f"Other programs used the processors: the load average was {load:.1f} before."]

    def host(self):
        """Describes the machine and the settings that the numbers depend on."""
        return {
            "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
            "cpu": _cpu_model(), "cpus": len(self.cpus), "kernel": platform.release(),
            "load": os.getloadavg()[0], "meter": self.meter.name, "rounds": self.rounds,
            "server_cpu": self.server_cpu, "sender_cpu": self.sender_cpu,
            "valgrind": self.valgrind,
        }


def _reserve_port():
    """Returns (TCP socket, port): a source port for clients, so that they stay the same ones. It is
    above the range that the kernel assigns (net.ipv4.ip_local_port_range ends at 60999 by default).
    The TCP socket reserves it, so that a second bench takes another port."""
    for port in range(61001, 65536):
        holder = socket.socket()
        with contextlib.closing(socket.socket(type=socket.SOCK_DGRAM)) as udp:
            try:
                holder.bind(("0.0.0.0", port))
                udp.bind(("0.0.0.0", port))
                return holder, port
            except OSError:
                holder.close()
    raise processes.MeasurementError("no port above 61000 is free")


def _cpu_model():
    with open("/proc/cpuinfo", encoding="utf-8") as info:
        for line in info:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.machine()
