"""A publisher to a stream of Redis, which knows after a failure whether its entry was added."""

import socket
import time

from network import sockets_in

RETRY_S, ANSWER_S = 0.1, 10


class Redis:
    def __init__(self, namespace, host, port=6379):
        self.namespace, self.address, self.socket = namespace, (host, port), None

    def connect(self):
        self.socket = sockets_in(self.namespace, lambda: [socket.socket(socket.AF_INET, socket.SOCK_STREAM)])[0]
        self.socket.settimeout(ANSWER_S)
        self.socket.connect(self.address)
        self.file = self.socket.makefile("rb")

    def close(self):
        if self.socket is not None:
            self.socket.close()
            self.socket = None

    def send(self, *words):
        if self.socket is None:
            self.connect()
        words = [str(word).encode() for word in words]
        self.socket.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words))

    def command(self, *words):
        self.send(*words)
        return self.read()

    def read(self):
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("Redis has closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"-":
            raise ConnectionError(f"Redis: {rest.decode()}") if rest.startswith(b"LOADING") else ValueError(rest.decode())
        if kind == b"$":
            return self.file.read(int(rest) + 2)[:-2] if int(rest) >= 0 else None
        if kind == b"*":
            return [self.read() for _ in range(int(rest))]
        return rest

    def add_many(self, stream, count):
        """Adds so many entries, with their number as payload. Returns the id of the last one."""
        for number in range(count - 1):
            self.send("XADD", stream, "*", "payload", number)
            if number % 100 == 99: # so that neither side waits for the other to read
                for _ in range(100):
                    self.read()
        for _ in range((count - 1) % 100):
            self.read()
        return self.command("XADD", stream, "*", "payload", count - 1).decode()

    def wait_until_ready(self, within_s):
        until = time.monotonic() + within_s
        while True:
            try:
                return self.command("PING")
            except OSError:
                self.close()
                if time.monotonic() > until:
                    raise
                time.sleep(RETRY_S)

    def add(self, stream, fields, within_s=60):
        """Adds an entry once, however often Redis ends meanwhile: its last entry says whether it was added."""
        pairs = [part for field in fields.items() for part in field]
        until, uncertain = time.monotonic() + within_s, False
        while True:
            try:
                if uncertain:
                    last = self.command("XREVRANGE", stream, "+", "-", "COUNT", 1)
                    if last and last[0][1] == [str(part).encode() for part in pairs]:
                        return last[0][0]
                uncertain = True
                return self.command("XADD", stream, "*", *pairs)
            except OSError:
                self.close()
                if time.monotonic() > until:
                    raise
                time.sleep(RETRY_S)
