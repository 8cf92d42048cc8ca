"""Scenarios of the tools with frames: broadcasts that are confirmed, and names."""

import os
import time

import world
from frame_scenarios import HELLO, NAMED, OPEN_STATES, confirm_frame, device_key, write_key
from run import STOP_S
from tool_scenarios import members, udpctl

CONFIG = """[server]
listen = 127.0.0.1:3000
[reply]
message = audi
[clients]
max = 1000
names = trusted
"""


def devices(run, *names):
    """Registers clients that get frames, with these names."""
    clients = members(run, len(names))
    for client, name in zip(clients, names):
        client.send(HELLO + b"\1" + name)
        if (world.receive(client, 2) or b"")[:5] != NAMED:
            raise RuntimeError("a hello of the scenario was not answered")
    return clients


def confirm_while(program, client, payload):
    """The client confirms the message, unless the program ends before it sends one. Returns whether it did."""
    while not program.ended():
        program.read(0)
        if confirm_frame(client, payload, 0.02):
            return True
    return confirm_frame(client, payload, 0)


def expect_confirmation(run, program, confirmed):
    if program.status == 0 and not confirmed:
        run.lost.append("SENT: udpctl reported success, and the client has confirmed nothing")


def ctl_confirm(run):
    """A broadcast and a message to one client that are confirmed, and the lists of a job."""
    run.server(CONFIG)
    lamp, = devices(run, b"lamp-7")
    program = udpctl(run, "broadcast", "--confirm", "--within", "1s", "news")
    confirmed = confirm_while(program, lamp, b"news")
    run.finish(program, b"confirmed")
    expect_confirmation(run, program, confirmed)
    address = "%s:%d" % lamp.getsockname()[:2]
    run.finish(udpctl(run, "job", "1", "--confirmed"), address.encode())
    run.finish(udpctl(run, "job", "1", "--silent"))
    program = udpctl(run, "send", "--confirm", "--within", "1s", "@lamp-7", "only for you")
    confirmed = confirm_while(program, lamp, b"only for you")
    run.finish(program, b"confirmed")
    expect_confirmation(run, program, confirmed)
    run.finish(udpctl(run, "--json", "client", "@lamp-7"), b"lamp-7")


def ctl_key(run):
    """The key of a device, from the file only; a file that others may read."""
    path = write_key(run)
    key = device_key(b"lamp-7").hex().encode()
    run.finish(udpctl(run, "key", "lamp-7", "--key-file", path), key)
    run.finish(udpctl(run, "--json", "key", "lamp-7", "--key-file", path), key)
    os.chmod(path, 0o644)
    refused = run.finish(udpctl(run, "key", "lamp-7", "--key-file", path), statuses=(1,))
    if key in refused.output:
        run.lost.append("SENT: udpctl prints a key from a file that others may read")


def cli_confirm(run):
    """A session that says hello with a name, and confirms a broadcast."""
    run.server(CONFIG)
    program = run.start("udpcli", "--name", "lamp-7", "-w", "500ms", "127.0.0.1")
    program.write(b"hi\n")
    wait_for(program, lambda: "lamp-7" in " ".join(world.command(run.socket, "clients") or []))
    job = world.numbers(world.command(run.socket, "broadcast nowait confirm within=4s " + b"news".hex())).get("id")
    wait_for(program, lambda: b"news" in program.output and not is_open(run, job))
    program.close_input()
    run.finish(program, b"audi", b"news")
    answer = " ".join(world.command(run.socket, f"job {job}") or [])
    if program.status == 0 and "confirmed=1" not in answer:
        run.lost.append(f"udpcli has not confirmed the message: {answer}")


def wait_for(program, done):
    """Waits for an event while the program runs; the scenario judges what is missing."""
    end = time.monotonic() + STOP_S
    while not program.ended() and time.monotonic() < end and not done():
        program.read(0.02)


def is_open(run, job):
    answer = world.command(run.socket, f"job {job}") or []
    return len(answer) > 1 and answer[1].split()[2] in OPEN_STATES


def load_confirm(run):
    """A broadcast that simulated clients confirm. A client that a fault silences delays its end by as much as 30 s."""
    run.server(CONFIG)
    program = run.start("udpload", "--fanout", "--confirm", "--control", run.socket, "-c", "10", "-t", "300ms", "--max-loss", "50",
                        "127.0.0.1")
    run.finish(program, b"confirmed", statuses=(0, 3, 4), within_s=45)


SCENARIOS = {"udpctl confirm": ctl_confirm, "udpctl key": ctl_key, "udpcli confirm": cli_confirm, "udpload confirm": load_confirm}
