"""The same traffic with and without the offload: each client must get the same, and the server must know and count the same.

A seed draws datagrams of all kinds, damaged and fragmented ones among them, and what operators do in between. Each step is done before
the next one begins, so that the turns of the rotation are comparable. COUNT is the number of datagrams.
"""

import os
import random
import socket
import struct
import subprocess
import unittest

from offload_network import ADDRESSES, PORT, Client, Pair, Server, program, run, sockets_in, wait_for, why_not
from xdp import checksum

COUNT, SEED = int(os.environ.get("COUNT", "4000")), int(os.environ.get("SEED", "1"))
CLIENTS = 24
PATH = "offload_" # the counters of the path
CONFIG = "[broadcast]\nrate = 1000000\n[clients]\nttl = 1h\n[admission]\npolicy = open\ndeny = 192.0.2.66\n"
# A rate that the traffic does not reach: which datagrams exceed a lower one depends on the time. test_offload has those.
RATES = ("", "rate = 1000000\n")
MESSAGES = [["audi", "toyota", "bmw"], ["one"], ["a", "b" * 700, "", "c" * 33], ["x" * 1232, "y"]]


class Frames:
    """Ethernet frames of IPv4 from the clients' end, of which one thing may be wrong."""

    def __init__(self):
        def open_socket():
            raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
            raw.bind(("eth0", 0))
            return [raw]

        self.socket, self.number = sockets_in("clients", open_socket)[0], 0
        self.server = bytes.fromhex(run("cat", "/sys/class/net/eth0/address", namespace="server").strip().replace(":", ""))
        self.own = bytes.fromhex(run("cat", "/sys/class/net/eth0/address", namespace="clients").strip().replace(":", ""))

    def send(self, port, payload, fault=None):
        self.number += 1 # no two fragments make a datagram
        self.socket.send(self.frame(port, payload, fault))
        if fault in ("more fragments", "last fragment"):
            # One that overlaps it has the kernel forget it, or it could become a part of a client's datagram with the same number.
            self.socket.send(self.frame(port, payload + bytes(8), fault))

    def frame(self, port, payload, fault):
        source, local = (socket.inet_aton(ADDRESSES[socket.AF_INET][i]) for i in (1, 0))
        udp_length = 8 + len(payload) + (4 if fault == "udp longer" else 0)
        udp = struct.pack("!HHHH", port, PORT, udp_length, 0) + payload
        pseudo = source + local + struct.pack("!BBH", 0, 17, udp_length)
        value = checksum(pseudo + udp) or 0xFFFF
        value = {"no checksum": 0, "bad checksum": value ^ 0x0101}.get(fault, value)
        udp = udp[:6] + struct.pack("!H", value) + udp[8:]
        options = b"\x01\x01\x01\x00" if fault == "options" else b""
        flags = {"more fragments": 0x2000, "last fragment": 0x0004}.get(fault, 0x4000)
        header = struct.pack("!BBHHHBBH4s4s", 0x45 + len(options) // 4, 0, 20 + len(options) + len(udp) + (8 if fault == "ip longer" else 0),
                             self.number & 0xFFFF, flags, 64, 6 if fault == "tcp" else 17, 0, source, local) + options
        value = checksum(header) ^ (1 if fault == "bad header checksum" else 0)
        header = header[:10] + struct.pack("!H", value) + header[12:]
        kind = b"\x81\x00\x00\x05\x08\x00" if fault == "vlan" else b"\x08\x00"
        return self.server + self.own + kind + header + udp + (b"\xAA" * 9 if fault == "trailer" else b"")

    def close(self):
        self.socket.close()


# What the server answers, and what the kernel or the server drops.
ANSWERED = (None, "no checksum", "options", "trailer")
DROPPED = ("bad checksum", "bad header checksum", "more fragments", "last fragment", "tcp", "udp longer", "ip longer", "vlan")


class Traffic:
    """One run: `replies` has what each client got, in order."""

    def __init__(self, server, seed):
        self.random, self.server, self.replies, self.sent = random.Random(seed), server, [], 0
        families = [socket.AF_INET] * (CLIENTS * 2 // 3) + [socket.AF_INET6] * (CLIENTS // 3)
        self.clients = [Client(family, 20000 + i) for i, family in enumerate(families)]
        self.frames = Frames()

    def note(self, client, reply):
        self.replies.append((client, reply))

    def ask(self, i, payload):
        self.sent += 1
        self.note(i, self.clients[i].ask(payload))

    def datagram(self):
        i = self.random.randrange(CLIENTS)
        size = self.random.choice((0, 1, 2, 3, 4, 7, 8, 20, 31, 64, 100, 511, 512, 513, 900, 1400, 2048))
        self.ask(i, bytes(self.random.choices(b"abcdefgh\0\xff", k=size)))

    def frame_of_the_protocol(self):
        self.ask(self.random.randrange(CLIENTS), b"\0UDP\x04" + bytes(self.random.choices(b"xyz", k=8)))

    def oversize(self):
        self.unanswered(self.random.randrange(CLIENTS), b"x" * self.random.randint(2049, 4000), "drop_oversize")

    def bad_frame(self):
        self.unanswered(self.random.randrange(CLIENTS), b"\0UDP" + bytes([self.random.choice((0, 1, 5, 9, 255))]), "drop_bad_frame")

    def unanswered(self, i, payload, counter):
        before = self.server.stats()[counter]
        self.sent += 1
        self.clients[i].socket.send(payload)
        wait_for(lambda: self.server.stats()[counter] == before + 1, counter)

    def raw_answered(self):
        i = self.random.randrange(CLIENTS * 2 // 3)
        self.sent += 1
        self.frames.send(20000 + i, b"raw" * self.random.randint(0, 60), self.random.choice(ANSWERED))
        self.note(i, self.clients[i].socket.recv(65536))

    def raw_dropped(self):
        """What comes after it shows that it was not answered: its reply would come first."""
        i = self.random.randrange(CLIENTS * 2 // 3)
        self.frames.send(20000 + i, b"raw" * self.random.randint(0, 60), self.random.choice(DROPPED))
        self.ask(i, b"after")

    def kick(self):
        """A client that is not registered, since it was kicked before, is refused."""
        i = self.random.randrange(CLIENTS)
        self.note(i, subprocess.run([program("udpctl"), "-s", self.server.socket, "kick", self.clients[i].address()], capture_output=True,
                                    check=False).returncode)

    def reload(self):
        messages = self.random.choice(MESSAGES)
        lines = "".join(f'message = "{text}"\n' for text in messages)
        rate = self.random.choice(RATES)
        self.server.configure(CONFIG + rate + f"[reply]\nmode = {self.random.choice(('rotate', 'rotate', 'echo'))}\n{lines}", self.server.section)
        self.server.ctl("reload")

    def broadcast(self):
        registered = {row["address"] for row in self.server.json("clients")}
        self.server.ctl("broadcast", f"news {self.random.random()} " * self.random.choice((1, 1, 1, 10, 60)))
        for i, client in enumerate(self.clients):
            if client.address() in registered:
                self.note(i, client.socket.recv(65536))

    def run(self):
        kinds = ((self.datagram, 80), (self.frame_of_the_protocol, 4), (self.raw_answered, 8), (self.raw_dropped, 6), (self.oversize, 0.3),
                 (self.bad_frame, 0.3), (self.kick, 1), (self.reload, 0.3), (self.broadcast, 0.3))
        functions, weights = [kind for kind, _ in kinds], [weight for _, weight in kinds]
        while self.sent < COUNT:
            self.random.choices(functions, weights)[0]()
        for client in self.clients:
            client.socket.close()
        self.frames.close()


def registry(server):
    rows = server.json("clients")
    return sorted((row["address"], row["listener"], row["received"]) for row in rows)


@unittest.skipIf(why_not(), why_not())
class Differential(unittest.TestCase):
    def test_both_paths_answer_and_count_the_same(self):
        results = []
        for section in ("mode = off\n", "mode = native\ninterface = eth0\n"):
            with Pair(), Server(CONFIG + RATES[SEED % 2], section) as server:
                server.section = section
                traffic = Traffic(server, SEED)
                traffic.run()
                stats = server.stats()
                results.append((traffic.replies, registry(server), stats))
        (replies, clients, stats), (offload_replies, offload_clients, offload_stats) = results
        for i, (one, other) in enumerate(zip(replies, offload_replies)):
            self.assertEqual(one, other, f"event {i}, seed {SEED}")
        self.assertEqual(len(replies), len(offload_replies))
        self.assertEqual(clients, offload_clients)
        self.assertGreater(offload_stats["offload_replied"], COUNT // 5)
        self.assertGreater(offload_stats["offload_copies"], COUNT // 200)
        differing = {name: (value, offload_stats[name]) for name, value in stats.items()
                     if value != offload_stats[name] and not name.startswith(PATH)}
        self.assertEqual(differing, {})


if __name__ == "__main__":
    unittest.main()
