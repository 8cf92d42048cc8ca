"""Scenarios of an upgrade: another process of the same program takes over, and may get the fault, too."""

import os
import signal
import time

import world
from run import STOP_S
from server_scenarios import Service, udp_client

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


class Upgraded(Service):
    """The service, whichever process serves: all of them have the same output."""

    process = None # that has taken over

    def alive(self):
        while self.program.read(0):
            pass
        self.program.ended()
        return self.serves and bool(self.program.readers)

    def upgrade(self):
        """Upgrades the server. Without an answer it may serve, or not; with an error, the old process does."""
        answer = world.command(self.run.socket, "upgrade", UPGRADE_S)
        if not answer:
            self.run.evidence += " the operator's connection was closed" if answer is not None else ""
            self.run.lost.append("the command 'upgrade' was not answered")
        elif answer[0] == "ok":
            self.process = world.numbers(answer).get("to")
        else:
            self.run.evidence += f" answer '{answer[0]}'"

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


def upgrade(run):
    """Requests before and after an upgrade, and a second one."""
    service = Upgraded(run, config=CONFIG.format(folder=run.folder))
    if not service.serves:
        service.end_without_start()
        return
    client = udp_client(run, ("127.0.0.1", 3000))
    service.request(client)
    for _ in range(2):
        service.upgrade()
        service.request(client)
        service.request(udp_client(run, ("::1", 3000)))
    for address in (("127.0.0.1", 3001), run.path("chat")):
        service.line(run.client(world.connect_stream(address)))
    service.command("status", path=run.path("observers"))
    service.stop()


def upgrade_to_others(run):
    """More workers, then fewer; listeners and observers that come and go."""
    stages = [(1, ", unix:{folder}/chat, [fe80::1%absent0]:3000", "observers"), (3, ", 127.0.0.2:3000", "others"),
              (2, ", unix:{folder}/second", "others"), (1, "", "observers")]
    configs = [OTHERS.format(workers=workers, listen=listen.format(folder=run.folder), observers=observers, folder=run.folder)
               for workers, listen, observers in stages]
    os.chmod(run.folder, 0o777)
    service = Upgraded(run, config=configs[0])
    if not service.serves:
        service.end_without_start()
        return
    service.request(udp_client(run, ("127.0.0.1", 3000)))
    for config in configs[1:]:
        run.write("udpsrv.conf", config)
        service.upgrade()
        for _ in range(4):
            service.request(udp_client(run, ("127.0.0.1", 3000)))
    service.stop()


SCENARIOS = {"upgrade": upgrade, "upgrade to other sockets": upgrade_to_others}
