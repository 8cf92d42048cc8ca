"""Measures the cost of a process: by the processor's counters if they can be read, else by CPU
time."""

import os
import shutil
import signal
import subprocess
from contextlib import contextmanager

import parsers
from processes import MeasurementError

EVENTS = {"instructions": "instructions", "instructions:u": "user_instructions",
          "cycles": "cycles"}


def cpu_ns(pid):
    """Returns the CPU time of all current threads of a process."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as stat:
            total += parsers.schedstat(stat.read())
    return total


def status(pid, name):
    with open(f"/proc/{pid}/status", encoding="utf-8") as text:
        return parsers.status_field(text.read(), name)


class TimeMeter:
    """CPU time only."""

    name = "CPU time in ns by schedstat, as this machine has no counters of instructions"

    @contextmanager
    def over(self, pid):
        """Yields a dictionary and fills it, at the end of the context, with the cost of the
        process."""
        taken = {}
        before = cpu_ns(pid)
        yield taken
        taken["cpu_ns"] = cpu_ns(pid) - before


class PerfMeter(TimeMeter):
    """CPU time, and the processor's counters by `perf stat -p`."""

    name = "instructions and cycles by perf stat, CPU time by schedstat"

    def __init__(self, scratch, events=None):
        self.scratch, self.events = scratch, events or EVENTS

    @staticmethod
    def _command(control, answers, command):
        os.write(control, command + b"\n")
        if b"ack" not in os.read(answers, 64):
            raise MeasurementError(f"perf does not accept the command {command!r}")

    @contextmanager
    def over(self, pid):
        path = os.path.join(self.scratch, "perf.out")
        commands, control = os.pipe()
        answers, reply = os.pipe()
        perf = subprocess.Popen(
            ["perf", "stat", "-x,", "-o", path, "-e", ",".join(self.events), "-p", str(pid),
             "-D", "-1", "--control", f"fd:{commands},{reply}"],
            pass_fds=(commands, reply), stderr=subprocess.DEVNULL, start_new_session=True)
        try:
            self._command(control, answers, b"enable")
            with super().over(pid) as taken:
                yield taken
            self._command(control, answers, b"disable")
            perf.send_signal(signal.SIGINT)
            perf.wait(30)
        finally:
            if perf.poll() is None:
                perf.kill()
                perf.wait()
            for end in (commands, control, answers, reply):
                os.close(end)
        with open(path, encoding="utf-8") as text:
            counted = parsers.perf_stat(text.read())
        taken.update({self.events[name]: counted[name] for name in self.events if name in counted})


def has_counters():
    """Returns whether perf is installed and can count instructions."""
    if not shutil.which("perf"):
        return False
    found = subprocess.run(["perf", "stat", "-x,", "-e", "instructions,instructions:u,cycles",
                            "true"], capture_output=True, text=True, check=False)
    return "instructions" in parsers.perf_stat(found.stderr)


def choose(scratch):
    return PerfMeter(scratch) if has_counters() else TimeMeter()
