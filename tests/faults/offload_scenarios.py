"""Scenarios of the server with the offload: an XDP program in the kernel answers its clients at one end of a veth pair, in the generic
path, and in the driver, where it also sends the copies of broadcasts."""

import contextlib
import errno
import functools
import os
import re
import socket
import subprocess
import sys
import time

import world
from frame_scenarios import confirmed_broadcast, hello
from run import Skipped
from server_scenarios import Service
from upgrade_scenarios import Upgraded

sys.path.insert(0, os.path.join(world.FOLDER, "..", "ecosystem"))
from network import PREFIX, Namespaces, await_ipv6, complete_checksums, run as call, sockets_in  # noqa: E402
from xdp import SYS_BPF, XDP_PASS, attach_constant  # noqa: E402

ADDRESSES = (("10.8.0.1", 3000), ("fd08::1", 3000))
SOL_PACKET, PACKET_QDISC_BYPASS = 263, 20 # linux/if_packet.h
CONFIG = """[server]
workers = {workers}
listen = {listen}
[offload]
mode = {mode}
interface = {interfaces}
[clients]
max = 1000
ttl = {ttl}
sweep = {sweep}
[reply]
{reply}
[broadcast]
rate = {rate}
[admission]
policy = open
"""
TURNS = 4      # the first two datagrams of a client go to the sockets
EXPIRY_S = 3.0 # above the ttl and a sweep
# What the server says if the offload cannot be had; with these reasons, the host does not permit bpf(2) or its kernel is too old.
REFUSED = re.compile(rb"cannot (?:load|attach) the offload.*|the offload is not (?:loaded|attached).*")
REASONS = (b"Operation not permitted", b"Operation not supported")
REFUSALS = (errno.EPERM, errno.EACCES, errno.EOPNOTSUPP, errno.ENOSYS)


def config(workers=1, mode="generic", interfaces="near", ttl="1m", sweep="1m", reply="message = audi", rate=0):
    """A sweep reads counters, so without one in a scenario each run makes the same calls."""
    listen = ", ".join(f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in ADDRESSES)
    return CONFIG.format(workers=workers, listen=listen, mode=mode, interfaces=interfaces, ttl=ttl, sweep=sweep, reply=reply, rate=rate)


def make_clients(run, addresses=ADDRESSES):
    return [run.client(one) for one in sockets_in("clients", lambda: [world.connect_udp(one) for one in addresses])]


def skip_if_not_permitted(service):
    """Without a fault, it is the host that refuses the offload."""
    refused = REFUSED.search(service.program.errors) if service.run.plan is None else None
    if refused and any(reason in refused.group() for reason in REASONS):
        raise Skipped(refused.group().decode())


def starts(service):
    service.alive()
    skip_if_not_permitted(service)
    if not service.serves:
        service.end_without_start()
    return service.serves


def count(service, name):
    """A counter of the server; None without an answer."""
    return world.numbers(service.command("stats")).get(name)


def expect_offload(service, clients, message=b"audi"):
    """All requests are answered, and some of each client by the program."""
    before = count(service, "offload_replied")
    for client in clients:
        for _ in range(TURNS):
            service.request(client, expected=[message])
    after = count(service, "offload_replied")
    if service.alive() and before is not None and after is not None and after < before + len(clients):
        service.run.lost.append(f"the program has answered {after - before} requests of {len(clients)} clients")


def expect_attached(service, interfaces, drops=0):
    """The command names what is wrong with an interface, and has at least so many drops of each."""
    for line in (service.command("offload") or ())[1:]:
        _, name, _, attached, _, _, _, dropped, *problem = line.split()
        interfaces = [one for one in interfaces if one != name or attached != "yes"]
        service.run.evidence += "".join(f" {name} {word}" for word in problem)
        if int(dropped) < drops:
            service.run.lost.append(f"the interface has dropped {drops} frames, and not {dropped}")
    if interfaces and service.alive():
        service.run.lost.append(f"the program is not attached to {interfaces}")


def serve(run):
    """Requests, a broadcast, a kick, other messages, and echo."""
    service = Service(run, config=config(workers=2))
    if not starts(service):
        return
    clients = make_clients(run, ADDRESSES * 2)
    expect_offload(service, clients)
    expect_attached(service, ["near"])
    service.broadcast(b"good evening", clients)
    service.command("kick to=fd08::1")
    expect_offload(service, clients)
    for reply, expected in (("message = vw", b"vw"), ("mode = echo", b"hi")):
        run.write("udpsrv.conf", config(workers=2, reply=reply))
        if (service.command("reload") or [""])[0] == "ok":
            expect_offload(service, clients, expected)
    service.balance()
    service.stop()
    service.expect_in_log(b" stopped received=")


def expire(run):
    """A client lives by what the program answers, and expires when it is silent; others take its place."""
    service = Service(run, config=config(ttl="600ms", sweep="100ms"))
    if not starts(service):
        return
    expect_offload(service, make_clients(run))
    end = time.monotonic() + EXPIRY_S
    while service.alive() and world.numbers(service.command("stats")).get("expired", 0) < len(ADDRESSES):
        if time.monotonic() > end:
            run.lost.append("silent clients do not expire")
            break
        service.program.read(0.05)
    expect_offload(service, make_clients(run))
    service.balance()
    service.stop()


def upgrade(run):
    """The program stays attached and goes on to answer, also with another number of workers."""
    service = Upgraded(run, config=config())
    if not starts(service):
        return
    clients = make_clients(run)
    expect_offload(service, clients)
    for workers in (1, 2):
        run.write("udpsrv.conf", config(workers=workers))
        service.upgrade()
        expect_offload(service, clients)
        expect_attached(service, ["near"])
    service.balance()
    service.stop()


def fall_back(run):
    """Under mode = auto the service starts and answers whatever the offload cannot do."""
    service = Service(run, config=config(mode="auto", interfaces="near, lan"))
    if not starts(service):
        if REFUSED.search(service.program.errors):
            run.lost.append("SENT: mode = auto says that the service goes on without the offload, and it does not")
        return
    expect_offload(service, make_clients(run))
    expect_attached(service, ["near", "lan"])
    service.balance()
    service.stop()


class Pair(Namespaces):
    """A veth pair with one end here and the other one in the namespace of the clients, where a program passes everything: without one,
    veth loses each frame that the program of this end sends. The clients complete their checksums, as other hosts do."""

    def __init__(self):
        self.link = -1
        super().__init__(["clients"])
        try:
            self.connect()
        except BaseException:
            self.close()
            raise

    def connect(self):
        """The first frame is dropped, since the other end is down."""
        world.ip(f"link add near type veth peer name away netns {PREFIX}clients", "link set near up", "addr add 10.8.0.1/24 dev near",
                 "addr add fd08::1/64 dev near nodad")
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as dropped:
            dropped.setsockopt(SOL_PACKET, PACKET_QDISC_BYPASS, 1)
            dropped.bind(("near", 0))
            with contextlib.suppress(OSError): # ENOBUFS
                dropped.send(bytes(60))
        call("ip", "-batch", "-", namespace="clients",
             input="link set away up\naddr add 10.8.0.2/24 dev away\naddr add fd08::2/64 dev away nodad\n")
        for namespace in (None, "clients"):
            await_ipv6(namespace)
        complete_checksums("clients", "away")
        self.link = sockets_in("clients", lambda: attach_constant(XDP_PASS, "away"))

    def close(self):
        if self.link >= 0:
            os.close(self.link)
        subprocess.run(["ip", "link", "del", "near"], stderr=subprocess.DEVNULL, check=False) # both ends, also before the sockets there
        super().close()


def make_pair(run):
    """Without a fault, it is the host that refuses the program of the clients' end."""
    if SYS_BPF is None:
        raise Skipped("the number of bpf(2) is not known for this processor")
    try:
        return Pair()
    except OSError as error:
        if run.plan is None and error.errno in REFUSALS:
            raise Skipped(f"no XDP program can be attached to a veth: {error}") from error
        raise


def expect_frames(service, before, expected):
    """So many copies have left as frames, or the server reports why not."""
    after = count(service, "offload_copies")
    if service.alive() and before is not None and after is not None and after < before + expected:
        service.run.lost.append(f"the program has sent {after - before} copies of {expected}")


def expect_no_second_copy(service, clients, payload):
    """What each client gets next is a reply."""
    for client in clients:
        if service.request(client) == payload:
            service.run.lost.append("SENT: a client got a second copy")


def send_copies(run):
    """To devices, which confirm, and to other clients; by the sockets to one that the program has not seen."""
    service = Service(run, config=config(mode="native", rate=1000000))
    if not starts(service):
        return
    clients = make_clients(run, ADDRESSES * 2)
    expect_offload(service, clients)
    devices = [client for client in clients[:2] if hello(service, client, b"\1") is not None]
    plain = [client for client in clients if client not in devices]
    unseen = make_clients(run, ADDRESSES[:1])
    service.request(unseen[0])
    before = count(service, "offload_copies")
    if service.broadcast(b"good evening", clients + unseen):
        expect_frames(service, before, len(clients))
        expect_no_second_copy(service, clients + unseen, b"good evening")
    before = count(service, "offload_copies")
    if confirmed_broadcast(service, b"good night", devices, plain + unseen):
        expect_frames(service, before, len(clients))
        expect_no_second_copy(service, plain + unseen, b"good night")
    expect_attached(service, ["near"], drops=1)
    service.balance()
    service.stop()


def on_a_pair(scenario):
    """The scenario, on a veth pair of its own."""
    @functools.wraps(scenario)
    def run_on_a_pair(run):
        with make_pair(run):
            scenario(run)

    # That only these scenarios reach, which some hosts cannot run.
    run_on_a_pair.sites = ["net/offload/*", "net/interface/interface:interface_send_drops:*",
                           "net/interface/interface:interface_has_driver:*", "net/interface/interface_links:*"]
    return run_on_a_pair


SCENARIOS = {"offload": serve, "offload expiry": expire, "offload upgrade": upgrade, "offload auto": fall_back, "offload copies": send_copies}
SCENARIOS = {name: on_a_pair(scenario) for name, scenario in SCENARIOS.items()}
SCENARIOS["offload copies"].sites = ["net/offload/bpf_call:bpf_program_send_frames:*", "net/offload/offload:offload_link:*",
                                     "net/offload/offload:read_link:*"]
