"""What all scenarios work with: where the programs are, who runs where, how much is asked."""

import contextlib
import glob
import os
import platform
import shutil
import socket
import sys
import tempfile
import time
from dataclasses import dataclass

import children
import meters
import parsers


@dataclass
class Sizes:
    """How much is asked; the fields of a smoke test are small."""

    clients: int = 10_000
    warm: int = 50_000         # requests before what is counted
    requests: int = 200_000    # of a round
    many: int = 1_000_000
    huge: int = 10_000_000
    grind: tuple = (20_000, 120_000)  # requests under valgrind: less and more
    rate: int = 20_000         # requests a second while something else goes on
    spell_s: int = 10          # how long those go on
    calm_s: int = 10           # how long an idle server is watched
    sweeps: bool = True        # whether to wait for the sweeps of the huge crowd


SMOKE = Sizes(clients=50, warm=200, requests=1000, many=500, huge=1000, grind=(200, 700), rate=200,
              spell_s=2, calm_s=2, sweeps=False)


class Bench:
    """The workbench. It removes all that it makes."""

    def __init__(self, build, rounds, sizes):
        self.build, self.rounds, self.sizes = build, rounds, sizes
        cpus = sorted(os.sched_getaffinity(0))
        # The lowest processor takes most interrupts: that is the sender's share.
        self.sender_cpu, self.server_cpu = str(cpus[0]), str(cpus[-1])
        self.cpus = cpus
        self.scratch = tempfile.mkdtemp(prefix="udpsrv-bench-")
        self.files = 0
        self.claim, self.port = _claim_port()
        self.commands = []
        self.meter = meters.choose(self.scratch)
        self.valgrind = shutil.which("valgrind") is not None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.claim.close()
        shutil.rmtree(self.scratch, ignore_errors=True)

    def program(self, name):
        return os.path.join(self.build, name)

    def path(self, kind):
        """The name of a new file."""
        self.files += 1
        return os.path.join(self.scratch, f"{self.files}.{kind}")

    def directory(self):
        path = self.path("d")
        os.mkdir(path)
        return path

    def say(self, text):
        print(text, file=sys.stderr, flush=True)

    def interleave(self, section, contenders, rounds=None):
        """Measures each contender (row name, function that returns numbers) once a round; each
        round begins with another one."""
        rounds = rounds or self.rounds
        for turn in range(rounds):
            self.say(f"{section.key}: round {turn + 1} of {rounds}")
            first = turn % len(contenders)
            for name, measure in contenders[first:] + contenders[:first]:
                section.row(name).add(measure())

    def grind(self, start, drive, lengths, datagrams):
        """User instructions a datagram, and the functions that take them: two runs under callgrind,
        of different lengths, the second one of so many more datagrams. start(wrap) starts a server,
        drive(server, length) ends it."""
        results = []
        for length in lengths:
            path = self.path("callgrind")
            wrap = ["valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={path}"]
            drive(start(wrap), length)
            results.append(self._callgrind(path))
        return parsers.callgrind_growth(*results, datagrams)

    @staticmethod
    def _callgrind(path):
        # A process that it forks has a file of its own; the greatest is the one that worked.
        parts = [parsers.callgrind(open(name, encoding="utf-8", errors="replace").read())
                 for name in glob.glob(glob.escape(path) + "*")]
        if not parts:
            raise children.Broken("valgrind left no profile")
        return max(parts, key=lambda part: part[0])

    @staticmethod
    def disturbed(load):
        """A note if others wanted the processors when a scenario began. The scenario before it
        leaves up to two: who asks and who answers."""
        if load <= 2.5:
            return []
        return [f"Others used the processors meanwhile: the load average was {load:.1f} before."]

    def host(self):
        """What the numbers depend on."""
        return {
            "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
            "cpu": _cpu_model(), "cpus": len(self.cpus), "kernel": platform.release(),
            "load": os.getloadavg()[0], "meter": self.meter.name, "rounds": self.rounds,
            "server_cpu": self.server_cpu, "sender_cpu": self.sender_cpu,
            "valgrind": self.valgrind,
        }


def _claim_port():
    """A port for the clients that stay the same: none that the kernel would give to others
    (net.ipv4.ip_local_port_range ends at 60999 by default). Returns it behind a TCP socket that
    holds it, so that a second workbench takes another one."""
    for port in range(61001, 65536):
        claim = socket.socket()
        with contextlib.closing(socket.socket(type=socket.SOCK_DGRAM)) as udp:
            try:
                claim.bind(("0.0.0.0", port))
                udp.bind(("0.0.0.0", port))
                return claim, port
            except OSError:
                claim.close()
    raise children.Broken("no port above 61000 is free")


def _cpu_model():
    with open("/proc/cpuinfo", encoding="utf-8") as info:
        for line in info:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.machine()
