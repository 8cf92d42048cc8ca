"""Starts the processes of a measurement on a processor, reads their output, and always ends
them."""

import os
import selectors
import signal
import subprocess
import time

# A process that prints nothing for so long has failed. No result depends on this timeout.
TIMEOUT_S = 1800


class MeasurementError(Exception):
    """A program failed, or counts do not add up, so that the measurement is invalid."""


def prefix(cpus, namespace=None):
    """Returns the words to put before a command: it ends when this process ends, and runs on those
    processors and in that network namespace."""
    words = ["setpriv", "--pdeathsig", "TERM"]
    if cpus is not None:
        words += ["taskset", "-c", cpus]
    if namespace is not None:
        words += ["nsenter", f"--net=/proc/{namespace}/ns/net"]
    return words


class Process:
    """A child process. Its standard output is read line by line; standard error goes to a file."""

    def __init__(self, bench, argv, cpus=None, namespace=None, wrap=()):
        self.argv = list(wrap) + [str(word) for word in argv]
        self.log = bench.path("err")
        self.stopped = False
        bench.commands.append(" ".join(self.argv))
        with open(self.log, "wb") as errors:
            # In its own session, so that Ctrl-C reaches only this process, which ends the child.
            self.popen = subprocess.Popen(
                prefix(cpus, namespace) + self.argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=errors, start_new_session=True)
        self.pid = self.popen.pid
        self.rest = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def errors(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read().strip()[-2000:]

    def _read(self):
        with selectors.DefaultSelector() as selector:
            selector.register(self.popen.stdout, selectors.EVENT_READ)
            if not selector.select(TIMEOUT_S):
                raise MeasurementError(f"{self.argv[0]} prints nothing: {' '.join(self.argv)}")
        return os.read(self.popen.stdout.fileno(), 65536)

    def line(self):
        """Returns the next line that it prints."""
        while b"\n" not in self.rest:
            more = self._read()
            if not more:
                raise MeasurementError(f"{' '.join(self.argv)} ended early: {self.errors()}")
            self.rest += more
        line, self.rest = self.rest.split(b"\n", 1)
        return line.decode(errors="replace")

    def write(self, text):
        self.popen.stdin.write(text.encode())
        self.popen.stdin.flush()

    def finish(self, statuses=(0,)):
        """Waits until it ends by itself. Returns the rest of its output and its resource usage."""
        while more := self._read():
            self.rest += more
        _, status, usage = os.wait4(self.pid, 0)
        self.popen.returncode = os.waitstatus_to_exitcode(status)
        self.stopped = True
        self._close()
        if self.popen.returncode not in statuses:
            raise MeasurementError(f"{' '.join(self.argv)} ended with {self.popen.returncode}: "
                         f"{self.errors()}")
        return self.rest.decode(errors="replace"), usage

    def stop(self, statuses=(0,)):
        """Sends SIGTERM. Returns the rest of its output."""
        os.kill(self.pid, signal.SIGTERM)
        return self.finish(statuses)[0]

    def _close(self):
        for stream in (self.popen.stdin, self.popen.stdout):
            try:
                stream.close()
            except BrokenPipeError:
                pass

    def end(self):
        """Ends the process in any state."""
        if self.stopped:
            return
        self.stopped = True
        self.popen.terminate()
        try:
            self.popen.wait(5)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
        self._close()


def run(bench, argv, cpus=None, namespace=None, statuses=(0,), wrap=()):
    """Runs a program to its end. Returns its output and its resource usage."""
    with Process(bench, argv, cpus, namespace, wrap) as process:
        process.popen.stdin.close()
        return process.finish(statuses)


def wait_until(what, condition, timeout_s=60):
    """Polls until the condition returns a true value, and returns that."""
    deadline = time.monotonic() + timeout_s
    while not (answer := condition()):
        if time.monotonic() > deadline:
            raise MeasurementError(f"timeout while waiting for {what}")
        time.sleep(0.02)
    return answer
