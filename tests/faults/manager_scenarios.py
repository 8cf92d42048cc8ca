"""Scenarios of the server with a service manager: notifications, the watchdog, and sockets that it passes."""

import os
import socket
import time

import world
from server_scenarios import Service, udp_client

NOTIFICATION_S = 1.5


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


SCENARIOS = {"service manager": service_manager}
