"""A redis-server of a test's own, and a client for what redis-cli can't do: going on when Redis was killed."""

import os
import shutil
import socket
import subprocess
import tempfile

from servers import wait_for

MISSING = None if shutil.which("redis-server") and shutil.which("redis-cli") else "redis-server is missing; make deps-ecosystem installs it"


class Redis:
    """Keeps each write on the disk before it answers, so that a kill loses nothing that was acknowledged."""

    def __init__(self, *options):
        self.folder = tempfile.TemporaryDirectory(prefix="udpsrv-redis-")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url, self.options = f"redis://127.0.0.1:{self.port}", options
        self.start()

    def start(self):
        with open(os.path.join(self.folder.name, "log"), "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", self.folder.name, "--save", "",
                                             "--appendonly", "yes", "--appendfsync", "always", *self.options], stdout=log, stderr=log)
        wait_for(lambda: "PONG" in self.run("PING", check=False) or "NOAUTH" in self.run("PING", check=False), "an answer of Redis")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def run(self, *words, check=True, user=()):
        """Runs a command by redis-cli, and returns its output."""
        result = subprocess.run(["redis-cli", "-p", str(self.port), *user, *words], check=False, capture_output=True, text=True)
        text = result.stdout + result.stderr
        if check and (result.returncode != 0 or text.startswith(("ERR", "NO", "WRONG"))):
            raise AssertionError(f"{words}: {text}")
        return text

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.kill()
        self.folder.cleanup()


class Producer:
    """Adds entries with ids of its own. An entry whose answer did not come is added again; Redis refuses it if it has it."""

    def __init__(self, redis, stream):
        self.redis, self.stream, self.file = redis, stream, None

    def connect(self):
        self.close()
        try:
            connection = socket.create_connection(("127.0.0.1", self.redis.port), timeout=5)
        except OSError:
            return False
        self.file = connection.makefile("rwb")
        connection.close()
        return True

    def close(self):
        if self.file is not None:
            try:
                self.file.close()
            except OSError:
                pass # it was killed
        self.file = None

    def try_add(self, number, payload):
        words = ["XADD", self.stream, f"{number}-1", "payload", payload]
        command = f"*{len(words)}\r\n" + "".join(f"${len(word)}\r\n{word}\r\n" for word in words)
        try:
            if self.file is None and not self.connect():
                return False
            self.file.write(command.encode())
            self.file.flush()
            answer = self.file.readline()
            if answer.startswith(b"$"):
                self.file.readline()
            elif not answer.startswith(b"-ERR The ID specified in XADD is equal or smaller"):
                self.close()
                return False
            return True
        except OSError:
            self.close()
            return False

    def add(self, number, payload):
        wait_for(lambda: self.try_add(number, payload), f"entry {number} in Redis")
