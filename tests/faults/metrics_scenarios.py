"""Scenarios of the server with metrics, over TCP and a Unix socket."""

import socket

from server_scenarios import Service, udp_client

CONFIG = """[server]
listen = 127.0.0.1:3000
[metrics]
listen = {listen}
"""
REQUEST = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
ANSWER_S, TRIES = 5, 3 # above the time for which a connection lingers


def scrape(family, address):
    """One attempt. Returns the answer, as far as it came, or None without a connection."""
    with socket.socket(family, socket.SOCK_STREAM) as client:
        client.settimeout(ANSWER_S)
        try:
            client.connect(address)
            client.sendall(REQUEST)
            answer = b""
            while part := client.recv(65536):
                answer += part
            return answer
        except OSError:
            return None


def read_metrics(service, family, address):
    """A scrape that fails is seen by its client, which tries again, and waits while accepting pauses; metrics that are wrong are
    a loss."""
    for _ in range(TRIES):
        if not service.alive():
            return
        answer = scrape(family, address)
        if answer and answer.startswith(b"HTTP/1.1 200 "):
            if b'outcome="replied"} 1\n' not in answer:
                service.run.lost.append("the metrics do not have the reply")
            return
        if answer:
            service.run.evidence += f" answer {answer[:20]!r}"
    if service.alive():
        service.run.lost.append(f"no metrics in {TRIES} attempts")


def serve(run, family, address, listen):
    service = Service(run, config=CONFIG.format(listen=listen))
    if not service.serves:
        service.end_without_start()
        return
    service.request(udp_client(run, ("127.0.0.1", 3000)))
    read_metrics(service, family, address)
    service.balance()
    service.stop()


def tcp(run):
    serve(run, socket.AF_INET, ("127.0.0.1", 9300), "127.0.0.1:9300")


def unix(run):
    serve(run, socket.AF_UNIX, run.path("metrics"), "unix:" + run.path("metrics"))


SCENARIOS = {"metrics": tcp, "metrics at a Unix socket": unix}
