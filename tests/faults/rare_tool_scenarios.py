"""Scenarios of the tools for what they do rarely: special files, histories, other users, terminals of other sizes."""

import os
import resource
import select
import signal
import termios
import time

import world
from tool_scenarios import in_terminal, server, udpctl

NOBODY = 65534
BLOCKED_S = 2.0 # for the program to show what was typed
FORCED_S = 3.0 # above the time after which a signal ends a program by force


def load_special_files(run):
    """Reports into a device, an open descriptor, and a file of another user; more descriptors than the limit allows."""
    server(run)
    run.write("a.json", "before\n")
    os.chown(run.path("a.json"), NOBODY, NOBODY)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, limits[1]))
    try:
        program = run.start("udpload", "-c", "80", "-Q", "max", "-n", "80", "-t", "300ms", "--json", run.path("a.json"), "--hdr",
                            "/dev/null", "--html", "/proc/self/fd/1", "--max-loss", "50", "127.0.0.1")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    run.finish(program, b"</html>", statuses=(0, 3), within_s=8)
    if program.status == 0:
        with open(run.path("a.json"), encoding="utf-8") as file:
            if file.read() == "before\n":
                run.lost.append("SENT: udpload reported success, and a.json has its old content")


def load_without_proc(run):
    """A report over an existing file, where a file without a name could get none later."""
    server(run)
    os.chmod(run.write("a.json", "before\n"), 0o640)
    program = run.start("udpload", "-c", "2", "-Q", "max", "-n", "10", "-t", "300ms", "--json", run.path("a.json"), "--max-loss", "50",
                        "127.0.0.1", without_proc=True)
    run.finish(program, statuses=(0, 3), within_s=8)
    if program.status == 0:
        with open(run.path("a.json"), encoding="utf-8") as file:
            if file.read() == "before\n":
                run.lost.append("SENT: udpload reported success, and a.json has its old content")


def load_terminal(run):
    """Progress on a terminal, and an interrupt."""
    server(run)
    program = run.start("udpload", "-c", "5", "-Q", "200", "-l", "20s", "-S", "100ms", "-t", "300ms", "--max-loss", "50", "127.0.0.1",
                        terminal=True, errors_too=True)
    end = time.monotonic() + 2.5
    while program.output.count(b"sent ") < 4 and time.monotonic() < end and not program.ended():
        program.read(end - time.monotonic())
    program.signal(signal.SIGINT)
    run.finish(program, statuses=(0, 3, 4), within_s=8)


def history_path(run, name):
    folder = os.path.join(run.folder, ".local/state/udpsrv")
    os.makedirs(folder)
    return os.path.join(folder, name)


def ctl_history(run):
    """A history that is too long and readable for others."""
    server(run)
    path = history_path(run, "udpctl_history")
    with open(path, "w", encoding="ascii") as file:
        for number in range(9000):
            file.write(f"client 127.0.0.1:{number} and more words to make the line as long as lines are, and still longer than that\n")
    os.chmod(path, 0o644)
    program = udpctl(run, terminal=True)
    in_terminal(run, program, [(b"> ", b"status\r"), (b"uptime_s", b"exit\r")], None)
    if program.status == 0 and os.path.getsize(path) > 700000:
        run.lost.append("the history that is too long is not shortened")


def ctl_other_user(run):
    """A user without XDG_RUNTIME_DIR, whose server has its socket in /tmp."""
    own = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    environment = dict(run.environment(False), HOME="/nonexistent")
    helper = world.Program([os.path.join(run.programs, "udpsrv"), "-l", "127.0.0.1:3000"], environment, run.folder, ids=own)
    run.helpers.append(helper)
    if not helper.wait_for(b"ready", 20):
        raise RuntimeError(f"the server of the scenario did not start: {helper.errors}")
    run.finish(run.start("udpctl", "-t", "1500ms", "status", ids=own, env={"HOME": "/nonexistent"}), b"uptime_s")
    helper.signal(signal.SIGTERM)
    helper.wait(4)


def is_writing(program):
    """Whether the program is blocked in a system call whose first argument is its standard output."""
    try:
        with open(f"/proc/{program.process.pid}/syscall", encoding="ascii") as file:
            return file.read().split()[1:2] == ["0x1"]
    except OSError: # it has ended
        return False


def cli_stopped_terminal(run):
    """A terminal whose output is stopped: the program is blocked in a write when the signal comes, and is ended by force."""
    server(run)
    program = run.start("udpcli", "127.0.0.1", terminal=True)
    program.wait_for(b"> ", 1)
    if not program.ended():
        tty = os.open(f"/proc/{program.process.pid}/fd/0", os.O_RDWR | os.O_NOCTTY)
        termios.tcflow(tty, termios.TCOOFF)
        program.write(b"what is typed is shown")
        end = time.monotonic() + BLOCKED_S
        while not program.ended() and not is_writing(program) and time.monotonic() < end:
            time.sleep(0.01)
        if not program.ended():
            program.signal(signal.SIGTERM)
            select.select([program.end], [], [], FORCED_S)
        termios.tcflow(tty, termios.TCOON)
        os.close(tty)
    run.finish(program, statuses=(128 + signal.SIGTERM, -signal.SIGTERM))


def ctl_choices(run):
    """Many choices in a narrow window, a question, a resize with the cursor's position, and Ctrl-\\ at the end."""
    server(run)
    clients = [run.client(world.connect_udp(("127.0.0.1", 3000))) for _ in range(105)]
    for client in clients:
        client.send(b"hi")
    for client in clients:
        world.receive(client, 1)
    program = udpctl(run, terminal=True)
    program.resize(30)
    program.wait_for(b"> ", 1.5)
    program.write(b"s\t\t")
    program.wait_for(b"stop", 0.5)
    program.write(b"\x15client 127\t\t")
    program.wait_for(b"possibilities", 1.0)
    program.write(b"y\x15")
    program.wait_for(b"127.0.0.1:", 1.0)
    program.write(b"\x15" + b"a wrapped line ")
    program.read(0.1)
    program.resize(9)
    program.wait_for(b"\x1b[6n", 0.5)
    program.write(b"\x1b[2;3R")
    program.read(0.1)
    program.write(b"\x1c")
    program.read(0.2)
    program.write(b"\x15exit\r")
    run.finish(program, statuses=(-signal.SIGQUIT, 128 + signal.SIGQUIT, 0))


SCENARIOS = {
    "udpload special files": load_special_files, "udpload without proc": load_without_proc, "udpload terminal": load_terminal,
    "udpcli stopped terminal": cli_stopped_terminal, "udpctl history": ctl_history, "udpctl other user": ctl_other_user,
    "udpctl choices": ctl_choices,
}
