"""Processes of a measurement: pinned to a processor, waited for by what they say, ended for sure."""

import os
import selectors
import signal
import subprocess
import time

# A process that says nothing for so long will say nothing any more. Nothing is decided by it but
# that something is broken.
PATIENCE_S = 1800


class Broken(Exception):
    """A program failed, or counts don't add up: the measurement is worth nothing."""


def prefix(cpus, namespace=None):
    """A command to go before another, which ends with us whatever happens."""
    words = ["setpriv", "--pdeathsig", "TERM"]
    if cpus is not None:
        words += ["taskset", "-c", cpus]
    if namespace is not None:
        words += ["nsenter", f"--net=/proc/{namespace}/ns/net"]
    return words


class Child:
    """A process of ours. Its standard output is read line by line; its errors go to a file."""

    def __init__(self, bench, argv, cpus=None, namespace=None, wrap=()):
        self.argv = list(wrap) + [str(word) for word in argv]
        self.log = bench.path("err")
        self.stopped = False
        bench.commands.append(" ".join(self.argv))
        with open(self.log, "wb") as errors:
            # A session of its own: Ctrl-C is for us, and we end it in order.
            self.process = subprocess.Popen(
                prefix(cpus, namespace) + self.argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=errors, start_new_session=True)
        self.pid = self.process.pid
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
            selector.register(self.process.stdout, selectors.EVENT_READ)
            if not selector.select(PATIENCE_S):
                raise Broken(f"{self.argv[0]} says nothing: {' '.join(self.argv)}")
        return os.read(self.process.stdout.fileno(), 65536)

    def line(self):
        """The next line that it prints."""
        while b"\n" not in self.rest:
            more = self._read()
            if not more:
                raise Broken(f"{' '.join(self.argv)} ended early: {self.errors()}")
            self.rest += more
        line, self.rest = self.rest.split(b"\n", 1)
        return line.decode(errors="replace")

    def say(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def finish(self, statuses=(0,)):
        """Reads what it still prints, until it ends by itself. Returns that and its usage."""
        while more := self._read():
            self.rest += more
        _, status, usage = os.wait4(self.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        self.stopped = True
        self._close()
        if self.process.returncode not in statuses:
            raise Broken(f"{' '.join(self.argv)} ended with {self.process.returncode}: "
                         f"{self.errors()}")
        return self.rest.decode(errors="replace"), usage

    def stop(self, statuses=(0,)):
        """SIGTERM, and its last words."""
        os.kill(self.pid, signal.SIGTERM)
        return self.finish(statuses)[0]

    def _close(self):
        for stream in (self.process.stdin, self.process.stdout):
            try:
                stream.close()
            except BrokenPipeError:
                pass

    def end(self):
        """For sure, and in whatever state."""
        if self.stopped:
            return
        self.stopped = True
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._close()


def run(bench, argv, cpus=None, namespace=None, statuses=(0,), wrap=()):
    """Runs a program to its end. Returns what it printed and its usage of the machine."""
    with Child(bench, argv, cpus, namespace, wrap) as child:
        child.process.stdin.close()
        return child.finish(statuses)


def until(what, condition, patience_s=60):
    """Asks again until something is the case."""
    deadline = time.monotonic() + patience_s
    while not (answer := condition()):
        if time.monotonic() > deadline:
            raise Broken(f"waited in vain for {what}")
        time.sleep(0.02)
    return answer
