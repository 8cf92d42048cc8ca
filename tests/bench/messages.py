"""What clients say, to subscribers (`udpctl listen`), and messages of a program to clients (`udpctl
gateway`): what they cost, that none is lost, and the latency of a program that answers."""

import json
import os
import re
import socket
import time
from contextlib import contextmanager

import meters
import senders
from broadcasts import added_p99, load_results, long_rounds, start_paced_load
from parsers import words
from processes import MeasurementError, Process, run, wait_until
from results import Figure, Row, Section, middle
from servers import start_udpsrv, stop_and_check

NOBODY, ONE, STALLED = "nobody listens", "one listens", "one listens and does not read"
PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../docs/protocol.md")
ECHO_CLIENTS = 1000


def _text(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def stdout_to(bench, server, command, path, stdin="/dev/null"):
    """Starts udpctl with its output and input in files."""
    argv = ["sh", "-c", 'out=$1 in=$2; shift 2; exec "$@" <"$in" >"$out"', "sh", path, stdin,
            *server.control_argv(*command)]
    return Process(bench, argv, bench.sender_cpu)


# ---- Subscribers ----

@contextmanager
def _listener(bench, server):
    """Runs `udpctl listen`. Yields the file of its lines; it has all of them after the context,
    in which `wanted` messages have to be sent."""
    path = bench.path("lines")
    wanted = []
    with open(path, "wb"):
        pass
    with stdout_to(bench, server, ["listen"], path) as listener:
        wait_until("a subscriber", lambda: _is_subscribed(server, path))
        yield path, wanted.append
        wait_until("all messages", lambda: _printed_or_lost(path) >= sum(wanted) or listener.popen.poll())
        listener.stop((0, -15, 130, 143))


def _probe(server):
    """Sends one message of another client."""
    host, port = server.address.rsplit(":", 1)
    with socket.socket(type=socket.SOCK_DGRAM) as client:
        client.sendto(b"probe", (host, int(port)))


def _is_subscribed(server, path):
    """A client joins until the subscriber prints its message."""
    _probe(server)
    return os.path.getsize(path) > 0


def _is_answered(server):
    """A client joins until the program answers one."""
    _probe(server)
    return server.control("stats")["direct_sent"] > 0


def _records(path):
    """The objects in a file of JSON lines, without the messages of probes."""
    return [record for record in map(json.loads, _text(path).splitlines())
            if record.get("text") != "probe"]


def _printed_or_lost(path):
    """Returns how many messages were printed or reported as lost. The last line may be incomplete."""
    text = _text(path)
    return text.count('"size":') - text.count('"text":"probe"') + \
        sum(map(int, re.findall(r'"lost": ?(\d+)}', text)))


def check_order(records, clients):
    """Returns (messages, lost, messages that are out of their client's order). The requests are
    numbered, and the clients take turns."""
    last, by_turn, messages, lost, wrong = {}, {}, 0, 0, 0
    for record in records:
        if "lost" in record:
            lost += record["lost"]
            continue
        number, address = int(record["text"]), record["address"]
        messages += 1
        if number <= last.get(address, -1) or by_turn.setdefault(number % clients, address) != address:
            wrong += 1
        last[address] = number
    return messages, lost, wrong


def _flood(bench, section):
    """All messages of a second at listen_rate are printed, in each client's order."""
    sizes = bench.sizes
    count = sizes.listen_rate * sizes.load_s
    with start_udpsrv(bench) as server:
        with _listener(bench, server) as (path, want):
            probes = server.control("stats")["received"]
            argv = senders.bare_argv(bench, "bare_sources", count, sizes.clients, outstanding=4096)
            out, _ = run(bench, argv + ["-r", sizes.listen_rate, "-i", server.address],
                         bench.sender_cpu)
            want(count)
        stats = server.control("stats")
        stop_and_check(server, count + probes)
    messages, lost, wrong = check_order(_records(path), sizes.clients)
    if messages + lost != count or stats["listen_messages"] < messages:
        raise MeasurementError(f"{count} messages were sent, {messages} printed, {lost} lost")
    what = f"of {count:,} messages at {sizes.listen_rate:,} a second from {sizes.clients:,} clients"
    section.figures += [
        Figure(f"{what}: lost to the subscriber", lost, 0),
        Figure(f"{what}: out of their client's order", wrong, 0),
        Figure(f"{what}: without a reply", count - words(out)["received"], 0)]


@contextmanager
def _stalled(server):
    """A subscriber that does not read. Yields a function that reads to the end of its subscription
    and returns (delivered, lost)."""
    with socket.socket(socket.AF_UNIX) as session:
        session.connect(server.socket)
        session.sendall(b"listen\n")
        if session.recv(3, socket.MSG_WAITALL) != b"ok\n":
            raise MeasurementError("the server refuses a subscriber")

        def read(wanted):
            text, counts = b"", (0, 0)
            while sum(counts) < wanted:
                text += session.recv(1 << 20)
                counts = (text.count(b"message "),
                        sum(map(int, re.findall(rb"^lost (\d+)\n", text, re.MULTILINE))))
            return counts
        yield read


def _load(bench, server):
    path = bench.path("json")
    with start_paced_load(bench, server, path) as load:
        load.finish((0, 3))
    report = senders.read_report(path)
    return load_results(report), report["sent"]


def _ask(bench, kind):
    """Requests at a constant rate, while nobody listens, one does, or one that does not read."""
    with start_udpsrv(bench) as server:
        if kind == NOBODY:
            numbers, _ = _load(bench, server)
        elif kind == ONE:
            with _listener(bench, server) as (_, want):
                numbers, sent = _load(bench, server)
                want(sent)
        else:
            with _stalled(server) as read:
                numbers, sent = _load(bench, server)
                delivered, lost = read(sent)
            if delivered + lost != sent:
                raise MeasurementError(f"{sent} messages: {delivered} delivered, {lost} lost")
            numbers["messages lost"] = lost
        numbers["resident MB"] = meters.status(server.pid, "VmHWM") / 1000
        server.finish()
    return numbers


def _callgrind(bench, section):
    """User instructions of a request, with and without a subscriber."""
    less, more = bench.sizes.callgrind_requests

    def drive(server, count, listens):
        with server:
            if listens:
                with _listener(bench, server) as (_, want):
                    senders.bare(bench, server, count, min(bench.sizes.clients, count // 2))
                    want(count)
            else:
                senders.bare(bench, server, count, min(bench.sizes.clients, count // 2))
            server.finish()

    for name in (NOBODY, ONE):
        bench.log(f"user space while {name}")
        row = section.row(name)
        cost, row.top = bench.callgrind_cost(
            lambda wrap: start_udpsrv(bench, wrap=wrap),
            lambda server, count, name=name: drive(server, count, name == ONE),
            (less, more), more - less)
        row.add({"grind_instructions": cost})


def listen(bench):
    """Subscribers: what they cost requests, and that they get each message."""
    section = Section("listen", f"{bench.sizes.rate:,} requests/s and subscribers", "request")
    section.rows = [Row(NOBODY), Row(ONE), Row(STALLED)]
    bench.interleave(section, [(row.name, lambda kind=row.name: _ask(bench, kind))
                               for row in section.rows], long_rounds(bench))
    _flood(bench, section)
    for name in (ONE, STALLED):
        section.figures.append(Figure(f"requests lost while {name}",
                                      max(section.row(name).samples["lost"]), 0))
    section.figures.append(added_p99(section, STALLED, NOBODY))
    if bench.valgrind:
        _callgrind(bench, section)
        nobody, one = (middle(section.row(name), "grind_instructions") for name in (NOBODY, ONE))
        section.figures += [Figure(f"{NOBODY}: user space", nobody, 400, "instructions"),
                            Figure(f"{ONE}: added", one - nobody, 1000, "instructions")]
    return section


# ---- Gateways ----

def _requests(bench, has_refs, addresses):
    """Writes a file of requests to the clients in turn."""
    path = bench.path("requests")
    with open(path, "w", encoding="ascii") as file:
        for number in range(bench.sizes.requests):
            ref = f'"ref":{number},' if has_refs else ""
            file.write(f'{{{ref}"to":"{addresses[number % len(addresses)]}","text":"hi"}}\n')
    return path


def _flood_by_gateway(bench, has_refs):
    """The time and the CPU time of the server for each message that a gateway sends."""
    count = bench.sizes.requests
    with start_udpsrv(bench) as server, \
            senders.RegisteredClients(bench, server, bench.sizes.clients):
        addresses = [client["address"] for client in server.control("clients")]
        requests, results = _requests(bench, has_refs, addresses), bench.path("results")
        began = time.monotonic()
        with bench.meter.over(server.pid) as taken, \
                stdout_to(bench, server, ["gateway"], results, requests) as gateway:
            gateway.finish()
        took = time.monotonic() - began
        stats = server.control("stats")
        if stats["direct_sent"] + stats["direct_failed"] != count:
            raise MeasurementError(f"of {count} messages, the server counts {stats}")
        printed = sum(json.loads(line).get("sent", 0) for line in _text(results).splitlines())
        if printed != (stats["direct_sent"] if has_refs else 0):
            raise MeasurementError(f"{printed} results were printed")
        server.finish()
    return {"µs": took / count * 1e6} | {name: value / count for name, value in taken.items()}


def _backend_argv(bench, server):
    """Runs the program of docs/protocol.md as it stands there: it finds udpctl in PATH, and the
    server at its default socket, which is in XDG_RUNTIME_DIR or, for root, in /run/udpsrv: a
    private one in a mount namespace."""
    script = re.search(r"^```python backend\n(.*?)^```", _text(PAGE), re.MULTILINE | re.DOTALL)
    is_root = os.geteuid() == 0
    place = "/run/udpsrv" if is_root else bench.path("runtime")
    path = os.path.dirname(os.path.abspath(bench.program("udpctl")))
    command = (f'{"mount -t tmpfs none /run && " if is_root else ""}mkdir "$1" && '
               'ln -s "$2" "$1/udpsrv.sock" && export XDG_RUNTIME_DIR="$1" PATH="$3:$PATH" && '
               'exec python3 -c "$4"')
    return (["unshare", "--mount"] if is_root else []) + \
        ["sh", "-c", command, "sh", place, os.path.abspath(server.socket), path, script.group(1)]


def _echo(bench):
    """Requests at a constant rate, which the program in Python answers."""
    sizes, path = bench.sizes, bench.path("json")
    with start_udpsrv(bench, "[reply]\nmode = none\n") as server, \
            Process(bench, _backend_argv(bench, server), bench.sender_cpu):
        wait_until("an answer of the program", lambda: _is_answered(server))
        argv = senders.udpload_argv(bench, server, path, "-Q", sizes.echo_rate, "-l", sizes.load_s,
                                    "-c", ECHO_CLIENTS, "-t", "2s", "-S", "1s")
        run(bench, argv, bench.sender_cpu, statuses=(0, 3))
        report = senders.read_report(path)
        server.finish()
    numbers = load_results(report)
    del numbers["worst second's p99 µs"]
    return {"p50 µs": report["latency"]["corrected"]["p50"]} | numbers


def gateway(bench):
    """Messages that a program sends, and a program that answers each request."""
    sizes = bench.sizes
    section = Section("gateway", f"gateway to {sizes.clients:,} clients", "message")
    plain, with_refs = "udpctl gateway", "udpctl gateway, each with a result"
    echo = f"a program in Python that answers, {sizes.echo_rate:,} requests/s"
    section.rows = [Row(plain), Row(with_refs), Row(echo)]
    bench.interleave(section, [(plain, lambda: _flood_by_gateway(bench, False)),
                               (with_refs, lambda: _flood_by_gateway(bench, True)),
                               (echo, lambda: _echo(bench))], long_rounds(bench))
    section.figures = [
        Figure("a message by a gateway (10 µs: 100,000 a second)",
               middle(section.row(plain), "µs"), 10, "µs"),
        Figure(f"{echo}: without an answer", max(section.row(echo).samples["lost"]), 0)]
    return section
