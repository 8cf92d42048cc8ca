"""The load balancer of config/nftables, its health check and the command that moves buckets: three nodes on one switch."""

import os
import re
import select
import signal
import subprocess
import tempfile
import threading
import unittest

from network import Network, can_make_namespaces, connected_sockets, run, sockets_in, start
from servers import ANSWER_S, BUILD, program, wait_for

CONFIG = os.path.join(os.path.dirname(__file__), "..", "..", "config", "nftables")
TABLE, HEALTH = os.path.join(CONFIG, "udpsrv-balancer.nft"), os.path.join(CONFIG, "udpsrv-balancer-health")
SERVICE = {"nodes4": "192.0.2.100", "nodes6": "2001:db8::100"} # by the map of each family, as in the file
NODES = {"node1": ("192.0.2.11", "2001:db8::11"), "node2": ("192.0.2.12", "2001:db8::12"), "node3": ("192.0.2.13", "2001:db8::13")}
PORT = 3000
CLIENTS = 300 # of each family
TRIES, REPLY_S = 5, 0.5


class Node:
    """udpsrv in a namespace, that keeps its clients over a restart."""

    def __init__(self, name, folder):
        self.name, self.folder = name, os.path.join(folder, name)
        os.mkdir(self.folder)
        self.socket = os.path.join(self.folder, "control")
        self.config = os.path.join(self.folder, "udpsrv.conf")
        with open(self.config, "w", encoding="ascii") as file:
            file.write(f"[server]\nlisten = 0.0.0.0:{PORT}, [::]:{PORT}\n[control]\nsocket = {self.socket}\n[admission]\npolicy = open\n[reply]\nmode = echo\n[clients]\nttl = 1h\n")
        self.start()

    def start(self):
        with open(os.path.join(self.folder, "log"), "a", encoding="ascii") as log:
            self.process = start(self.name, [program("udpsrv"), "-c", self.config], stdout=subprocess.PIPE, stderr=log)
        if not self.process.stdout.readline().startswith(b"udpsrv: ready"):
            with open(log.name, encoding="ascii") as log:
                raise AssertionError(f"{self.name} does not start: {log.read()}")

    def kill(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()

    def clients(self):
        lines = subprocess.run([program("udpctl"), "-s", self.socket, "--json", "clients"], check=True, capture_output=True, text=True)
        return set(re.findall(r'"address": *"([^"]+)"', lines.stdout))


class Client:
    def __init__(self, socket):
        self.socket, self.count = socket, 0
        host, port = socket.getsockname()[:2]
        self.address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def request(self, tries=TRIES):
        """Returns whether it was echoed. The echo is of the service address, since the socket is connected."""
        self.count += 1
        text = b"request %d" % self.count
        for _ in range(tries):
            try:
                self.socket.send(text)
                if self.is_echoed(text):
                    return True
            except ConnectionRefusedError:
                pass
        return False

    def is_echoed(self, text):
        """Echoes of earlier requests are skipped."""
        while select.select([self.socket], [], [], REPLY_S)[0]:
            if self.socket.recv(2048) == text:
                return True
        return False


class Requests:
    """Sends requests of some clients, each once, over and over, and counts those without a reply."""

    def __init__(self, clients):
        self.clients, self.sent, self.lost, self.ended = clients, 0, 0, threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.ended.is_set():
            for client in self.clients:
                self.sent += 1
                self.lost += not client.request(tries=1)

    def stop(self):
        self.ended.set()
        self.thread.join()


class HealthCheck:
    """udpsrv-balancer-health, and what it says."""

    def __init__(self, family, nodes, log):
        self.log, self.seen = log, 0
        environment = os.environ | {"PATH": BUILD + ":" + os.environ["PATH"]}
        with open(log, "w", encoding="ascii") as file:
            self.process = start("balancer", [HEALTH, family, *nodes], stdout=file, stderr=subprocess.STDOUT, env=environment)

    def find(self, pattern):
        """A match is found once only."""
        with open(self.log, encoding="ascii") as file:
            match = re.compile(pattern).search(file.read(), self.seen)
        if match:
            self.seen = match.end()
        return match

    def wait_for(self, pattern):
        try:
            wait_for(lambda: self.find(pattern), f"a line of the health check: {pattern}")
        except AssertionError as error:
            with open(self.log, encoding="ascii") as file:
                raise AssertionError(f"{error}; it has printed: {file.read()}") from None

    def stop(self):
        self.process.terminate()
        self.process.wait(ANSWER_S)


@unittest.skipUnless(can_make_namespaces(), "only root can make network namespaces, where the host permits it")
class Balancer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        hosts = {"balancer": ["192.0.2.2/24", "2001:db8::2/64"], "clients": ["192.0.2.1/24", "2001:db8::1/64"]}
        for name, (four, six) in NODES.items():
            hosts[name] = [four + "/24", six + "/64"]
        cls.network = cls.enterClassContext(Network(hosts))
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="udpsrv-balancer-"))
        cls.add_service_address("balancer", "eth0")
        for name in NODES:
            run("sh", "-c", "cd /proc/sys/net/ipv4/conf/all && echo 1 >arp_ignore && echo 2 >arp_announce", namespace=name)
            cls.add_service_address(name, "lo")

    @classmethod
    def add_service_address(cls, name, interface):
        """As docs/scale-out.md says: neither is chosen as the source of what the host itself sends."""
        cls.network.add_address(name, interface, "192.0.2.100/32")
        cls.network.add_address(name, interface, "2001:db8::100/128", "preferred_lft", "0")

    def setUp(self):
        run("nft", "-f", TABLE, namespace="balancer")
        self.nodes = {}
        for name in NODES:
            self.nodes[name] = Node(name, self.enterContext(tempfile.TemporaryDirectory(dir=self.folder)))
            self.addCleanup(self.nodes[name].kill)
        self.clients = {}
        for family, address in SERVICE.items():
            sockets = sockets_in("clients", lambda to=address: connected_sockets(to, PORT, CLIENTS))
            self.clients[family] = [Client(socket) for socket in sockets]
            for socket in sockets:
                self.addCleanup(socket.close)

    def request_all(self, but=()):
        for clients in self.clients.values():
            unanswered = [client.address for client in clients if client not in but and not client.request()]
            self.assertEqual(unanswered, [])

    def places(self):
        """The node of each client, by its address. A node that has ended has none."""
        places = {}
        for name, node in self.nodes.items():
            if node.process.poll() is None:
                for address in node.clients():
                    self.assertNotIn(address, places, "a client is registered at two nodes")
                    places[address] = name
        return places

    def clients_at(self, places, *names):
        return [client for clients in self.clients.values() for client in clients if places[client.address] in names]

    def test_clients_are_divided_among_the_nodes_and_stay_there(self):
        self.request_all()
        places = self.places()
        self.assertEqual(len(places), 2 * CLIENTS)
        for family, clients in self.clients.items():
            for name in NODES:
                share = sum(places[client.address] == name for client in clients)
                self.assertGreater(share, CLIENTS / 6, f"{name} by {family}")
        self.request_all()
        self.assertEqual(self.places(), places)
        run("nft", "-f", TABLE, namespace="balancer")
        self.request_all()
        self.assertEqual(self.places(), places, "the same file loaded again")

    def test_no_request_is_lost_while_the_buckets_of_another_node_move(self):
        self.request_all()
        places = self.places()
        requests = Requests(self.clients_at(places, "node1", "node3"))
        for _ in range(50):
            run("nft", "delete element netdev udpsrv nodes4 { 342-682 }; "
                "add element netdev udpsrv nodes4 { 342-511 : 192.0.2.11, 512-682 : 192.0.2.13 }", namespace="balancer")
            run("nft", "delete element netdev udpsrv nodes4 { 342-511, 512-682 }; "
                "add element netdev udpsrv nodes4 { 342-682 : 192.0.2.12 }", namespace="balancer")
            run("nft", "flush map netdev udpsrv nodes6; add element netdev udpsrv nodes6 "
                "{ 0-341 : 2001:db8::11, 342-682 : 2001:db8::12, 683-1023 : 2001:db8::13 }", namespace="balancer")
        requests.stop()
        self.assertEqual(requests.lost, 0, f"of {requests.sent} requests")
        self.assertEqual(self.places(), places)

    def test_a_node_that_dies_gives_its_buckets_to_the_others_and_gets_them_back(self):
        self.request_all()
        before = self.places()
        checks = [self.start_health_check(family) for family in SERVICE]
        others = self.clients_at(before, "node1", "node3")[::2]
        requests = Requests(others)
        self.addCleanup(requests.stop)
        for check in checks:
            check.wait_for("all nodes answer")

        self.nodes["node2"].kill()
        for check, address in zip(checks, NODES["node2"]):
            check.wait_for(rf"those given up:.* -\[?{address}\]?:{PORT}")
        self.request_all(but=others)
        after = self.places()
        self.assertEqual({at for at in after.values()}, {"node1", "node3"})
        moved = {address for address, at in after.items() if before[address] != at}
        self.assertEqual(moved, {client.address for client in self.clients_at(before, "node2")})
        for name in ("node1", "node3"): # each gets a part of them
            self.assertGreater(sum(after[address] == name for address in moved), len(moved) / 4)

        self.nodes["node2"].start()
        for check in checks:
            check.wait_for("all nodes answer")
        self.request_all(but=others)
        self.assertEqual(self.nodes["node2"].clients(), moved)
        requests.stop()
        self.assertGreater(requests.sent, 0)
        self.assertEqual(requests.lost, 0, f"of {requests.sent} requests to nodes that did not die")

    def start_health_check(self, family):
        addresses = [f"[{pair[1]}]" if family == "nodes6" else pair[0] for pair in NODES.values()]
        check = HealthCheck(family, [f"{address}:{PORT}" for address in addresses], os.path.join(self.folder, family))
        self.addCleanup(check.stop)
        return check

    def test_the_command_in_the_file_moves_only_the_buckets_that_it_names(self):
        self.request_all()
        before = self.places()
        with open(TABLE, encoding="ascii") as file:
            command = re.search(r"^ *#   nft '(.*)'$", file.read(), re.MULTILINE).group(1)
        run("nft", command, namespace="balancer")
        self.nodes["node2"].kill()
        for client in self.clients["nodes4"]:
            self.assertTrue(client.request(), client.address)
        after = self.places()
        four = {client.address for client in self.clients["nodes4"]}
        moved = {address for address, at in after.items() if address in four and before[address] != at}
        self.assertEqual(moved, {address for address in four if before[address] == "node2"})
        wait_for(lambda: run("nft", "list", "map", "netdev", "udpsrv", "nodes4", namespace="balancer").count("192.0.2.12") == 0,
                 "the map without the node")


if __name__ == "__main__":
    unittest.main()
