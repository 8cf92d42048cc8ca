"""Scenarios of the server with the offload: an XDP program in the kernel answers its clients, at the loopback interface in the generic
path, and at one end of a veth pair in the driver."""

import re
import time

import world
from run import Skipped
from server_scenarios import Service, udp_client
from upgrade_scenarios import Upgraded

ADDRESSES = (("127.0.0.1", 3000), ("::1", 3000))
CONFIG = """[server]
workers = {workers}
listen = 127.0.0.1:3000, [::1]:3000
[offload]
mode = {mode}
interface = {interfaces}
[clients]
max = 1000
ttl = {ttl}
sweep = {sweep}
[reply]
{reply}
[admission]
policy = open
"""
TURNS = 4      # the first two datagrams of a client go to the sockets
EXPIRY_S = 3.0 # above the ttl and a sweep
# What the server says if the offload cannot be had; with these reasons, the host does not permit bpf(2) or its kernel is too old.
REFUSED = re.compile(rb"cannot (?:load|attach) the offload.*|the offload is not (?:loaded|attached).*")
REASONS = (b"Operation not permitted", b"Operation not supported")


def config(workers=1, mode="generic", interfaces="lo", ttl="1m", sweep="1m", reply="message = audi"):
    """A sweep reads counters, so without one in a scenario each run makes the same calls."""
    return CONFIG.format(workers=workers, mode=mode, interfaces=interfaces, ttl=ttl, sweep=sweep, reply=reply)


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


def offloaded(service):
    """How many requests the program has answered; None without an answer."""
    return world.numbers(service.command("stats")).get("offload_replied")


def expect_offload(service, clients, message=b"audi"):
    """All requests are answered, and some of each client by the program."""
    before = offloaded(service)
    for client in clients:
        for _ in range(TURNS):
            service.request(client, expected=[message])
    after = offloaded(service)
    if service.alive() and before is not None and after is not None and after < before + len(clients):
        service.run.lost.append(f"the program has answered {after - before} requests of {len(clients)} clients")


def expect_attached(service, interfaces):
    """The command names what is wrong with an interface."""
    for line in (service.command("offload") or ())[1:]:
        _, name, _, attached, _, _, *problem = line.split()
        interfaces = [one for one in interfaces if one != name or attached != "yes"]
        service.run.evidence += "".join(f" {name} {word}" for word in problem)
    if interfaces and service.alive():
        service.run.lost.append(f"the program is not attached to {interfaces}")


def serve(run):
    """Requests, a broadcast, a kick, other messages, and echo."""
    service = Service(run, config=config(workers=2))
    if not starts(service):
        return
    clients = [udp_client(run, address) for address in ADDRESSES * 2]
    expect_offload(service, clients)
    expect_attached(service, ["lo"])
    service.broadcast(b"good evening", clients)
    service.command("kick to=::1")
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
    expect_offload(service, [udp_client(run, address) for address in ADDRESSES])
    end = time.monotonic() + EXPIRY_S
    while service.alive() and world.numbers(service.command("stats")).get("expired", 0) < len(ADDRESSES):
        if time.monotonic() > end:
            run.lost.append("silent clients do not expire")
            break
        service.program.read(0.05)
    expect_offload(service, [udp_client(run, address) for address in ADDRESSES])
    service.balance()
    service.stop()


def upgrade(run):
    """The program stays attached and goes on to answer, also with another number of workers."""
    service = Upgraded(run, config=config())
    if not starts(service):
        return
    clients = [udp_client(run, address) for address in ADDRESSES]
    expect_offload(service, clients)
    for workers in (1, 2):
        run.write("udpsrv.conf", config(workers=workers))
        service.upgrade()
        expect_offload(service, clients)
        expect_attached(service, ["lo"])
    service.balance()
    service.stop()


def fall_back(run):
    """Under mode = auto the service starts and answers whatever the offload cannot do."""
    service = Service(run, config=config(mode="auto", interfaces="lo, lan"))
    if not starts(service):
        if REFUSED.search(service.program.errors):
            run.lost.append("SENT: mode = auto says that the service goes on without the offload, and it does not")
        return
    expect_offload(service, [udp_client(run, address) for address in ADDRESSES])
    expect_attached(service, ["lo", "lan"])
    service.balance()
    service.stop()


SCENARIOS = {"offload": serve, "offload expiry": expire, "offload upgrade": upgrade, "offload auto": fall_back}
for scenario in SCENARIOS.values():
    scenario.sites = ["net/offload/*"] # that only these scenarios reach, which some hosts cannot run
