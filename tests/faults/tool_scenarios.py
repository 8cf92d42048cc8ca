"""Scenarios in which udpctl, udpcli or udpload gets the faults; the server has none."""

import os
import signal
import time

import world
from run import STOP_S

CONFIG = """[server]
listen = 127.0.0.1:3000, [::1]:3000, tcp:127.0.0.1:3001, unix:{folder}/chat
[reply]
message = audi
[clients]
max = 1000
[broadcast]
relay = off
"""


def server(run):
    return run.server(CONFIG.format(folder=run.folder))


def members(run, count):
    """Registers clients, which get the broadcasts."""
    clients = [run.client(world.connect_udp(("127.0.0.1", 3000))) for _ in range(count)]
    for client in clients:
        client.send(b"hi")
        if world.receive(client, 2) is None:
            raise RuntimeError("a helper of the scenario was not answered")
    return clients


def got(run, program, clients, payload):
    """udpctl ended with success: then each client has the copy."""
    if program.status == 0:
        missing = sum(world.receive(client, 1) != payload for client in clients)
        if missing:
            run.lost.append(f"SENT: udpctl reported success, and {missing} of {len(clients)} clients got no copy")


def udpctl(run, *arguments, **how):
    return run.start("udpctl", "-s", run.socket, "-t", "1500ms", *arguments, **how)


def ctl_commands(run):
    server(run)
    clients = members(run, 3)
    run.finish(udpctl(run, "status"), b"uptime_s")
    run.finish(udpctl(run, "stats", "--json"), b'"received":')
    run.finish(udpctl(run, "clients", "--sort", "address"), b"127.0.0.1:")
    wrong = run.finish(udpctl(run, "nonsense"), statuses=(2,))
    if wrong.status == 2 and b"nonsense" not in wrong.errors:
        run.lost.append("udpctl does not say what is wrong with its command line")
    program = run.finish(udpctl(run, "broadcast", "good evening"), b"3")
    got(run, program, clients, b"good evening")
    run.finish(udpctl(run, "kick", "--address", "127.0.0.0/8", "--idle-max", "1h"), b"kicked  3")


def ctl_changes(run):
    """Broadcasts from standard input, the list of jobs, a reload, the stop."""
    daemon = server(run)
    clients = members(run, 2)
    lines = udpctl(run, "broadcast", "--stdin")
    lines.write(b"one\n")
    lines.close_input()
    run.finish(lines)
    got(run, lines, clients, b"one")
    run.finish(udpctl(run, "jobs"), b"done")
    run.finish(udpctl(run, "reload"), b"applied")
    stop = run.finish(udpctl(run, "stop"))
    if stop.status == 0 and not daemon.wait(STOP_S):
        run.lost.append("udpctl stop reported success, and the server did not stop")


def await_message(run, program, client, text):
    """A client sends text until the program, which may not be subscribed yet, prints it."""
    deadline = time.monotonic() + STOP_S
    while not program.ended() and time.monotonic() < deadline and text not in program.output:
        client.send(text)
        program.read(0.05)


def ctl_subscribe(run):
    """What a client says, and the events of another one, each of them as JSON."""
    server(run)
    client = members(run, 1)[0]
    listen = udpctl(run, "--json", "listen", "-n", "1")
    await_message(run, listen, client, b"good morning")
    run.finish(listen, b'"text":"good morning"')
    events = udpctl(run, "--json", "events", "job_ended", "-n", "1")
    deadline = time.monotonic() + STOP_S
    while not events.ended() and time.monotonic() < deadline and b"job_ended" not in events.output:
        world.command(run.socket, "broadcast nowait 78")
        events.read(0.05)
    run.finish(events, b'"event":"job_ended"')


def ctl_gateway(run):
    """A program's session both ways: what a client says, an answer to it, and a broadcast."""
    server(run)
    client = members(run, 1)[0]
    gateway = udpctl(run, "gateway")
    await_message(run, gateway, client, b"good morning")
    address = "%s:%d" % client.getsockname()[:2]
    gateway.write(b'{"to":"%s","text":"hello","ref":1}\n{"broadcast":{"text":"all"},"ref":2}\n' % address.encode())
    gateway.close_input()
    run.finish(gateway, b'"ref":2')


def ctl_watch(run):
    server(run)
    members(run, 1)
    run.finish(udpctl(run, "watch", "-n", "2"), b"clients", within_s=8)


def in_terminal(run, program, steps, end, within_s=STOP_S):
    """Types each line once the text before it has appeared; the texts are looked for in what came since the last line."""
    seen = 0
    for text, keys in steps:
        limit = time.monotonic() + STOP_S
        while text not in program.output[seen:] and time.monotonic() < limit and not program.ended():
            program.read(0.05)
        if program.ended() and not program.readers:
            break
        if text not in program.output[seen:] and not program.ended():
            run.lost.append(f"'{text.decode(errors='replace')}' does not appear in the terminal before {keys!r}")
        seen = len(program.output)
        program.write(keys)
    program.read(0.05)
    if end is not None:
        program.write(end)
    run.finish(program, within_s=within_s)


def ctl_terminal(run):
    """The interactive session: a command, completion, history, a resize, a suspension, the end."""
    server(run)
    program = udpctl(run, terminal=True)
    in_terminal(run, program, [(b"> ", b"sta\t\t"), (b"stats", b"\x15status\r"), (b"uptime_s", b"\x1b[A\r"), (b"uptime_s", b"\x0cquit\x15"),
                               (b"> ", b"exit\r")], None)


def ctl_kick_terminal(run):
    """The question before clients are removed."""
    server(run)
    members(run, 2)
    program = udpctl(run, "kick", "--address", "127.0.0.0/8", terminal=True)
    in_terminal(run, program, [(b"[y/N]", b"y\r")], None)


def ctl_watch_terminal(run):
    server(run)
    program = udpctl(run, "watch", terminal=True)
    in_terminal(run, program, [(b"clients", b""), (b"clients", b"")], b"q")


def cli_messages(run):
    server(run)
    run.finish(run.start("udpcli", "-w", "300ms", "localhost", "hi"), b"audi")
    run.finish(run.start("udpcli", "-w", "300ms", "-4", "-n", "2", "--json", "127.0.0.1", "hi"), b"audi")
    run.finish(run.start("udpcli", "-w", "300ms", "tcp:localhost:3001", "hi"), b"audi")
    run.finish(run.start("udpcli", "-w", "300ms", f"unix:{run.folder}/chat", "hi"), b"audi")


def session(run, *arguments, answer=b"audi", line=b"hi\n"):
    """Lines from a pipe, one of which waits for the reply to the one before."""
    program = run.start("udpcli", *arguments)
    for _ in range(2):
        before = program.output.count(answer)
        program.write(line)
        limit = time.monotonic() + 1.5
        while program.output.count(answer) == before and time.monotonic() < limit and not program.ended():
            program.read(0.05)
    program.close_input()
    run.finish(program, answer)


def cli_sessions(run):
    server(run)
    session(run, "-w", "500ms", "-k", "100ms", "127.0.0.1")
    session(run, "-w", "500ms", "tcp:127.0.0.1:3001")
    session(run, "-w", "500ms", f"unix:{run.folder}/chat")
    at_once = run.start("udpcli", "-w", "500ms", "tcp:127.0.0.1:3001")
    at_once.write(b"hi\n") # the input ends before the reply
    at_once.close_input()
    run.finish(at_once, b"audi")


def cli_group(run):
    """Two members of a multicast group: what one sends, the other prints."""
    first = run.start("udpcli", "--group", "239.9.9.7:3005", "--interface", "lo", "--ttl", "0")
    first.wait_for(b"239.9.9.7", 0.3, "errors")
    second = run.start("udpcli", "--group", "239.9.9.7:3005", "--interface", "lo", "--ttl", "0")
    limit = time.monotonic() + 2
    while b"evening" not in first.output and time.monotonic() < limit and not (first.ended() or second.ended()):
        second.write(b"evening\n")
        first.read(0.1)
        second.read(0)
    if not first.ended() and not second.ended() and b"evening" not in first.output:
        run.lost.append("the other member of the group did not get the line")
    for program in (second, first):
        program.close_input()
        program.write(b"")
        run.finish(program)


def cli_terminal(run):
    server(run)
    program = run.start("udpcli", "127.0.0.1", terminal=True)
    in_terminal(run, program, [(b"> ", b"hi\r"), (b"audi", b"/hel\t\r"), (b"> ", b"hi\r"), (b"audi", b"exit\r")], None)


def cli_break(run):
    """A terminal that is resized and stopped, and a signal that ends the program."""
    server(run)
    program = run.start("udpcli", "127.0.0.1", terminal=True)
    program.wait_for(b"> ", 1)
    for text, action in ((b"wrapped", lambda: program.write(b"a long line that is wrapped " * 4)),
                         (b"> ", lambda: program.signal(signal.SIGWINCH)),
                         (b"> ", lambda: program.write(b"\x1b[1;1R")),
                         (b"> ", lambda: program.signal(signal.SIGTSTP)), # the only process of its session: it continues at once
                         (b"> ", lambda: program.signal(signal.SIGCONT))):
        seen = len(program.output)
        action()
        program.wait_for(text, 0.5, since=seen)
    program.signal(signal.SIGTERM)
    run.finish(program, statuses=(0, 1, 143, -15))


def load_requests(run):
    """Requests at a rate, with all reports."""
    server(run)
    names = [run.path(name) for name in ("a.json", "a.hdr", "a.html")]
    program = run.start("udpload", "-c", "20", "-Q", "2000", "-n", "100", "-T", "2", "-t", "300ms", "--json", names[0], "--hdr", names[1],
                        "--html", names[2], "--max-loss", "50", "127.0.0.1")
    run.finish(program, b"100", statuses=(0, 3), within_s=8)
    reports(run, program, names)


def reports(run, program, names):
    if program.status == 0:
        for name in names:
            if not os.path.exists(name) or os.path.getsize(name) == 0:
                run.lost.append(f"SENT: udpload reported success, and {os.path.basename(name)} is not written")


def load_files(run):
    """Reports over existing files: one with a second name, one that is a link, and one on the standard output."""
    server(run)
    for name in ("a.json", "b.html"):
        run.write(name, "before\n")
    os.link(run.path("a.json"), run.path("second"))
    os.symlink("b.html", run.path("link.html"))
    program = run.start("udpload", "-c", "5", "-Q", "max", "-n", "50", "-t", "300ms", "--json", run.path("a.json"),
                        "--html", run.path("link.html"), "--hdr", "-", "--max-loss", "50", "127.0.0.1")
    run.finish(program, b"Value", statuses=(0, 3), within_s=8)
    if program.status == 0:
        for name in ("a.json", "link.html"):
            with open(run.path(name), encoding="utf-8") as file:
                if file.read() == "before\n":
                    run.lost.append(f"SENT: udpload reported success, and {name} has its old content")


def load_fanout(run):
    server(run)
    program = run.start("udpload", "--fanout", "--control", run.socket, "-c", "10", "-n", "2", "-t", "300ms", "--max-loss", "50",
                        "127.0.0.1")
    run.finish(program, b"10", statuses=(0, 3), within_s=8)


SCENARIOS = {
    "udpctl commands": ctl_commands, "udpctl changes": ctl_changes, "udpctl subscribe": ctl_subscribe, "udpctl gateway": ctl_gateway,
    "udpctl watch": ctl_watch, "udpctl terminal": ctl_terminal, "udpctl kick in a terminal": ctl_kick_terminal,
    "udpctl watch in a terminal": ctl_watch_terminal, "udpcli messages": cli_messages, "udpcli sessions": cli_sessions,
    "udpcli group": cli_group, "udpcli terminal": cli_terminal, "udpcli signals": cli_break, "udpload requests": load_requests,
    "udpload files": load_files, "udpload fanout": load_fanout,
}
