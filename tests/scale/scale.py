#!/usr/bin/env python3
"""Three nodes behind a balancer, Redis, and many clients, in network namespaces of this machine.

Messages are published to a stream of Redis, from which a bridge on each node takes them, while parts of all that are killed.
Each client must get each message once and in order, or a bridge or server must have named the messages that were missed.
Prints a table, and ends with 1 if something was lost in silence.
"""

import argparse
import json
import os
import random
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "ecosystem"))
from network import Network, can_make_namespaces, run, start  # noqa: E402
from redis_client import Redis  # noqa: E402
from servers import wait_for  # noqa: E402

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
BUILD = os.path.abspath(os.environ.get("UDPSRV_BUILD", os.path.join(ROOT, "build")))
BALANCER = os.path.join(ROOT, "config", "nftables")
SERVICE, PORT, CLIENT_NETWORK = "192.0.2.100", 3000, "10.64.0.0"
NODES = {"node1": "192.0.2.11", "node2": "192.0.2.12", "node3": "192.0.2.13"}
BROKER, STREAM = "192.0.2.3", "news"
HEARTBEAT_S, START_S, SETTLE_S = 20, 30, 120
COPIES_A_SECOND = 200000 # of all nodes, which two processors can send and receive
SINGLE_MESSAGES, ENTRIES = 11, 20000 # of the figures


# What a bridge prints of an entry that it does not publish, or of which it does not know which clients it has reached.
REPORTED = re.compile(r"publishing the entry (\d+-\d+) of the stream")


def program(name):
    return os.path.join(BUILD, name)


class Process:
    """A program in a namespace, which is started again as it was. What it prints is appended to its log."""

    def __init__(self, namespace, words, log):
        self.namespace, self.words, self.log, self.process = namespace, words, log, None

    def start(self):
        with open(self.log, "a", encoding="utf-8") as log:
            self.process = start(self.namespace, self.words, stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def end(self, by):
        if self.is_running():
            self.process.send_signal(by)
            self.process.wait()

    def kill(self):
        self.end(signal.SIGKILL)

    def stop(self):
        self.end(signal.SIGTERM)

    def text(self):
        with open(self.log, encoding="utf-8") as log:
            return log.read()


class Node:
    """A server and its bridge. The suffix is that of the names of their files."""

    def __init__(self, name, folder, stream=STREAM, port=PORT, suffix="", options=()):
        self.name = name
        files = os.path.join(folder, name + suffix)
        self.socket, config = files + ".control", files + ".conf"
        with open(config, "w", encoding="ascii") as file:
            file.write(f"[server]\nlisten = 0.0.0.0:{port}\n[control]\nsocket = {self.socket}\n[admission]\npolicy = open\n"
                       f"[reply]\nmode = echo\n[clients]\nttl = {3 * HEARTBEAT_S}s\n"
                       f"[state]\nfile = {files}.state\ninterval = 1s\n")
        self.server = Process(name, [program("udpsrv"), "-c", config], files + ".log")
        self.bridge = Process(name, [program("udpctl"), "-s", self.socket, *options, "bridge", f"redis://{BROKER}", stream],
                              files + ".bridge.log")

    def start_server(self):
        ready = self.server.text().count("udpsrv: ready") if os.path.exists(self.server.log) else 0
        self.server.start()
        try:
            wait_for(lambda: self.server.text().count("udpsrv: ready") > ready, f"{self.name} is ready", START_S)
        except AssertionError as failure:
            raise AssertionError(f"{failure}; its log: {self.server.text()}") from None

    def ctl(self, *words):
        return json.loads(subprocess.run([program("udpctl"), "-s", self.socket, "--json", *words], check=True, capture_output=True,
                                         text=True).stdout)


class Clients:
    def __init__(self, count):
        self.count = count
        self.process = start("clients", [program("scale/clients"), CLIENT_NETWORK, str(count), SERVICE, str(PORT), str(HEARTBEAT_S)],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()


class Site:
    """The whole network. `published` is the number of the last message."""

    def __init__(self, arguments, folder):
        self.arguments, self.published, self.number_of = arguments, 0, {}
        self.random, self.folder = random.Random(arguments.seed), folder
        hosts = {"balancer": ["192.0.2.2/24", SERVICE + "/32"], "clients": ["192.0.2.1/24"], "broker": [BROKER + "/24"]}
        hosts |= {name: [address + "/24"] for name, address in NODES.items()}
        self.network = Network(hosts)
        run("ip", "route", "add", "local", CLIENT_NETWORK + "/10", "dev", "lo", namespace="clients")
        for name in NODES:
            run("sh", "-c", "cd /proc/sys/net/ipv4/conf/all && echo 1 >arp_ignore && echo 2 >arp_announce", namespace=name)
            self.network.add_address(name, "lo", SERVICE + "/32")
            run("ip", "route", "add", CLIENT_NETWORK + "/10", "via", "192.0.2.1", namespace=name)
        run("nft", "-f", os.path.join(BALANCER, "udpsrv-balancer.nft"), namespace="balancer")
        self.redis = Process("broker", ["redis-server", "--bind", BROKER, "--protected-mode", "no", "--dir", folder, "--save", "",
                                        "--appendonly", "yes", "--appendfsync", "always"], os.path.join(folder, "redis.log"))
        self.nodes = {name: Node(name, folder) for name in NODES}
        self.clients = None

    def start(self):
        self.redis.start()
        self.publisher = Redis("broker", BROKER)
        self.publisher.wait_until_ready(START_S)
        self.publisher.add(STREAM, {"payload": "0 begin"}) # the stream exists before the bridges look at its end
        for node in self.nodes.values():
            node.start_server()
            node.bridge.start()
        self.clients = Clients(self.arguments.clients)
        wait_for(lambda: self.clients.ask("report")["echoed"] == self.arguments.clients, "all clients were echoed", 3 * HEARTBEAT_S)
        for node in self.nodes.values():
            wait_for(lambda node=node: "publishing " in node.bridge.text(), f"the bridge of {node.name} has begun", START_S)

    def publish(self, count, at=None):
        """Publishes so many messages at a constant rate; `at` has what else happens, by how many were published before."""
        began = time.monotonic()
        for i in range(count):
            for event in (at or {}).get(i, []):
                event()
            time.sleep(max(0, began + i * self.arguments.clients / COPIES_A_SECOND - time.monotonic()))
            self.published += 1
            entry = self.publisher.add(STREAM, {"payload": f"{self.published} message"})
            self.last_entry = entry.decode()
            self.number_of[self.last_entry] = self.published

    def bridges_are_at_the_end(self):
        """Whether each server has ended the broadcast of the last entry."""
        streams = [stream for node in self.nodes.values() for stream in node.ctl("streams")]
        return (len(streams) == len(NODES)
                and all(stream["id"] == self.last_entry and stream["state"] != "running" for stream in streams))

    def reported(self):
        """The numbers of the messages that a bridge has named as not published, or as uncertain."""
        entries = [entry for node in self.nodes.values() for entry in REPORTED.findall(node.bridge.text())]
        return {self.number_of[entry] for entry in entries if entry in self.number_of}

    def print_logs(self):
        """The last lines of each log."""
        for process in [self.redis, *(part for node in self.nodes.values() for part in (node.server, node.bridge))]:
            if os.path.exists(process.log):
                print(f"--- {os.path.basename(process.log)}", *process.text().splitlines()[-10:], sep="\n", file=sys.stderr)

    def close(self):
        if self.clients is not None:
            self.clients.close()
        for node in self.nodes.values():
            node.bridge.kill()
            node.server.kill()
        self.redis.kill()
        self.network.close()

    # ---- what is killed ----

    def restart_redis(self):
        """The publisher waits for it."""
        self.redis.kill()
        self.redis.start()

    def kill_server(self, name):
        self.nodes[name].server.kill()

    def start_server(self, name):
        if not self.nodes[name].server.is_running():
            self.nodes[name].start_server()

    def kill_bridge(self, name):
        self.nodes[name].bridge.kill()

    def start_bridge(self, name):
        if not self.nodes[name].bridge.is_running():
            self.nodes[name].bridge.start()

    def some_node(self):
        return self.random.choice(sorted(NODES))


# ---- the phases ----

# Each returns what happens, by the number of messages that were published before. What is killed is started again when
# a tenth of the messages has been published without it.

def nothing(site):
    return {}


def redis_dies(site):
    return {site.arguments.messages // 3: [site.restart_redis]}


def away(site, at, kill, start, name):
    return {at: [lambda: kill(name)], at + site.arguments.messages // 10: [lambda: start(name)]}


def a_server_dies(site):
    return away(site, site.arguments.messages // 3, site.kill_server, site.start_server, "node2")


def a_bridge_dies(site):
    return away(site, site.arguments.messages // 3, site.kill_bridge, site.start_bridge, "node1")


def all_at_random(site):
    events = {}
    last = site.arguments.messages * 9 // 10
    for _ in range(3):
        drawn = [away(site, site.random.randrange(last), site.kill_server, site.start_server, site.some_node()),
                 away(site, site.random.randrange(last), site.kill_bridge, site.start_bridge, site.some_node()),
                 {site.random.randrange(last): [site.restart_redis]}]
        for what in drawn:
            for at, calls in what.items():
                events.setdefault(at, []).extend(calls)
    return events


PHASES = {
    "nothing fails": nothing,
    "Redis is killed and starts again": redis_dies,
    "a server is killed and starts again": a_server_dies,
    "a bridge is killed and starts again": a_bridge_dies,
    "all of these, at random": all_at_random,
}


def wait_until_settled(site):
    """Waits until all servers have sent the last message, and then until all clients have it or nothing more comes."""
    wait_for(site.bridges_are_at_the_end, "each server has sent the last message", SETTLE_S)
    before = None
    while True:
        report = site.clients.ask("report")
        if report["least"] == site.published or report["received"] == before:
            return
        before = report["received"]
        time.sleep(1)


def run_phase(site, name, events):
    before, first, began = site.clients.ask("report"), site.published + 1, time.monotonic()
    site.publish(site.arguments.messages, events(site))
    wait_until_settled(site)
    after = site.clients.ask("report")
    missing = {int(number): count for number, count in site.clients.ask("missing")["missing"].items() if int(number) >= first}
    silent = sorted(set(missing) - site.reported())
    row = [name, site.arguments.messages, after["least"] - before["least"], after["most"] - before["most"],
           after["duplicates"] - before["duplicates"], after["disordered"] - before["disordered"], len(missing), len(silent),
           f"{time.monotonic() - began:.0f}"]
    print("| " + " | ".join(str(cell) for cell in row) + " |", flush=True)
    if silent:
        print(f"missed by some clients, and it was not reported: messages {silent}", file=sys.stderr)
    return not silent and row[4] == 0 and row[5] == 0


# ---- figures ----


def cpu_s(pid):
    """The CPU time of a process."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        words = file.read().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def time_of_copies(site):
    """The time from the publishing of a message until the last client has it."""
    times = []
    for _ in range(SINGLE_MESSAGES):
        began = time.monotonic_ns()
        site.publish(1)
        wait_for(lambda: site.clients.ask(f"arrival {site.published}")["count"] == site.arguments.clients,
                 f"all clients have message {site.published}", SETTLE_S)
        times.append((site.clients.ask(f"arrival {site.published}")["last_ns"] - began) / 1e6)
    print(f"\nFrom XADD to the last of {site.arguments.clients} copies: {statistics.median(times):.0f} ms, the median of "
          f"{SINGLE_MESSAGES} messages; at most {max(times):.0f} ms.")


def throughput_of_a_bridge(site):
    """How fast a bridge publishes entries that are already there, on a server without clients; and redis-cli by itself."""
    last = site.publisher.add_many("many", ENTRIES)
    node = Node("node1", site.folder, "many", port=PORT + 1, suffix=".many", options=["--from", "0"])
    node.start_server()
    try:
        began = time.monotonic()
        node.bridge.start()
        wait_for(lambda: [stream["id"] for stream in node.ctl("streams")] == [last], "all entries are published", SETTLE_S)
        took, cpu = time.monotonic() - began, cpu_s(node.bridge.process.pid) + cpu_s(node.server.process.pid)
    finally:
        node.bridge.kill()
        node.server.kill()
    before, began = os.times(), time.monotonic()
    run("redis-cli", "-h", BROKER, "XREAD", "COUNT", str(ENTRIES), "STREAMS", "many", "0", namespace="node1")
    read_s, after = time.monotonic() - began, os.times()
    read_cpu = after.children_user + after.children_system - before.children_user - before.children_system
    print(f"\nA bridge publishes {ENTRIES / took:.0f} entries a second, with {cpu / ENTRIES * 1e6:.0f} µs of CPU time each in the bridge and "
          f"the server; redis-cli reads {ENTRIES / read_s:.0f} a second, with {read_cpu / ENTRIES * 1e6:.0f} µs.")


def time_of_moving(site):
    """A node dies and stays dead while the health check runs. Returns the time until 99 % of all clients are answered again."""
    health = Process("balancer", [os.path.join(BALANCER, "udpsrv-balancer-health"), "nodes4",
                                  *(f"{address}:{PORT}" for address in NODES.values())], os.path.join(site.folder, "health.log"))
    others = {name: site.nodes[name].ctl("status")["clients"] for name in ("node1", "node3")}
    health.start()
    try:
        wait_for(lambda: "all nodes answer" in health.text(), "the health check has begun", START_S)
        began = time.monotonic()
        site.nodes["node2"].server.kill()
        wait_for(lambda: site.clients.ask(f"answered {int((time.monotonic() - began) * 1000)}")["answered"]
                   >= 0.99 * site.arguments.clients, "99 % of the clients are answered", 3 * HEARTBEAT_S)
        took = time.monotonic() - began
    finally:
        health.stop()
    gained = {name: site.nodes[name].ctl("status")["clients"] - before for name, before in others.items()}
    print(f"\nA node with {site.arguments.clients - sum(others.values())} clients dies: after {took:.1f} s 99 % of all clients are answered; "
          f"the others gained {gained['node1']} and {gained['node3']} clients, with a heartbeat of {HEARTBEAT_S} s.")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=100000)
    parser.add_argument("--messages", type=int, default=200, help="messages of each of the five phases (200)")
    parser.add_argument("--seed", type=int, default=1, help="of the last phase (1)")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    missing = [tool for tool in ("redis-server", "nft", "ip") if shutil.which(tool) is None]
    if missing or not can_make_namespaces():
        print("skipped: " + (f"{missing[0]} is missing; make deps-ecosystem installs it" if missing
                             else "only root can make network namespaces, where the host permits it"))
        return 0
    os.environ["PATH"] = BUILD + ":" + os.environ["PATH"] # the health check of the balancer runs udpcli
    passed = True
    with tempfile.TemporaryDirectory(prefix="udpsrv-scale-") as folder:
        site = Site(arguments, folder)
        try:
            site.start()
            print(f"{arguments.clients} clients of three nodes; seed {arguments.seed}\n")
            print("| phase | published | received by a client, least | most | duplicates | out of order | missed by some | of these not reported | s |")
            print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |", flush=True)
            for name, events in PHASES.items():
                passed = run_phase(site, name, events) and passed
            time_of_copies(site)
            throughput_of_a_bridge(site)
            time_of_moving(site)
        except AssertionError as failure:
            print(f"scale: {failure}", file=sys.stderr)
            site.print_logs()
            passed = False
        finally:
            site.close()
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
