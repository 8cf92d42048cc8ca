"""Our server and the bare loops: started, asked for what they counted, stopped."""

import json
import os
import subprocess

import parsers
from children import Broken, Child, run


class Server:
    """Something that answers datagrams at an address."""

    def __init__(self, child, address):
        self.child, self.address, self.pid = child, address, child.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.end()

    def finish(self):
        """Stops it. Returns how many requests it has received, or None if it doesn't say."""
        self.child.stop((0, -15))


class Bare(Server):
    """A bare loop of tests/bench, which says at its end what it counted."""

    def finish(self):
        return parsers.words(self.child.stop())["received"]


class Ours(Server):
    """udpsrv, and its operator's socket."""

    def __init__(self, child, address, bench, socket, path):
        super().__init__(child, address)
        self.bench, self.socket, self.path = bench, socket, path

    def control(self, *words):
        """What udpctl answers, the JSON of it read."""
        out, _ = run(self.bench, self.control_argv(*words))
        return json.loads(out)

    def control_argv(self, *words):
        return [self.bench.program("udpctl"), "-t", "300", "-s", self.socket, "--json", *words]

    def configure(self, text):
        """Replaces its configuration while it runs."""
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(text)
        self.control("reload")

    def finish(self):
        received = self.control("stats")["received"]
        self.child.stop()
        return received


def start_bare(bench, name, address="127.0.0.1:0", wrap=()):
    """Starts a bare server by the name of its program."""
    child = Child(bench, [bench.program(f"bench/{name}"), address], bench.server_cpu, wrap=wrap)
    try:
        return Bare(child, _reachable(parsers.ready_address(child.line())))
    except BaseException:
        child.end()
        raise


def _reachable(address):
    return address.replace("0.0.0.0:", "127.0.0.1:")


def config_file(bench, text):
    path = bench.path("conf")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def start_ours(bench, config="", address="127.0.0.1:0", wrap=(), namespace=None, cpus=None):
    """Starts udpsrv; config is the text of its file beside what loopback needs."""
    socket = bench.path("sock")
    path = config_file(bench, config if "policy" in config
                       else "[admission]\npolicy = open\n" + config)
    child = Child(bench, [bench.program("udpsrv"), "-c", path, "-s", socket, "-l", address],
                  cpus or bench.server_cpu, namespace, wrap)
    try:
        return Ours(child, _reachable(parsers.ready_address(child.line())), bench, socket, path)
    except BaseException:
        child.end()
        raise


def refusal(bench, config):
    """Why udpsrv wouldn't start with this configuration; empty if it would."""
    result = subprocess.run([bench.program("udpsrv"), "-t", "-c", config_file(bench, config)],
                            capture_output=True, text=True, check=False)
    return "" if result.returncode == 0 else result.stderr.strip().splitlines()[0]


def ends_with(server, requests):
    """Stops a server that should have received so many."""
    received = server.finish()
    if received is not None and received != requests:
        raise Broken(f"{os.path.basename(server.child.argv[0])} received {received} requests, "
                     f"{requests} were sent")
