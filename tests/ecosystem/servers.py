"""The server under test, with metrics, and the tools that ask it."""

import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.request

BUILD = os.path.abspath(os.environ.get("UDPSRV_BUILD", "build"))
START_S, STOP_S, ANSWER_S = 15, 15, 15


def program(name):
    return os.path.join(BUILD, name)


def wait_for(condition, what, within_s=ANSWER_S):
    """Calls a condition of something that announces nothing until it returns something true, and returns that."""
    until = time.monotonic() + within_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > until:
            raise AssertionError(f"in {within_s} s this did not happen: {what}")
        time.sleep(0.05)


class Record:
    """What a thread notes, and others wait for."""

    def __init__(self):
        self.items, self.changed = [], threading.Condition()

    def add(self, item):
        with self.changed:
            self.items.append(item)
            self.changed.notify_all()

    def wait_for(self, condition, what, within_s=ANSWER_S):
        """Waits until a condition of the items is true, and returns its value."""
        with self.changed:
            value = self.changed.wait_for(lambda: condition(self.items), within_s)
            if not value:
                raise AssertionError(f"in {within_s} s this did not happen: {what}; seen: {self.items}")
            return value


class Log(Record):
    """The lines of a pipe."""

    def __init__(self, pipe):
        super().__init__()
        self.pipe = pipe
        self.thread = threading.Thread(target=self.read)
        self.thread.start()

    def read(self):
        for line in self.pipe:
            self.add(line.decode("ascii"))

    def find(self, pattern, what):
        return self.wait_for(lambda lines: re.search(pattern, "".join(lines)), what)

    def close(self):
        """Reads the rest, of a process that has ended."""
        self.thread.join()
        self.pipe.close()


class Server:
    """udpsrv on loopback; {folder} in its configuration is a folder of its own. `port` is that of its UDP listener, `metrics` the URL of its metrics."""

    def __init__(self, config="", metrics_port=0, port=0):
        self.folder = tempfile.TemporaryDirectory(prefix="udpsrv-ecosystem-")
        self.config = config.replace("{folder}", self.folder.name)
        self.port, self.metrics_port = port, metrics_port
        self.start()

    def start(self):
        """Starts it, again at the same ports."""
        path = os.path.join(self.folder.name, "udpsrv.conf")
        with open(path, "w", encoding="ascii") as file:
            file.write(f"[server]\nlisten = 127.0.0.1:{self.port}\n[control]\nsocket = {self.socket}\n"
                       f"[metrics]\nlisten = 127.0.0.1:{self.metrics_port}\n{self.config}")
        self.process = subprocess.Popen([program("udpsrv"), "-c", path], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.log = Log(self.process.stderr)
        line = self.process.stdout.readline().decode()
        if not line.startswith("udpsrv: ready"):
            self.end()
            raise AssertionError("udpsrv does not start: " + "".join(self.log.items))
        self.port = int(re.search(r"127\.0\.0\.1:(\d+)", line).group(1))
        served = self.log.find(r"metrics are served listen=127\.0\.0\.1:(\d+)", "a line of the log with the address of the metrics")
        self.metrics_port = int(served.group(1))
        self.metrics = f"http://127.0.0.1:{self.metrics_port}"

    @property
    def socket(self):
        return os.path.join(self.folder.name, "control")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        if self.process.wait(STOP_S) != 0:
            raise AssertionError(f"udpsrv ended with {self.process.returncode}")
        self.end()

    def end(self):
        """Ends it at once, if it runs, and closes its pipes."""
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.log.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()
        self.folder.cleanup()

    def ctl(self, *arguments):
        return subprocess.run([program("udpctl"), "-s", self.socket, *arguments], check=True, capture_output=True, text=True).stdout

    def stats(self):
        return json.loads(self.ctl("--json", "stats"))

    def get(self, path):
        with urllib.request.urlopen(self.metrics + path, timeout=ANSWER_S) as answer:
            return answer.read().decode()

    def load(self, rate, duration_s, clients=1000):
        """Starts udpload. Its report is read by load_report."""
        self.report = os.path.join(self.folder.name, "load.json")
        return subprocess.Popen([program("udpload"), "-Q", str(rate), "-c", str(clients), "-l", f"{duration_s}s", "--json",
                                 self.report, f"127.0.0.1:{self.port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def load_report(self):
        with open(self.report, encoding="utf-8") as file:
            return json.load(file)


class Client:
    """A registered client, which collects what it gets."""

    def __init__(self, server):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.socket.connect(("127.0.0.1", server.port))
        self.messages = []
        self.socket.send(b"hello")
        wait_for(lambda: server.stats()["clients"] > 0, "the client is registered")
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                self.messages.append(self.socket.recv(65536).decode())
            except ConnectionRefusedError:
                pass # the server was killed
            except OSError:
                return
