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
    """Calls the condition until it returns something true, and returns that."""
    until = time.monotonic() + within_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > until:
            raise AssertionError(f"in {within_s} s this did not happen: {what}")
        time.sleep(0.05)


class Server:
    """udpsrv on loopback; {folder} in its configuration is a folder of its own. `port` is that of its UDP listener, `metrics` the URL of its metrics."""

    def __init__(self, config="", metrics_port=0, port=0):
        self.folder = tempfile.TemporaryDirectory(prefix="udpsrv-ecosystem-")
        self.config = config.replace("{folder}", self.folder.name)
        self.port, self.metrics_port = port, metrics_port
        self.start()

    def start(self):
        """Starts it, again at the same ports."""
        self.log = os.path.join(self.folder.name, "log")
        path = os.path.join(self.folder.name, "udpsrv.conf")
        with open(path, "w", encoding="ascii") as file:
            file.write(f"[server]\nlisten = 127.0.0.1:{self.port}\n[control]\nsocket = {self.socket}\n"
                       f"[metrics]\nlisten = 127.0.0.1:{self.metrics_port}\n{self.config}")
        with open(self.log, "w", encoding="ascii") as log:
            self.process = subprocess.Popen([program("udpsrv"), "-c", path], stdout=subprocess.PIPE, stderr=log)
        line = self.process.stdout.readline().decode()
        if not line.startswith("udpsrv: ready"):
            with open(self.log, encoding="ascii") as log:
                raise AssertionError("udpsrv does not start: " + log.read())
        self.port = int(re.search(r"127\.0\.0\.1:(\d+)", line).group(1))
        self.metrics_port = int(wait_for(self.find_metrics, "a line of the log with the address of the metrics").group(1))
        self.metrics = f"http://127.0.0.1:{self.metrics_port}"

    def find_metrics(self):
        with open(self.log, encoding="ascii") as log:
            return re.search(r"metrics are served listen=127\.0\.0\.1:(\d+)", log.read())

    @property
    def socket(self):
        return os.path.join(self.folder.name, "control")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        if self.process.wait(STOP_S) != 0:
            raise AssertionError(f"udpsrv ended with {self.process.returncode}")
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
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
