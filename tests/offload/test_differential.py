"""The same traffic with and without the offload: each client must get the same, and the server must know and count the same.

A seed draws datagrams of all kinds, damaged and fragmented ones among them, and what operators do in between. Each step is done before
the next one begins, so that the turns of the rotation are comparable. COUNT is the number of datagrams.
"""

import os
import random
import socket
import subprocess
import time
import unittest

from offload_frames import Frames
from offload_network import ANSWER_S, Client, Pair, Server, program, wait_for, why_not

COUNT, SEED = int(os.environ.get("COUNT", "4000")), int(os.environ.get("SEED", "1"))
CLIENTS = 24
PATH = "offload_" # the counters of the path
TTL_MS = 400 # of the clients that expire
RARE = 2 + COUNT // 10000 # times at which the clients expire, are not answered, and are listened to
STALLS_MAX = 3
# A rate that the traffic does not reach: which datagrams exceed a lower one depends on the time. test_offload has those.
RATES = ("", "rate = 1000000\n")
MESSAGES = [["audi", "toyota", "bmw"], ["one"], ["a", "b" * 700, "", "c" * 33], ["x" * 1232, "y"]]


def config(reply="", rate="", ttl="1h"):
    return f"[broadcast]\nrate = 1000000\n[clients]\nttl = {ttl}\nsweep = 50ms\n[reply]\n{reply}[admission]\npolicy = open\ndeny = 192.0.2.66\n{rate}"


# What the server answers, and what the kernel or the server drops.
ANSWERED = (None, "no checksum", "options", "trailer")
DROPPED = ("bad checksum", "bad header checksum", "more fragments", "last fragment", "tcp", "udp longer", "ip longer", "vlan")


class Stalled(Exception):
    """The test was stopped for longer than TTL_MS, so that clients may have expired where they should not."""


class Traffic:
    """One run: `replies` has what each client got, in order."""

    def __init__(self, server, seed, rate):
        self.random, self.server, self.replies, self.sent = random.Random(seed), server, [], 0
        self.reply, self.rate, self.is_offloaded = "", rate, "off" not in server.section
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

    def apply(self, **changed):
        self.server.configure(config(**{"reply": self.reply, "rate": self.rate, **changed}), self.server.section)
        self.server.ctl("reload")

    def reload(self):
        messages = "".join(f'message = "{text}"\n' for text in self.random.choice(MESSAGES))
        self.reply = f"mode = {self.random.choice(('rotate', 'rotate', 'echo'))}\n{messages}"
        self.rate = self.random.choice(RATES)
        self.apply()

    def silence(self):
        """Datagrams that nothing answers: what comes after them shows that."""
        before = self.server.stats()["silent"]
        self.apply(reply="mode = none\n")
        asked = self.random.choices(range(CLIENTS), k=10)
        for i in asked * 3:
            self.sent += 1
            self.clients[i].socket.send(b"silence")
        wait_for(lambda: self.server.stats()["silent"] == before + 3 * len(asked), "all are counted")
        self.apply()

    def listen(self):
        """The messages of the clients, which all pass to the sockets meanwhile."""
        with socket.socket(socket.AF_UNIX) as session:
            session.settimeout(ANSWER_S)
            session.connect(self.server.socket)
            session.send(b"listen\n")
            with session.makefile("rb") as answer:
                self.note("listen", answer.readline())
                before = self.server.stats()["offload_replied"]
                for _ in range(20):
                    self.datagram()
                for _ in range(20):
                    self.note("listen", answer.readline().split()[2:]) # without the time
                if self.server.stats()["offload_replied"] != before:
                    raise AssertionError("the kernel has answered what is listened to")
        self.server.stats() # is answered when the workers have stopped to publish

    def expire(self):
        """A few clients expire: their last datagrams, of which the kernel answers one each, have a short ttl. Those of the others had a
        long one."""
        registered = {row["address"] for row in self.server.json("clients")}
        chosen = self.random.sample(range(CLIENTS), self.random.randint(1, 4))
        before = self.server.stats()
        self.apply(ttl=f"{TTL_MS}ms", reply="mode = echo\n")
        began = time.monotonic()
        for i in chosen * 3:
            self.ask(i, b"last")
        if time.monotonic() - began > TTL_MS / 1000:
            raise Stalled
        if self.is_offloaded and self.server.stats()["offload_replied"] < before["offload_replied"] + len(chosen):
            raise AssertionError("the kernel has not answered each of them")
        wait_for(lambda: self.server.stats()["expired"] == before["expired"] + len(chosen), "they expire")
        left = {row["address"] for row in self.server.json("clients")}
        if left != registered - {self.clients[i].address() for i in chosen}:
            raise AssertionError("others have expired")
        self.apply()

    def broadcast(self):
        registered = {row["address"] for row in self.server.json("clients")}
        self.server.ctl("broadcast", f"news {self.random.random()} " * self.random.choice((1, 1, 1, 10, 60)))
        for i, client in enumerate(self.clients):
            if client.address() in registered:
                self.note(i, client.socket.recv(65536))

    def run(self):
        kinds = ((self.datagram, 80), (self.frame_of_the_protocol, 4), (self.raw_answered, 8), (self.raw_dropped, 6), (self.oversize, 0.3),
                 (self.bad_frame, 0.3), (self.kick, 1), (self.reload, 0.3), (self.broadcast, 0.3), (self.silence, 0.05), (self.listen, 0.05))
        functions, weights = [kind for kind, _ in kinds], [weight for _, weight in kinds]
        for number in range(RARE):
            while self.sent < COUNT * number // RARE:
                self.random.choices(functions, weights)[0]()
            for rare in self.random.sample((self.expire, self.silence, self.listen), 3):
                rare()
        while self.sent < COUNT:
            self.random.choices(functions, weights)[0]()

    def close(self):
        for client in self.clients:
            client.socket.close()
        self.frames.close()


def registry(server):
    rows = server.json("clients")
    return sorted((row["address"], row["listener"], row["received"]) for row in rows)


def run_once(section):
    """Returns what the clients got, the registry and the counters."""
    for _ in range(STALLS_MAX):
        with Pair(), Server(config(rate=RATES[SEED % 2]), section) as server:
            server.section = section
            traffic = Traffic(server, SEED, RATES[SEED % 2])
            try:
                traffic.run()
                return traffic.replies, registry(server), server.stats()
            except Stalled:
                pass
            finally:
                traffic.close()
    raise AssertionError("this host is too slow for the test")


@unittest.skipIf(why_not(), why_not())
class Differential(unittest.TestCase):
    def test_both_paths_answer_and_count_the_same(self):
        results = []
        for section in ("mode = off\n", "mode = native\ninterface = eth0\n"):
            results.append(run_once(section))
        (replies, clients, stats), (offload_replies, offload_clients, offload_stats) = results
        self.assertGreaterEqual(stats["expired"], RARE)
        for i, (one, other) in enumerate(zip(replies, offload_replies)):
            self.assertEqual(one, other, f"event {i}, seed {SEED}")
        self.assertEqual(len(replies), len(offload_replies))
        self.assertEqual(clients, offload_clients)
        self.assertGreater(offload_stats["offload_replied"], COUNT // 5)
        self.assertGreater(offload_stats["offload_copies"], COUNT // 200)
        self.assertGreater(offload_stats["offload_silent"], RARE)
        differing = {name: (value, offload_stats[name]) for name, value in stats.items()
                     if value != offload_stats[name] and not name.startswith(PATH)}
        self.assertEqual(differing, {})


if __name__ == "__main__":
    unittest.main()
