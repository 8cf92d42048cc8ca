"""Scenarios in which the server gets the faults."""

import os
import select
import signal
import socket
import time

import world
from run import START_S, STOP_S

OUTCOMES = """replied silent challenged ponged named confirmed confirmed_again left reply_failed challenge_failed drop_oversize
drop_port_zero drop_own_source drop_multicast drop_denied drop_limited drop_bad_frame""".split()
# Counters which say that something did not reach its destination.
FAILURES = """reply_failed challenge_failed kernel_drops copies_failed streams_refused streams_slow streams_denied refused_full
relay_dropped""".split()
REPLY_S, TRIES = 0.4, 3


class Service:
    """The server under test and its clients."""

    def __init__(self, run, *arguments, config, **how):
        self.run, self.sent, self.replies = run, 0, 0
        self.config = run.write("udpsrv.conf", config)
        self.program = run.start("udpsrv", "-s", run.socket, "-c", self.config, *arguments, **how)
        self.serves = self.program.wait_for(b"udpsrv: ready", START_S)
        self.program.read(0)
        self.udp, self.copies_of = [], []

    def alive(self):
        self.program.read(0)
        return self.serves and not self.program.ended()

    def request(self, client, message=b"hi", expected=None):
        """Sends a request, again if there is no reply. A reply in no time is a loss."""
        for _ in range(TRIES):
            if not self.alive():
                return None
            try:
                client.send(message)
                self.sent += 1
            except OSError:
                continue
            reply = world.receive(client, REPLY_S)
            if reply is not None:
                self.replies += 1
                if expected is not None and reply not in expected:
                    self.run.lost.append(f"the reply is {reply!r}, not one of {expected}")
                return reply
        if self.alive():
            self.run.lost.append(f"no reply to {TRIES} requests from {client.getsockname()}")
        return None

    def line(self, stream, message=b"hi\n"):
        """Sends a line on a stream; its reply is a line."""
        if stream is None:
            if self.alive():
                self.run.lost.append("a stream could not be connected")
            return None
        try:
            stream.send(message)
        except OSError:
            pass
        self.sent += 1
        reply = world.receive(stream, 2 * REPLY_S)
        if reply:
            self.replies += reply.count(b"\n")
        elif reply == b"":
            self.run.evidence += " the stream was closed"
            self.run.lost.append("the server closed a stream")
        elif self.alive():
            self.run.lost.append("no reply to a line of a stream")
        return reply

    def command(self, line, good=True, path=None):
        answer = world.command(path or self.run.socket, line) if self.alive() else None
        if self.alive():
            if not answer:
                self.run.evidence += " the operator's connection was closed" if answer is not None else ""
                self.run.lost.append(f"the command '{line.split()[0]}' was not answered")
            elif good != answer[0].startswith("ok"):
                self.run.evidence += f" answer '{answer[0]}'"
                self.run.lost.append(f"the command '{line.split()[0]}' was answered by '{answer[0]}'")
        return answer

    def receive_copy(self, client, payload):
        """Waits for the copy; what arrives before it are late replies. Returns whether it came."""
        end = time.monotonic() + 2 * REPLY_S
        while client is not None and self.alive():
            data = world.receive(client, max(0, end - time.monotonic()))
            if not data:
                break
            lines = data.splitlines() if client.type == socket.SOCK_STREAM else [data]
            self.replies += sum(line != payload for line in lines)
            if payload in lines:
                return True
        return False

    def send(self, client, payload=b"only for you"):
        """A message to one client, which must get it if the server answers that it was sent."""
        host, port = client.getsockname()[:2]
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        answer = self.command(f"send {address} {payload.hex()}")
        if answer and "sent 1" in answer and not self.receive_copy(client, payload):
            self.run.lost.append(f"the message to {address} was sent and did not arrive")

    def broadcast(self, payload, receivers, selector=""):
        """Each receiver must get as many copies as the report says. Returns whether there is a report."""
        answer = world.numbers(self.command(f"broadcast wait {selector} {payload.hex()}"))
        if not answer:
            return False
        got = sum(self.receive_copy(client, payload) for client in receivers)
        if not self.alive():
            return False
        if answer.get("targets") != answer.get("sent", 0) + answer.get("failed", 0) + answer.get("skipped", 0):
            self.run.unbalanced.append(f"targets = sent + failed + skipped does not hold: {answer}")
        if answer.get("failed") or answer.get("skipped"):
            self.run.evidence += f" failed={answer.get('failed')} skipped={answer.get('skipped')}"
        if got < answer.get("sent", 0):
            self.run.lost.append(f"SENT: {answer['sent']} copies are reported as sent, and {got} arrived")
        if got < len(receivers):
            self.run.lost.append(f"{got} of {len(receivers)} clients got the broadcast")
        return True

    def balance(self):
        """received = sum of outcomes; as many replies as are counted; the counters of losses are evidence."""
        counters = world.numbers(self.command("stats"))
        if not counters:
            return
        outcomes = sum(counters.get(name, 0) for name in OUTCOMES)
        if counters["received"] != outcomes:
            self.run.unbalanced.append(f"received={counters['received']}, but the outcomes are {outcomes}")
        for name in FAILURES:
            if counters.get(name):
                self.run.evidence += f" {name}={counters[name]}"
        if not self.has_replies(counters["replied"]):
            self.run.lost.append(f"SENT: {counters['replied']} requests are counted as replied, and {self.replies} replies arrived")
        if counters["received"] > self.sent:
            self.run.unbalanced.append(f"received={counters['received']}, but only {self.sent} were sent")

    def has_replies(self, count):
        """Whether so many replies have arrived; waits for those that come after the time of their requests."""
        end, open_clients = time.monotonic() + REPLY_S, list(self.run.clients)
        while self.replies < count and open_clients:
            ready = select.select(open_clients, [], [], max(0, end - time.monotonic()))[0]
            if not ready:
                break
            for client in ready:
                data = world.receive(client, 0)
                if data:
                    self.replies += data.count(b"\n") if client.type == socket.SOCK_STREAM else 1
                elif client.type == socket.SOCK_STREAM:
                    open_clients.remove(client)
        return self.replies >= count

    def stop(self, number=signal.SIGTERM):
        self.program.signal(number)
        self.run.finish(self.program, statuses=(0,))

    def expect_in_log(self, text):
        if self.program.status == 0 and text not in self.program.errors:
            self.run.lost.append(f"the log lacks {text!r}")

    def end_without_start(self):
        end_without_start(self.run, self.program)


def end_without_start(run, program):
    """The server was not ready in time: it has ended, or it runs without saying so."""
    if not program.ended():
        run.lost.append("the server runs, but does not say that it is ready")
        program.signal(signal.SIGTERM)
    run.finish(program)


def udp_client(run, address):
    return run.client(world.connect_udp(address))


def group_client(run, group, port):
    """A member of a multicast group on the loopback interface."""
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    client.bind((group, port))
    client.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(group) + socket.inet_aton("127.0.0.1"))
    client.setblocking(False)
    return run.client(client)


CONFIG = """[server]
workers = {workers}
listen = 127.0.0.1:3000, [::1]:3000, tcp:127.0.0.1:3001, unix:{folder}/chat, 239.9.9.9%lo:3000
[reply]
message = {message}
[clients]
max = 1000
[broadcast]
multicast = 239.9.9.8:3002
multicast-ttl = 0
multicast-interface = lo
[admission]
policy = open
[log]
level = info
"""


def serve(run, workers):
    """Start, serve, broadcast, reload, streams, stop."""
    service = Service(run, config=CONFIG.format(workers=workers, folder=run.folder, message="audi"))
    if not service.serves:
        service.end_without_start()
        return
    clients = [udp_client(run, address) for address in (("127.0.0.1", 3000), ("::1", 3000)) * 2]
    for client in clients:
        service.request(client, expected=[b"audi"])
    member = group_client(run, "239.9.9.8", 3002)
    streams = [run.client(world.connect_stream(address)) for address in (("127.0.0.1", 3001), run.path("chat"))]
    for stream in streams:
        service.line(stream)
    listed = service.command("clients")
    service.send(clients[0])
    service.broadcast(b"good evening", clients + streams + [member])
    service.broadcast(b"to some", clients[::2] + streams[:1], "to=127.0.0.0/8 idle-max=1h")
    service.command("count listener=[::1]:3000")
    run.write("udpsrv.conf", CONFIG.format(workers=workers, folder=run.folder, message="vw"))
    reloaded = service.command("reload")
    service.request(clients[0], expected=[b"vw"] if reloaded and reloaded[0] == "ok" else None)
    if listed and len(listed) > 1:
        service.command("kick " + listed[1].split()[1])
        service.command("kick to=::1 listener=[::1]:3000")
    for stream in streams[:1]:
        if stream is not None:
            run.clients.remove(stream)
            stream.close()
    service.balance()
    service.stop()
    service.expect_in_log(b" reloaded")
    service.expect_in_log(b" stopped received=")


def serve_one(run):
    serve(run, 1)


def serve_four(run):
    serve(run, 4)


COOKIE_CONFIG = """include = {folder}/more*.conf
[server]
workers = 2
listen = 10.9.0.1:3000, 10.9.0.99:3000, [fd09::1]:3000
missing-address = wait
user = nobody
[admission]
policy = cookie
[broadcast]
relay = all
[log]
target = syslog
"""


def log_daemon(run):
    """The socket /dev/log, which is in a folder of this process."""
    try:
        os.unlink("/dev/log")
    except FileNotFoundError:
        pass
    daemon = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    daemon.bind("/dev/log")
    os.chmod("/dev/log", 0o666)
    daemon.setblocking(False)
    return run.client(daemon)


def prove(service, client):
    """Answers the challenge, and so registers the client."""
    challenge = service.request(client)
    if challenge and challenge[:5] == b"\0UDP\1":
        service.replies -= 1
        service.request(client, b"\0UDP\2" + challenge[5:] + b"hi")


def cookies(run):
    """Public addresses, of which one appears later; another user; a log daemon."""
    world.ip("addr replace 10.9.0.1/24 dev lan")
    daemon = log_daemon(run)
    run.write("more.conf", "[clients]\nmax = 1000\n")
    service = Service(run, config=COOKIE_CONFIG.format(folder=run.folder))
    if not service.serves:
        service.end_without_start()
        service.program.errors += b"".join(read_log(daemon))
        return
    try:
        for address in (("10.9.0.1", 3000), ("fd09::1", 3000)):
            prove(service, udp_client(run, address))
        world.ip("addr add 10.9.0.99/24 dev lan")
        late = udp_client(run, ("10.9.0.99", 3000))
        end = time.monotonic() + 2.5
        while service.alive() and time.monotonic() < end:
            try:
                late.send(b"hi")
                service.sent += 1
                if world.receive(late, 0.1):
                    break
            except OSError: # refused: the server says when it has the address
                service.program.errors += wait_for_log(daemon, b"is served", 0.05)
        else:
            if service.alive():
                run.lost.append("the address that appeared is not served")
        service.command("status")
        service.program.signal(signal.SIGHUP)
        service.program.errors += wait_for_log(daemon, b"configuration", 1)
        prove(service, udp_client(run, ("10.9.0.1", 3000)))
        service.stop()
        service.program.errors += b"".join(read_log(daemon))
        service.expect_in_log(b" stopped received=")
    finally:
        world.ip("addr del 10.9.0.99/24 dev lan")


def wait_for_log(daemon, text, timeout_s):
    """Reads the log until a line has the text, or for this time."""
    lines, end = b"", time.monotonic() + timeout_s
    while text not in lines and time.monotonic() < end:
        line = world.receive(daemon, max(0, end - time.monotonic()))
        lines += line + b"\n" if line else b""
    return lines


def read_log(daemon):
    while select.select([daemon], [], [], 0)[0]:
        yield daemon.recv(65536) + b"\n"


def check_config(run):
    """A configuration is checked and printed, with included files."""
    run.write("more.conf", "[clients]\nmax = 1000\n")
    config = run.write("udpsrv.conf", f"include = {run.folder}/more*.conf\n[server]\nlisten = 127.0.0.1:3000\nuser = nobody\n")
    run.finish(run.start("udpsrv", "-t", "-c", config))
    run.finish(run.start("udpsrv", "-T", "-c", config), b"max = 1000")


def default_socket(run):
    """The default path of the control socket, one that another process left behind, and a second server."""
    leave_socket("/run/udpsrv/udpsrv.sock")
    program = run.start("udpsrv", "-l", "127.0.0.1:3000")
    if not program.wait_for(b"udpsrv: ready", START_S):
        end_without_start(run, program)
        return
    second = run.start("udpsrv", "-l", "127.0.0.1:3009")
    second.wait_for(b"udpsrv: ready", START_S) # if it does not see the first one
    second.signal(signal.SIGTERM)
    run.finish(second, statuses=(0, 1))
    expect_new_socket(run, program, "/run/udpsrv/udpsrv.sock")
    program.signal(signal.SIGINT)
    run.finish(program)


def expect_new_socket(run, program, path):
    """A socket file that is removed is made again."""
    if os.path.exists(path):
        os.unlink(path)
    end = time.monotonic() + 3
    while not os.path.exists(path) and time.monotonic() < end and not program.ended():
        program.read(0.02)
    if not os.path.exists(path) and not program.ended():
        run.lost.append("the removed socket file is not made again")


def leave_socket(path):
    os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
    if os.path.exists(path):
        os.unlink(path)
    stale = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    stale.bind(path)
    stale.close()


SCENARIOS = {"serve, 1 worker": serve_one, "serve, 4 workers": serve_four, "cookies": cookies, "check": check_config,
             "default socket": default_socket}
