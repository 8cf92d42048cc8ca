"""Scenarios of the server for what it does rarely: users and groups, interfaces that come and go, slow streams."""

import os
import resource
import signal
import socket
import time

import world
from run import START_S
from server_scenarios import REPLY_S, Service, expect_new_socket, udp_client, wait_for_log

NOBODY = 65534


def wait_until(service, what, done, timeout_s=3.0):
    """Waits for an event of the server; its absence is a loss."""
    end = time.monotonic() + timeout_s
    while service.alive() and time.monotonic() < end:
        service.program.read(0.02)
        if done():
            return
    if service.alive():
        service.run.lost.append(what)


USERS = """include = {folder}/absent*.conf
include = {folder}/only.conf
[server]
listen = 127.0.0.1:3000, tcp:127.0.0.1:3001
user = 65534
group = nogroup
stream-max = 900
[control]
group = operators
mode = 0660
observer-socket = {folder}/observers
observer-group = operators
"""


def users(run):
    """A user by number, a group by name, a group of operators, a low limit of descriptors; another user as operator."""
    run.write("only.conf", "[clients]\nmax = 1000\n")
    config = USERS.format(folder=run.folder).replace("operators", "daemon")
    os.chmod(run.folder, 0o777)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, limits[1]))
    try:
        service = Service(run, config=config)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    if not service.serves:
        service.end_without_start()
        return
    service.request(udp_client(run, ("127.0.0.1", 3000)))
    command_of(run, user=1234, group=1)
    service.balance()
    service.stop()


def command_of(run, user, group):
    """A command by another user, whose group is one of several. What the server answers is not judged."""
    pid = os.fork()
    if pid == 0:
        os.setgroups([group, 77])
        os.setresgid(4321, 4321, 4321)
        os.setresuid(user, user, user)
        world.command(run.socket, "status", 0.5)
        os._exit(0)
    os.waitpid(pid, 0)


OPERATORS = """[server]
listen = 127.0.0.1:3000
[control]
group = daemon
observer-socket = {socket}
observer-group = nogroup
"""


def operators(run):
    """Groups of operators and of observers, without another user. The observers' socket is removed once."""
    path = os.path.join(run.folder, "observers")
    service = Service(run, config=OPERATORS.format(socket=path))
    if not service.serves:
        service.end_without_start()
        return
    service.request(udp_client(run, ("127.0.0.1", 3000)))
    service.command("config", path=path)
    service.command("kick 127.0.0.1:9", good=False, path=path)
    expect_new_socket(run, service.program, path)
    service.command("status", path=path)
    service.balance()
    service.stop()


def unprivileged(run):
    """A user without XDG_RUNTIME_DIR: the control socket is in a directory of its own in /tmp."""
    own = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    program = run.start("udpsrv", "-l", "127.0.0.1:3000", "-l", "[::1]:3000", ids=own, env={"HOME": "/nonexistent"})
    if not program.wait_for(b"udpsrv: ready", START_S):
        program.signal(signal.SIGTERM)
        run.finish(program)
        return
    program.signal(signal.SIGTERM)
    run.finish(program)


INTERFACES = """[server]
listen = 10.9.0.1:3000, tcp:10.9.0.1:3001, 239.9.9.9%lan:3000, 239.9.9.6:3000, [ff02::99%lan]:3000, [fe80::7%lan]:3000
missing-address = wait
workers = 2
[admission]
policy = open
per-prefix = 100
[broadcast]
multicast = 239.9.9.8:3002
[clients]
max = 1000
sweep = {sweep}
"""


def interfaces(run):
    """The interface disappears and comes back, while a reload changes the period of the sweep."""
    world.ip("addr replace 10.9.0.1/24 dev lan", "addr replace fe80::7/64 dev lan nodad")
    service = Service(run, config=INTERFACES.format(sweep="1s"))
    try:
        if not service.serves:
            service.end_without_start()
            return
        service.request(udp_client(run, ("10.9.0.1", 3000)))
        run.write("udpsrv.conf", INTERFACES.format(sweep="200ms"))
        service.command("reload")
        remove_interface()
        wait_until(service, "the log does not say that the interface is missing", lambda: b"missing" in service.program.errors
                   or b"warning" in service.program.errors)
        add_interface()
        client = udp_client(run, ("10.9.0.1", 3000))
        wait_until(service, "the address that came back is not served", lambda: answers(service, client))
        service.stop()
    finally:
        if b" lan:" not in links():
            add_interface()


def links():
    with open("/proc/net/dev", "rb") as file:
        return file.read()


def remove_interface():
    world.ip("link del lan")


def add_interface():
    world.ip(*world.INTERFACE, "addr add fe80::7/64 dev lan nodad")


def answers(service, client):
    try:
        client.send(b"hi")
        service.sent += 1
        if world.receive(client, 0.05):
            service.replies += 1
            return True
    except OSError:
        pass
    return False


ABSENT = """[server]
listen = 127.0.0.1:3000, 10.99.0.1:3000, [fd99::1]:3000, 239.9.9.9%gone:3000, tcp:10.99.0.1:3001, [ff02::98%gone]:3000
missing-address = wait
[admission]
policy = open
[broadcast]
multicast = [ff02::97%gone]:3002
"""


def absent(run):
    """Addresses and interfaces that do not exist."""
    service = Service(run, config=ABSENT)
    if not service.serves:
        service.end_without_start()
        return
    service.request(udp_client(run, ("127.0.0.1", 3000)))
    service.balance()
    service.stop()


SLOW = """[server]
listen = 127.0.0.1:3000, tcp:127.0.0.1:3001
stream-buffer = {buffer}
max-datagram = 2048
"""
LARGE = "61" * 60000
# More than the buffer of the server and the largest one of the kernel (tcp_wmem, 4 MB) hold.
BROADCASTS_MAX = 160


def slow_streams(run):
    """A stream client that does not read is disconnected when its buffer is full; a line that is too long ends another one."""
    service = Service(run, config=SLOW.format(buffer="2m"))
    if not service.serves:
        service.end_without_start()
        return
    long = run.client(world.connect_stream(("127.0.0.1", 3001)))
    if long is not None:
        send_much(service, long)
        drain(service, long)
    late = run.client(world.connect_stream(("127.0.0.1", 3001), 4096))
    if late is not None:
        for _ in range(12):
            service.command("broadcast wait " + LARGE)
        send_much(service, late)
        drain(service, late)
    slow = run.client(world.connect_stream(("127.0.0.1", 3001), 4096))
    for _ in range(BROADCASTS_MAX):
        counters = world.numbers(service.command("broadcast wait " + LARGE))
        if slow is None or not counters or counters.get("targets") == 0:
            break
    else:
        if service.alive():
            run.lost.append("the stream client that does not read is not disconnected")
    service.request(udp_client(run, ("127.0.0.1", 3000)))
    service.stop()


def send_much(service, stream):
    """A line that is too long, and more after it. The answer to the command says that the worker has had the time to read: it gets the
    command after the bytes."""
    for _ in range(4):
        try:
            stream.send(b"y" * 3000)
        except OSError:
            break
        service.command("stats")


def drain(service, stream):
    data = b"x"
    while data and service.alive():
        data = world.receive(stream, 0.3)


def hanging_log(run):
    """A log daemon that does not read, when the server ends; a configuration from a pipe; SIGHUP ignored at the start."""
    path = "/dev/log"
    if os.path.lexists(path):
        os.unlink(path)
    with open("/proc/sys/net/unix/max_dgram_qlen", "w", encoding="ascii") as file: # of this network namespace
        file.write("1")
    daemon = run.client(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
    daemon.bind(path)
    source, sink = os.pipe()
    os.write(sink, b"[server]\nlisten = 127.0.0.1:3000\n[log]\ntarget = syslog\nlevel = debug\n")
    os.close(sink)
    program = run.start("udpsrv", "-s", run.socket, "-c", "/dev/stdin", stdin=source, ignored=(signal.SIGHUP,))
    os.close(source)
    if program.wait_for(b"udpsrv: ready", START_S):
        client = udp_client(run, ("127.0.0.1", 3000))
        client.send(b"hi")
        world.receive(client, REPLY_S)
        for _ in range(4):
            world.command(run.socket, "kick 127.0.0.1:9", 0.5)
    program.signal(signal.SIGTERM)
    program.wait_for(b"stopped", 1, "errors")
    run.finish(program)
    program.errors += wait_for_log(daemon, b"stopped", 0.1)


# The log thread may still wait for the daemon when the server ends.
hanging_log.may_leave_open = "1=anon_inode:[eventfd] 2=anon_inode:[eventfd] 3=socket:[1]"


def config_sources(run):
    """Configurations from a socket and from a terminal, and a device as an included file."""
    ours, theirs = socket.socketpair()
    ours.send(b"[server]\nlisten = 127.0.0.1:3000\n")
    ours.close()
    run.finish(run.start("udpsrv", "-t", "-c", "/dev/stdin", stdin=theirs.fileno()))
    theirs.close()
    config = run.write("udpsrv.conf", "include = /dev/null\n[server]\nlisten = 127.0.0.1:3000\n")
    run.finish(run.start("udpsrv", "-t", "-c", config))
    run.finish(run.start("udpsrv", "-T", "-c", "/dev/null"))


SCENARIOS = {"users": users, "operators": operators, "unprivileged": unprivileged, "interfaces": interfaces, "absent interfaces": absent,
             "slow streams": slow_streams, "hanging log daemon": hanging_log, "sources of configurations": config_sources}
