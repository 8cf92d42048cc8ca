"""Other UDP services: how each is started, which request it is sent, and which answer is
correct."""

import os
import shutil
import socket
import struct
from contextlib import closing
from dataclasses import dataclass
from typing import Callable

import processes
from processes import Process
from servers import Server

# One question, example.test A, with id 0x1234 (RFC 1035, section 4.1).
DNS_QUERY = (bytes.fromhex("123400000001000000000000")
             + b"\x07example\x04test\x00\x00\x01\x00\x01")
# memcached's frame: request id, number 0 of 1, reserved (doc/protocol.txt, "UDP protocol").
MEMCACHED_GET = struct.pack(">HHHH", 0x1234, 0, 1, 0) + b"get car\r\n"
# A connect request: magic, action 0, transaction id (BEP 15).
TRACKER_CONNECT = struct.pack(">QII", 0x41727101980, 0, 0x12345678)
# A binding request without attributes: type 1, length 0, magic cookie, transaction id (RFC 8489).
STUN_BINDING = struct.pack(">HHI", 1, 0, 0x2112A442) + b"bench request"[:12]

ZONE = """$ORIGIN test.
$TTL 3600
@ SOA ns admin 1 3600 600 86400 300
@ NS ns
ns A 127.0.0.1
example A 192.0.2.1
"""


@dataclass
class Peer:
    """A service: program is its executable; argv(directory, port) returns its command line."""

    name: str
    program: str
    request: bytes
    argv: Callable
    valid: Callable  # returns whether an answer is correct
    prime: Callable | None = None  # stores what the request asks for


def _write(directory, name, text):
    path = os.path.join(directory, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def _knot_argv(directory, port):
    _write(directory, "test.zone", ZONE)
    return ["knotd", "-c", _write(directory, "knot.conf", f"""
server:
    rundir: "{directory}"
    listen: 127.0.0.1@{port}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: "{directory}"
template:
  - id: default
    storage: "{directory}"
zone:
  - domain: test
    file: test.zone
""")]


def _memcached_argv(_directory, port):
    return ["memcached", "-U", str(port), "-p", str(port), "-l", "127.0.0.1", "-t", "1",
            "-u", "nobody"]


def _memcached_prime(port):
    with closing(socket.create_connection(("127.0.0.1", port), 5)) as tcp:
        tcp.sendall(b"set car 0 0 4\r\naudi\r\n")
        tcp.recv(64)


def _tracker_argv(_directory, port):
    return ["opentracker", "-i", "127.0.0.1", "-p", str(port), "-P", str(port)]


def _turn_argv(directory, port):
    return ["turnserver", "-n", "-L", "127.0.0.1", "-E", "127.0.0.1", "-p", str(port), "--no-tls",
            "--no-dtls", "--no-tcp", "--no-cli", "--no-tcp-relay", "-m", "1",
            "--log-file", os.path.join(directory, "turn.log"), "--simple-log",
            "--pidfile", os.path.join(directory, "turn.pid"),
            "-b", os.path.join(directory, "turn.db"), "--realm", "test"]


PEERS = [
    Peer("Knot DNS", "knotd", DNS_QUERY, _knot_argv,
         lambda answer: answer[:2] == DNS_QUERY[:2] and answer[-4:] == bytes([192, 0, 2, 1])),
    Peer("memcached (UDP get)", "memcached", MEMCACHED_GET, _memcached_argv,
         lambda answer: answer[8:].startswith(b"VALUE car 0 4\r\naudi"), _memcached_prime),
    Peer("opentracker (connect)", "opentracker", TRACKER_CONNECT, _tracker_argv,
         lambda answer: len(answer) == 16 and answer[:8] == TRACKER_CONNECT[8:]),
    Peer("coturn (STUN binding)", "turnserver", STUN_BINDING, _turn_argv,
         lambda answer: answer[:2] == b"\x01\x01" and answer[4:8] == STUN_BINDING[4:8]),
]


def is_installed(peer):
    return shutil.which(peer.program) is not None


def _free_port():
    """Returns a port that is free for TCP and UDP now."""
    with closing(socket.socket()) as tcp, \
            closing(socket.socket(type=socket.SOCK_DGRAM)) as udp:
        tcp.bind(("127.0.0.1", 0))
        udp.bind(tcp.getsockname())
        return tcp.getsockname()[1]


def _answers(peer, port):
    """Sends one request. Returns whether the answer is correct."""
    with closing(socket.socket(type=socket.SOCK_DGRAM)) as udp:
        udp.settimeout(0.5)
        try:
            udp.connect(("127.0.0.1", port))
            udp.send(peer.request)
            return peer.valid(udp.recv(2048))
        except OSError:
            return False


def _primed(peer, port):
    try:
        peer.prime(port)
        return True
    except OSError:
        return False


def start(bench, peer):
    """Starts a service on a free port and waits until it answers."""
    directory, port = bench.directory(), _free_port()
    process = Process(bench, peer.argv(directory, port), bench.server_cpu)
    try:
        if peer.prime:
            processes.wait_until(f"{peer.name} to store its value",
                           lambda: process.popen.poll() is None and _primed(peer, port), 20)
        processes.wait_until(f"{peer.name} to answer: {process.errors()}",
                       lambda: _answers(peer, port), 20)
        return Server(process, f"127.0.0.1:{port}")
    except BaseException:
        process.end()
        raise


def payload(bench, peer):
    """Returns a file with its request, for the bare sender."""
    path = bench.path("payload")
    with open(path, "wb") as file:
        file.write(peer.request)
    return path
