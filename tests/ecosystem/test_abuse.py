"""What peers can do to the metrics while 20,000 requests a second are served: none of those is lost, and a scrape still works."""

import resource
import socket
import threading
import unittest

from servers import Server

RATE, DURATION_S, CONNECTIONS = 20000, 8, 10000
HEAD = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n"
NONSENSE = [b"GET /\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\n", b"\0" * 4096 + b"\n", b"\r\n" * 5000,
            b"BREW / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999999\r\n\r\n",
            b"GET /../../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n", b"GET /%2e%2e/etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n",
            HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", HEAD + b" folded\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: rebound.example\r\n\r\n"]


class Abuser:
    """Peers in one thread, until they are stopped."""

    def __init__(self, port):
        self.port, self.ended, self.wrong, self.rounds = port, threading.Event(), [], 0
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def connect(self):
        peer = socket.create_connection(("127.0.0.1", self.port), timeout=5)
        return peer

    def exchange(self, request):
        """Returns what a peer gets that sends this and reads until the end, or what came until it was closed."""
        answer = b""
        with self.connect() as peer:
            try:
                peer.sendall(request)
                peer.shutdown(socket.SHUT_WR)
                while part := peer.recv(65536):
                    answer += part
            except OSError:
                pass
        return answer

    def send_nonsense(self):
        for request in NONSENSE:
            answer = self.exchange(request)
            if b"root:" in answer or (answer and not answer.startswith(b"HTTP/1.1 4") and not answer.startswith(b"HTTP/1.1 5")):
                self.wrong.append((request[:40], answer[:60]))

    def send_long_head(self):
        self.exchange(b"GET / HTTP/1.1\r\nX: " + b"x" * (10 << 20))

    def pipeline(self):
        answer = self.exchange((HEAD + b"\r\n") * 100)
        if answer.count(b"HTTP/1.1 200 OK") not in (0, 100): # 0: another connection took its place
            self.wrong.append(("100 pipelined requests", answer.count(b"HTTP/1.1 200 OK")))

    def hold_half_requests(self):
        peers = [self.connect() for _ in range(64)]
        for peer in peers:
            try:
                peer.sendall(HEAD)
            except OSError: # its place was taken
                pass
        for peer in peers:
            peer.close()

    def read_slowly(self):
        peers = [self.connect() for _ in range(16)]
        for peer in peers:
            peer.setblocking(False)
            try:
                while peer.send((HEAD + b"\r\n") * 50):
                    pass
            except OSError:
                pass
        for peer in peers:
            peer.close()

    def run(self):
        while not self.ended.is_set():
            for act in (self.send_nonsense, self.pipeline, self.hold_half_requests, self.read_slowly, self.send_long_head):
                try:
                    act()
                except OSError:
                    pass
            self.rounds += 1

    def stop(self):
        self.ended.set()
        self.thread.join()


class Abuse(unittest.TestCase):
    def run_load(self, server, meanwhile):
        load = server.load(RATE, DURATION_S, clients=20000)
        meanwhile(load)
        load.wait()
        return server.load_report()

    def test_no_request_is_lost_while_peers_abuse_the_metrics(self):
        with Server("[server]\nworkers = 1\n") as server:
            quiet = self.run_load(server, lambda load: None)
            if quiet["lost"] > 0 or quiet["sent"] < 0.99 * RATE * DURATION_S:
                self.skipTest(f"this machine does not serve {RATE} requests a second at present: {quiet['lost']} lost")
            abuser = Abuser(server.metrics_port)
            try:
                abused = self.run_load(server, lambda load: None)
            finally:
                abuser.stop()
            self.assertGreater(abuser.rounds, 0)
            self.assertEqual(abuser.wrong, [])
            self.assertEqual(abused["lost"], 0)
            stats = server.stats()
            self.assertEqual(stats["kernel_drops"], 0)
            self.assertIn(f'outcome="replied"}} {stats["replied"]}\n', server.get("/metrics"))
            server.stop()

    def test_ten_thousand_connections_lock_out_no_scrape(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard < CONNECTIONS + 100:
            self.skipTest(f"the limit of open files is {hard}: raise it (ulimit -Hn)")
        resource.setrlimit(resource.RLIMIT_NOFILE, (CONNECTIONS + 100, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        with Server() as server:
            peers = []
            try:
                for i in range(CONNECTIONS):
                    peers.append(socket.create_connection(("127.0.0.1", server.metrics_port), timeout=15))
                    if i % 1000 == 999:
                        self.assertIn("udpsrv_clients 0", server.get("/metrics"))
            finally:
                for peer in peers:
                    peer.close()
            server.stop()


if __name__ == "__main__":
    unittest.main()
