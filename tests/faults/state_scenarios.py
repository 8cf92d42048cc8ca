"""Scenarios of the server with a state file: it is written while the server runs and at its end, and read at the next start."""

import os
import time

import world
from server_scenarios import Service, udp_client

CONFIG = """[server]
listen = 127.0.0.1:3000
[clients]
ttl = 10m
[state]
file = {folder}/state
interval = 1s
"""
QUIET_S = 0.2 # a copy would have arrived
WRITTEN_S = 3 # above the interval and what a snapshot takes


def wait_for_file(service, path):
    """Waits for the snapshot of the first interval; without one the log says why."""
    end = time.monotonic() + WRITTEN_S
    while service.alive() and not os.path.exists(path) and b"cannot write the state file" not in service.program.errors:
        if time.monotonic() > end:
            service.run.lost.append("the state file is not written while the server runs")
            return
        time.sleep(0.02)


def restart(run):
    """A client is known after a restart, without a datagram from it."""
    config, path = CONFIG.format(folder=run.folder), run.path("state")
    first = Service(run, config=config)
    if not first.serves:
        first.end_without_start()
        return
    client = udp_client(run, ("127.0.0.1", 3000))
    first.request(client)
    wait_for_file(first, path)
    first.balance()
    first.stop()
    second = Service(run, config=config)
    if not second.serves:
        second.end_without_start()
        return
    second.broadcast(b"good evening", [client])
    second.stop()


def publish(service, client, entry):
    """Broadcasts an entry of a stream: an answer says that it was sent, or that it was refused, and then it is not."""
    payload = f"entry {entry}".encode()
    answer = service.command(f"broadcast wait key=orders:{entry} {payload.hex()}")
    if not answer or not service.alive():
        return
    if answer[0] == "ok" and "sent 1" in answer and not service.receive_copy(client, payload):
        service.run.lost.append(f"SENT: entry {entry} is reported as sent, and did not arrive")
    if answer[0] != "ok" and world.receive(client, QUIET_S) == payload:
        service.run.lost.append(f"SENT: entry {entry} was refused, and sent")


def expect_published(service, entry):
    """What was published is a duplicate; unless the journal could not be used, which the log says."""
    answer = service.command(f"broadcast wait key=orders:{entry} 00")
    if answer and answer[0] == "ok" and "state duplicate" not in answer:
        service.run.lost.append(f"entry {entry} is published again")


def published(run):
    """Broadcasts with keys, of which none is sent again after a restart."""
    config = CONFIG.format(folder=run.folder)
    with open(run.path("state.streams.new"), "wb") as file:
        file.write(b"what a crash has left")
    first = Service(run, config=config)
    if not first.serves:
        first.end_without_start()
        return
    client = udp_client(run, ("127.0.0.1", 3000))
    first.request(client)
    for entry in (5, 6):
        publish(first, client, entry)
    first.stop()
    second = Service(run, config=config)
    if not second.serves:
        second.end_without_start()
        return
    second.request(client)
    expect_published(second, 5)
    publish(second, client, 7)
    second.stop()


def damaged(run):
    """A file that cannot be used is kept aside, and the server serves without it."""
    with open(run.path("state"), "wb") as file:
        file.write(b"no state of a server")
    service = Service(run, config=CONFIG.format(folder=run.folder))
    if not service.serves:
        service.end_without_start()
        return
    service.request(udp_client(run, ("127.0.0.1", 3000)))
    if service.alive() and not os.path.exists(run.path("state.bad")):
        run.lost.append("the damaged file is not kept aside")
    service.stop()
    service.expect_in_log(b"cannot restore the clients")


def checked(run):
    """The test of a configuration reports what is wrong with the file and its directory, and makes none."""
    config, path = run.write("udpsrv.conf", CONFIG.format(folder=run.folder)), run.path("state")
    run.finish(run.start("udpsrv", "-t", "-c", config))
    with open(path, "wb") as file:
        file.write(b"no state of a server")
    run.finish(run.start("udpsrv", "-t", "-c", config))
    os.remove(path)
    os.symlink("nowhere", path)
    refused = run.finish(run.start("udpsrv", "-t", "-c", config), statuses=(78,))
    if refused.status == 78 and b"state" not in refused.errors + refused.output:
        run.lost.append("udpsrv does not say which state file is wrong")
    if os.path.exists(path + ".lock"):
        run.lost.append("a test has locked the file")


SCENARIOS = {"check the state file": checked, "restart with a state file": restart, "damaged state file": damaged,
             "publish": published}
