"""Starts and stops udpsrv and the bare servers, and reads their counters."""

import json
import os
import subprocess

import parsers
from processes import MeasurementError, Process, run


class Server:
    """A program that answers datagrams at an address."""

    def __init__(self, process, address):
        self.process, self.address, self.pid = process, address, process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.end()

    def finish(self):
        """Stops the server. Returns the number of requests that it received, or None if that is not known."""
        self.process.stop((0, -15))


class BareServer(Server):
    """A bare server of tests/bench/bare, which prints its counts at its end."""

    def finish(self):
        return parsers.words(self.process.stop())["received"]


class Udpsrv(Server):
    """udpsrv with its control socket."""

    def __init__(self, process, address, bench, socket, path):
        super().__init__(process, address)
        self.bench, self.socket, self.path = bench, socket, path

    def control(self, *words):
        """Runs a command of udpctl and returns its answer, parsed from JSON."""
        out, _ = run(self.bench, self.control_argv(*words))
        return json.loads(out)

    def control_argv(self, *words):
        return [self.bench.program("udpctl"), "-t", "300", "-s", self.socket, "--json", *words]

    def configure(self, text):
        """Replaces the configuration file and reloads it."""
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(text)
        self.control("reload")

    def finish(self):
        received = self.control("stats")["received"]
        self.process.stop()
        return received


def start_bare(bench, name, address="127.0.0.1:0", wrap=()):
    """Starts a bare server of that program name."""
    argv = [bench.program(f"bench/bare/{name}"), address]
    process = Process(bench, argv, bench.server_cpu, wrap=wrap)
    try:
        return BareServer(process, _reachable(parsers.ready_address(process.line())))
    except BaseException:
        process.end()
        raise


def _reachable(address):
    return address.replace("0.0.0.0:", "127.0.0.1:")


def config_file(bench, text):
    path = bench.path("conf")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def start_udpsrv(bench, config="", address="127.0.0.1:0", wrap=(), namespace=None, cpus=None):
    """Starts udpsrv. config is added to the configuration that loopback needs."""
    socket = bench.path("sock")
    path = config_file(bench, config if "policy" in config
                       else "[admission]\npolicy = open\n" + config)
    process = Process(bench, [bench.program("udpsrv"), "-c", path, "-s", socket, "-l", address],
                  cpus or bench.server_cpu, namespace, wrap)
    try:
        return Udpsrv(process, _reachable(parsers.ready_address(process.line())), bench, socket, path)
    except BaseException:
        process.end()
        raise


def config_error(bench, config):
    """Returns why udpsrv does not start with this configuration, or an empty text if it does."""
    result = subprocess.run([bench.program("udpsrv"), "-t", "-c", config_file(bench, config)],
                            capture_output=True, text=True, check=False)
    return "" if result.returncode == 0 else result.stderr.strip().splitlines()[0]


def stop_and_check(server, requests):
    """Stops a server and checks that it has received this number of requests."""
    received = server.finish()
    if received is not None and received != requests:
        name = os.path.basename(server.process.argv[0])
        raise MeasurementError(f"{name} received {received} requests, {requests} were sent")
