"""Scenarios of an upgrade: another process of the same program takes over, and may get the fault, too."""

import os
import select
import signal
import time

import world
from run import STOP_S
from server_scenarios import REPLY_S, Service, udp_client

UPGRADE_S = 16.0 # the new process has 10 s until it is ready, and 2 s to take over

CONFIG = """[server]
workers = 2
listen = 127.0.0.1:3000, [::1]:3000, tcp:127.0.0.1:3001, unix:{folder}/chat
[control]
observer-socket = {folder}/observers
[clients]
max = 1000
[state]
file = {folder}/state
interval = 1s
[admission]
policy = open
"""


# With other listeners and workers each time, as another user, so that the sockets have to be given to it.
OTHERS = """[server]
workers = {workers}
user = nobody
listen = 127.0.0.1:3000, 239.1.2.3:3000, 239.1.2.3:3002{listen}
missing-address = wait
[control]
observer-socket = {folder}/{observers}
[clients]
max = 1000
[admission]
policy = open
"""
ONLY_AT_FIRST = """[state]
file = {folder}/state
"""
# A program that replaces itself by the server, with too few descriptors for what is handed over.
WITH_FEW_DESCRIPTORS = """#!/bin/sh
echo $$ >"{folder}/process"
ulimit -n 16
exec "{program}" "$@"
"""


class Upgraded(Service):
    """The service, whichever process serves: all of them have the same output."""

    process = None # that has taken over

    def alive(self):
        while self.program.read(0):
            pass
        self.program.ended()
        return self.serves and bool(self.program.readers)

    def upgrade(self, may_fail=False):
        """Upgrades the server. Without an answer it may serve, or not; with an error, the old process does. Returns whether another
        process is known to have taken over."""
        answer = world.command(self.run.socket, "upgrade", UPGRADE_S)
        if not answer:
            self.run.evidence += " the operator's connection was closed" if answer is not None else ""
            self.run.lost.append("the command 'upgrade' was not answered")
            return False
        if answer[0] == "ok":
            self.process = world.numbers(answer).get("to")
            return True
        if not may_fail:
            self.run.evidence += f" answer '{answer[0]}'"
            self.run.lost.append(f"the command 'upgrade' was answered by '{answer[0]}'")
        return False

    def begin_line(self, stream, text):
        """Sends the beginning of a line. The answer to the command says that the worker has had the time to read it."""
        try:
            if stream is not None:
                stream.send(text)
        except OSError: # the server has closed it, which the rest of the line shows
            pass
        self.command("stats")

    def flood(self, stream):
        """Sends more to a stream that does not read than the kernel keeps for it. Returns how many bytes."""
        payload, copies = b"a" * 60000, 5
        for _ in range(copies):
            self.command(f"broadcast wait {payload.hex()}")
        return copies * (len(payload) + 1) if stream is not None else 0

    def drain(self, stream, size):
        """Reads so many bytes, which the server has accepted for the stream."""
        got = 0
        while got < size and self.alive():
            data = world.receive(stream, 2 * REPLY_S)
            if not data:
                self.run.evidence += " the stream was closed" if data == b"" else ""
                self.run.lost.append(f"{got} of {size} bytes arrived on a stream")
                return
            got += len(data)

    def signal_process(self, number):
        try:
            os.kill(self.process, number)
        except ProcessLookupError: # it has ended, which the output shows
            pass

    def stop(self, number=signal.SIGTERM):
        """Ends the process that serves; all others must have ended, or the output stays open."""
        if self.process is None:
            super().stop(number)
            return
        self.signal_process(number)
        end = time.monotonic() + STOP_S
        while self.alive() and time.monotonic() < end:
            self.program.read(0.05)
        if self.program.readers:
            self.run.lost.append("a process has not ended after the upgrade")
            self.signal_process(signal.SIGKILL)
        self.run.finish(self.program)


def link_program(run):
    """Makes a link to the program, and returns its path in the folder of the run."""
    path = run.path("udpsrv")
    if os.path.lexists(path):
        os.unlink(path)
    os.symlink(os.path.join(run.programs, "udpsrv"), path)
    return "./udpsrv"


def upgrade(run):
    """Requests before and after an upgrade, and a second one. A stream has sent half of a line before, and another one has not read
    what it was sent. The program was started by a relative path and a link."""
    service = Upgraded(run, config=CONFIG.format(folder=run.folder), path=link_program(run))
    if not service.serves:
        service.end_without_start()
        return
    late, half = (run.client(world.connect_stream(address)) for address in (run.path("chat"), ("127.0.0.1", 3001)))
    service.line(late)
    size = service.flood(late)
    service.line(half)
    client = udp_client(run, ("127.0.0.1", 3000))
    service.request(client)
    service.begin_line(half, b"half of ")
    service.upgrade()
    service.drain(late, size)
    service.line(half, b"a line\n")
    service.request(client)
    service.upgrade()
    service.request(client)
    service.request(udp_client(run, ("::1", 3000)))
    for address in (("127.0.0.1", 3001), run.path("chat")):
        service.line(run.client(world.connect_stream(address)))
    service.command("status", path=run.path("observers"))
    service.stop()


def upgrade_to_others(run):
    """More workers, then fewer; listeners, with their streams, observers and a state file that come and go."""
    stages = [(1, ", unix:{folder}/chat, [fe80::1%absent0]:3000", "observers"), (3, ", 127.0.0.2:3000", "others"),
              (2, ", unix:{folder}/second", "others"), (1, "", "observers")]
    configs = [OTHERS.format(workers=workers, listen=listen.format(folder=run.folder), observers=observers, folder=run.folder)
               for workers, listen, observers in stages]
    os.chmod(run.folder, 0o777)
    service = Upgraded(run, config=configs[0] + ONLY_AT_FIRST.format(folder=run.folder))
    if not service.serves:
        service.end_without_start()
        return
    service.request(udp_client(run, ("127.0.0.1", 3000)))
    stream = run.client(world.connect_stream(run.path("chat")))
    service.line(stream)
    for config in configs[1:]:
        run.write("udpsrv.conf", config)
        if service.upgrade() and stream is not None and world.receive(stream, STOP_S) != b"":
            run.lost.append("a stream of a listener that is gone was not closed")
        for _ in range(4):
            service.request(udp_client(run, ("127.0.0.1", 3000)))
    service.stop()


def wait_for_end(path):
    """Waits until the process whose number is in the file, if there is one, has ended."""
    try:
        with open(path, encoding="ascii") as file:
            process = os.pidfd_open(int(file.read()))
    except (OSError, ValueError): # it was not started, or has ended
        return
    select.select([process], [], [], STOP_S)
    os.close(process)


def failed_upgrade(run):
    """A program that cannot take over, since it gets too few descriptors; then one that can. A server that does not find out by which
    path it was started does not start the former, but its own file."""
    service = Upgraded(run, config=CONFIG.format(folder=run.folder), path=link_program(run))
    if not service.serves:
        service.end_without_start()
        return
    client = udp_client(run, ("127.0.0.1", 3000))
    service.request(client)
    program = WITH_FEW_DESCRIPTORS.format(folder=run.folder, program=os.path.join(run.programs, "udpsrv"))
    os.chmod(run.write("udpsrv", program), 0o755)
    service.upgrade(may_fail=True)
    service.request(client)
    wait_for_end(run.path("process"))
    link_program(run)
    service.upgrade()
    service.request(client)
    service.stop()


SCENARIOS = {"upgrade": upgrade, "upgrade to other sockets": upgrade_to_others, "failed upgrade": failed_upgrade}
