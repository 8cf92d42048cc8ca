"""One run of a scenario with at most one planned fault (or two, of which the second is in the handling of the first)."""

import os
import shutil
import signal
import sys
import tempfile
import time

import world

START_S, STOP_S = 4.0, 4.0 # far above what a run without faults takes
ENVIRONMENT = {
    "PATH": os.environ.get("PATH", "/usr/bin:/bin"), "TERM": "xterm", "LANG": "C.UTF-8",
    # Status 97 and 98 are no status of the programs.
    "ASAN_OPTIONS": "exitcode=97:allocator_may_return_null=1:handle_segv=1:use_sigaltstack=0",
    "UBSAN_OPTIONS": "print_stacktrace=1:exitcode=98:halt_on_error=1",
    "LSAN_OPTIONS": "exitcode=97",
}


class Skipped(Exception):
    """The host cannot run the scenario: why."""


class Run:
    """The programs of a run, and what the scenario found missing."""

    def __init__(self, programs, plan):
        self.programs, self.plan = programs, plan
        self.folder = tempfile.mkdtemp(prefix="udpsrv-faults-", dir="/tmp") # which is that of this process
        os.chmod(self.folder, 0o755)
        self.socket = os.path.join(self.folder, "sock")
        self.counts_path = self.path("counts")
        self.counts = world.Counts(self.counts_path)
        self.targets, self.helpers, self.clients = [], [], []
        self.lost, self.unbalanced = [], []
        self.evidence = ""      # counters that say that something was lost

    def environment(self, is_target):
        own = dict(ENVIRONMENT, HOME=self.folder)
        if is_target:
            own["FAULTS_COUNTS"] = self.counts_path
            if self.plan:
                own["FAULTS_PLAN"] = self.plan
            own["MISTAKE"] = os.environ.get("MISTAKE", "") # of the self-test
        else:
            own["ASAN_OPTIONS"] += ":detect_leaks=0"
        return own

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name) + ".new", "w", encoding="utf-8") as file:
            file.write(text)
        os.rename(self.path(name) + ".new", self.path(name))
        return self.path(name)

    def start(self, name, *arguments, **how):
        """Starts the program under test: one that may get the fault; by path, from the folder of the run, if that is given."""
        program = world.Program([how.pop("path", os.path.join(self.programs, name)), *arguments],
                                dict(self.environment(True), **how.pop("env", {})), self.folder, **how)
        self.targets.append(program)
        program.expected = ()
        return program

    def server(self, config=None, *arguments):
        """Starts a server without faults, for the other programs. Returns it."""
        arguments = ["-s", self.socket, *arguments]
        if config is not None:
            arguments += ["-c", self.write("udpsrv.conf", config)]
        server = world.Program([os.path.join(self.programs, "udpsrv"), *arguments], self.environment(False), self.folder)
        self.helpers.append(server)
        if not server.wait_for(b"ready", 20):
            raise RuntimeError(f"the server of the scenario did not start: {server.errors.decode(errors='replace')}")
        return server

    def finish(self, program, *texts, statuses=(0,), within_s=STOP_S):
        """Waits for the end; if it ends with success, its output must contain texts."""
        program.expected = statuses
        program.wait(within_s)
        if program.status in statuses:
            for text in texts:
                if text not in program.output:
                    self.lost.append(f"{program.name} ended with status {program.status}, but its output lacks {text!r}")
        return program

    def client(self, client):
        if client is not None:
            self.clients.append(client)
        return client

    def close(self):
        for client in self.clients:
            client.close()
        for program in self.targets + self.helpers:
            if not program.ended():
                program.signal(signal.SIGKILL)
            program.wait(5)
            world.end_group(program.process.pid)
        shutil.rmtree(self.folder, ignore_errors=True)


def result_of(run, seconds, failure, skipped):
    """What the judgement and the report need, as plain data."""
    return {
        "programs": [{"name": p.name, "status": p.status, "killed": p.killed, "cpu_s": p.cpu_s, "expected": list(p.expected),
                      "output": p.output.decode(errors="replace"), "errors": p.errors.decode(errors="replace")} for p in run.targets],
        "lost": run.lost, "unbalanced": run.unbalanced, "evidence": run.evidence, "counts": run.counts.read(), "seconds": seconds,
        "failure": failure, "skipped": skipped,
    }


def run_scenario(scenario, programs, plan):
    """Runs a scenario and returns its result."""
    run, start, failure, skipped = Run(programs, plan), time.monotonic(), "", ""
    try:
        scenario(run)
    except Skipped as reason:
        skipped = str(reason)
    except Exception as error: # a mistake of the scenario or a helper that failed: the run says nothing about the product
        failure = f"{type(error).__name__}: {error} (line {sys.exc_info()[2].tb_next.tb_lineno if sys.exc_info()[2].tb_next else 0})"
    run.close()
    return result_of(run, time.monotonic() - start, failure, skipped)
