"""A server and its clients in two network namespaces with a veth pair between them, and the offload on the server's end."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "ecosystem"))
import servers  # noqa: E402
from network import PREFIX, Namespaces, await_ipv6, can_make_namespaces, run, sockets_in, start  # noqa: E402
from servers import STOP_S, Log, program, wait_for  # noqa: E402
from xdp import SYS_BPF, XDP_PASS, attach_constant  # noqa: E402

ADDRESSES = {socket.AF_INET: ("192.0.2.1", "192.0.2.2"), socket.AF_INET6: ("2001:db8::1", "2001:db8::2")}
# Of a second network, by another interface.
OTHER_ADDRESSES = {socket.AF_INET: ("198.51.100.1", "198.51.100.2"), socket.AF_INET6: ("2001:db8:100::1", "2001:db8:100::2")}
PREFIX_BITS = {socket.AF_INET: 24, socket.AF_INET6: 64}
ANYWHERE = "0.0.0.0:3000, [::]:3000"
PORT, ANSWER_S = 3000, 5
FAMILIES = (socket.AF_INET, socket.AF_INET6)
PACED = "[broadcast]\nrate = 1000000\n" # with which copies may leave as frames
CARS = [b"audi", b"toyota", b"bmw"]


class Pair(Namespaces):
    """The namespaces `server` and `clients`, each with eth0. At the clients' end a program passes everything: without one, veth loses each
    frame that the program of the other end returns."""

    def __init__(self):
        self.link = -1
        super().__init__(["server", "clients"])
        try:
            self.connect()
        except BaseException:
            self.close()
            raise

    def connect(self):
        for name in self.names:
            run("ip", "link", "set", "lo", "up", namespace=name)
        self.add_veth("eth0", ADDRESSES)
        self.link = sockets_in("clients", lambda: [attach_constant(XDP_PASS, "eth0")])[0]

    def add_veth(self, interface, addresses):
        run("ip", "link", "add", interface, "type", "veth", "peer", "name", interface, "netns", PREFIX + "clients", namespace="server")
        for name in self.names:
            self.give_addresses(name, interface, addresses)
        for name in self.names:
            await_ipv6(name)

    def divide(self, *kind):
        """Adds an interface on top of eth0 at both ends, for the second network."""
        for name in self.names:
            run("ip", "link", "add", "link", "eth0", "name", "part0", "type", *kind, namespace=name)
            # Else the kernel answers ARP by each interface for the addresses of both.
            self.set_ipv4(name, "arp_ignore", 1)
            self.give_addresses(name, "part0", OTHER_ADDRESSES)
        for name in self.names:
            await_ipv6(name)

    def give_addresses(self, name, interface, addresses):
        run("ip", "link", "set", interface, "up", namespace=name)
        for family, ends in addresses.items():
            self.add_address(name, interface, f"{ends[self.names.index(name)]}/{PREFIX_BITS[family]}")

    def join(self, upper):
        """Makes eth0 at the server's end a port of a bridge or a bond, which gets its addresses."""
        run("ip", "address", "flush", "dev", "eth0", namespace="server")
        run("ip", "link", "set", "eth0", "down", namespace="server") # a bond takes no other port
        run("ip", "link", "set", "eth0", "master", upper, namespace="server")
        run("ip", "link", "set", "eth0", "up", namespace="server")
        self.give_addresses("server", upper, ADDRESSES)
        await_ipv6("server")
        wait_for(lambda: "LOWER_UP" in run("ip", "link", "show", "dev", upper, namespace="server"), "the upper interface has a carrier")

    @staticmethod
    def set_ipv4(name, setting, value):
        run("tee", f"/proc/sys/net/ipv4/conf/all/{setting}", namespace=name, input=f"{value}\n")

    def check_sources(self):
        """Has both ends drop datagrams whose source they would reach by another interface."""
        for name in self.names:
            self.set_ipv4(name, "rp_filter", 1)

    def disconnect(self):
        os.close(self.link)
        self.link = -1
        run("ip", "link", "del", "eth0", namespace="server")

    def xdp(self):
        """The program that is attached to the server's end, as `ip` shows it; None: there is none."""
        return json.loads(run("ip", "-json", "link", "show", "dev", "eth0", namespace="server"))[0].get("xdp")

    def close(self):
        if self.link >= 0:
            os.close(self.link)
        super().close()


def why_not():
    """Why the offload cannot be tested on this host, or None."""
    if not can_make_namespaces():
        return "it needs root, and network namespaces"
    if SYS_BPF is None:
        return "the number of bpf(2) is not known for this processor"
    try:
        Pair().close()
    except (OSError, subprocess.CalledProcessError) as error:
        return f"no XDP program can be attached to a veth: {error}"
    return None


class Server(servers.Server):
    """udpsrv in the namespace `server`, which listens on eth0; `section` is its [offload], and `config` all others."""

    def __init__(self, config="", section="mode = native\ninterface = eth0\n", prefix=(), listen=None):
        self.folder = tempfile.TemporaryDirectory(prefix="udpsrv-offload-")
        os.chmod(self.folder.name, 0o777)
        self.path = os.path.join(self.folder.name, "udpsrv.conf")
        self.listen = listen or f"{ADDRESSES[socket.AF_INET][0]}:{PORT}, [{ADDRESSES[socket.AF_INET6][0]}]:{PORT}"
        self.configure(config, section)
        self.process = start("server", [*prefix, program("udpsrv"), "-c", self.path], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.log, self.pid = Log(self.process.stderr), self.process.pid
        self.line = self.process.stdout.readline().decode()
        if not self.line.startswith("udpsrv: ready"):
            self.end()
            self.folder.cleanup()
            raise AssertionError("udpsrv does not start: " + "".join(self.log.items))

    def configure(self, config, section="mode = native\ninterface = eth0\n"):
        server = "" if "[admission]" in config else "[admission]\npolicy = open\n"
        with open(self.path, "w", encoding="ascii") as file:
            file.write(f"[server]\nlisten = {self.listen}\n[control]\nsocket = {self.socket}\n[offload]\n{section}{server}{config}")

    def json(self, *arguments):
        return json.loads(self.ctl("--json", *arguments))

    def upgrade(self):
        self.pid = int(self.json("upgrade")["to"])

    def kill(self):
        os.kill(self.pid, signal.SIGKILL)
        self.process.wait(STOP_S)

    def end(self):
        """Ends it in good order, if it runs; the process that was started first, or the one that an upgrade has put in its place."""
        if self.process.poll() is None or self.pid != self.process.pid:
            try:
                os.kill(self.pid, signal.SIGTERM)
            except ProcessLookupError:
                pass
        self.process.wait(STOP_S)
        self.process.stdout.close()
        self.log.close()


class Client:
    """A socket in the namespace `clients`, connected to the server."""

    def __init__(self, family=socket.AF_INET, port=0, addresses=None):
        server, own = (addresses or ADDRESSES)[family]

        def open_socket():
            made = socket.socket(family, socket.SOCK_DGRAM)
            made.bind((own, port))
            made.connect((server, PORT))
            made.settimeout(ANSWER_S)
            return [made]

        self.socket = sockets_in("clients", open_socket)[0]

    def address(self):
        host, port = self.socket.getsockname()[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def ask(self, payload=b"hello"):
        self.socket.send(payload)
        return self.socket.recv(65536)

    def ask_all(self, count, payload=b"hello"):
        return [self.ask(payload) for _ in range(count)]

    def prove(self, payload=b"hello"):
        """Asks under `admission.policy = cookie`, and answers the challenge. Returns the reply."""
        challenge = self.ask(payload)
        if not challenge.startswith(b"\0UDP\x01"):
            raise AssertionError(f"not a challenge: {challenge!r}")
        return self.ask(b"\0UDP\x02" + challenge[5:] + payload)

    def next_or_none(self):
        """The next datagram that has arrived."""
        self.socket.setblocking(False)
        try:
            return self.socket.recv(65536)
        except BlockingIOError:
            return None
        finally:
            self.socket.settimeout(ANSWER_S)

    def has_nothing(self):
        return self.next_or_none() is None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


def cars(count, first=0):
    """The replies of a new server by its defaults, from the first one on."""
    return [CARS[(first + i) % len(CARS)] for i in range(count)]


class Case(unittest.TestCase):
    """A pair of namespaces for each test."""

    def setUp(self):
        self.pair = Pair()
        self.addCleanup(self.pair.close)

    def serve(self, *arguments, **options):
        server = Server(*arguments, **options)
        self.addCleanup(server.__exit__)
        return server

    def client(self, *arguments, **options):
        client = Client(*arguments, **options)
        self.addCleanup(client.__exit__)
        return client

    def broadcast(self, server, payload, *arguments):
        report = server.json("broadcast", *arguments, payload)
        self.assertEqual(report["targets"], report["sent"] + report["failed"] + report["skipped"])
        return report

    def expect(self, clients, payload):
        """Each client gets the payload once, and nothing else."""
        for client in clients:
            self.assertEqual(client.socket.recv(65536), payload)
        for client in clients:
            self.assertTrue(client.has_nothing())

    def balanced(self, server):
        """Returns the counters, in which each datagram has one outcome."""
        stats = server.stats()
        outcomes = list(stats)[1:list(stats).index("drop_bad_frame") + 1]
        self.assertEqual(stats["received"], sum(stats[name] for name in outcomes))
        return stats
