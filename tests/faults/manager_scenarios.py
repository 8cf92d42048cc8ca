"""Scenarios of the server with a service manager: notifications, the watchdog, and sockets that it passes."""

import os
import socket
import time

import world
from server_scenarios import Service, udp_client
from upgrade_scenarios import Upgraded

NOTIFICATION_S = 1.5
BLOCKED_S = 2.0 # for the server to wait, after it has answered


class Manager:
    """Receives notifications, and opens the sockets that it passes."""

    def __init__(self, run):
        self.run, self.path, self.sockets, self.notifications = run, run.path("notify"), [], None
        self.restart()

    def restart(self):
        """Opens the socket for notifications, also in place of one that the server knows."""
        if self.notifications is not None:
            self.notifications.close()
            os.unlink(self.path)
        self.notifications = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notifications.bind(self.path)
        self.notifications.setblocking(False)

    def open(self, family, kind, address):
        """Opens a socket that is passed."""
        one = socket.socket(family, kind)
        if family == socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if family != socket.AF_UNIX:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if kind == socket.SOCK_DGRAM:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        one.bind(address)
        if kind == socket.SOCK_STREAM:
            one.listen()
        self.sockets.append(one)

    def open_without_group(self, address, count):
        """Opens UDP sockets that share a port, and that the kernel has in no group, since they were bound without SO_REUSEPORT: so it
        refuses to choose among them by a program."""
        opened = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(count)]
        for one in opened:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.bind(address)
        for one in opened:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self.sockets += opened

    def fill(self):
        """Fills the socket for notifications, until it is read."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            sender.connect(self.path)
            try:
                while True:
                    sender.send(b"of another process")
            except BlockingIOError:
                pass

    def empty(self):
        """Reads what is there."""
        while world.receive(self.notifications, 0) is not None:
            pass

    def expect(self, service, *texts):
        """Waits for a notification with each of the texts, in this order."""
        for text in texts:
            end, got = time.monotonic() + NOTIFICATION_S, b""
            while got is not None and text not in got:
                got = world.receive(self.notifications, max(0, end - time.monotonic()))
            if got is None and service.alive():
                self.run.lost.append(f"no notification {text!r}")

    def close(self):
        for one in [self.notifications, *self.sockets]:
            one.close()


CONFIG = """[server]
workers = 2
listen = 127.0.0.1:3000, [::]:3009, tcp:127.0.0.1:3001, unix:{folder}/chat
[control]
observer-socket = {folder}/observers
[clients]
max = 1000
[admission]
policy = open
"""


def service_manager(run):
    """All kinds of passed sockets; the notifications of a start, a reload and a stop; a manager that is started again."""
    manager = Manager(run)
    for _ in range(2):
        manager.open(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 3000))
        manager.open(socket.AF_INET6, socket.SOCK_DGRAM, ("::", 3009))
    manager.open(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 3001))
    for path in (run.path("chat"), run.socket, run.path("observers")):
        manager.open(socket.AF_UNIX, socket.SOCK_STREAM, path)
    environment = {"NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "400000", "LISTEN_FDNAMES": "udp:udp"}
    try:
        service = Service(run, config=CONFIG.format(folder=run.folder), env=environment, passed=manager.sockets)
        if not service.serves:
            service.end_without_start()
            return
        manager.expect(service, b"READY=1", b"WATCHDOG=1")
        for address in (("127.0.0.1", 3000), ("::1", 3009)):
            service.request(udp_client(run, address))
        for address in (("127.0.0.1", 3001), run.path("chat")):
            service.line(run.client(world.connect_stream(address)))
        service.command("status", path=run.path("observers"))
        service.command("reload")
        manager.expect(service, b"RELOADING=1", b"READY=1")
        manager.restart()
        manager.expect(service, b"WATCHDOG=1")
        service.balance()
        service.stop()
        manager.expect(service, b"STOPPING=1")
        for path in (run.path("chat"), run.socket, run.path("observers")):
            if not os.path.exists(path):
                run.lost.append(f"SENT: the server has removed {os.path.basename(path)}, which is the manager's")
    finally:
        manager.close()


FEWER_WORKERS = """[server]
workers = {workers}
listen = {listen}
[clients]
max = 1000
[admission]
policy = open
"""
MANY_COMMANDS = 400 # whose answers are more than the kernel keeps for a session


def is_in_poll(program):
    """Whether the first thread of the program waits in poll(2)."""
    try:
        with open(f"/proc/{program.process.pid}/wchan", encoding="ascii") as file:
            return file.read().startswith("poll_schedule_timeout")
    except OSError: # it has ended
        return False


def await_poll(service, session):
    """Waits until the server waits in poll(2). If there is a session, reads what it has, so that the server waits for something else."""
    end = time.monotonic() + BLOCKED_S
    while not service.program.ended() and time.monotonic() < end:
        if world.receive(session, 0) is None and is_in_poll(service.program):
            return
        time.sleep(0.005)


def upgrade_with_manager(run):
    """An upgrade to fewer workers, while a session of an operator and the manager do not read: the server waits for both before it
    leaves. The passed sockets are given up, since their number cannot change."""
    manager = Manager(run)
    manager.open_without_group(("127.0.0.1", 3000), 2)
    before, after = (FEWER_WORKERS.format(workers=workers, listen=listen)
                     for workers, listen in ((2, "127.0.0.1:3000, 127.0.0.2:3000"), (1, "127.0.0.2:3000")))
    try:
        service = Upgraded(run, config=before, env={"NOTIFY_SOCKET": manager.path}, passed=manager.sockets)
        if not service.serves:
            service.end_without_start()
            return
        manager.expect(service, b"READY=1")
        client = udp_client(run, ("127.0.0.2", 3000))
        service.request(client)
        session = run.client(world.connect_stream(run.socket))
        if session is not None:
            session.send(b"config\n" * MANY_COMMANDS)
        run.write("udpsrv.conf", after)
        manager.fill()
        if service.upgrade():
            await_poll(service, None)
            await_poll(service, session)
            manager.expect(service, b"MAINPID=", b"READY=1")
        manager.empty()
        service.request(client)
        service.stop()
    finally:
        manager.close()


SCENARIOS = {"service manager": service_manager, "upgrade with a service manager": upgrade_with_manager}
