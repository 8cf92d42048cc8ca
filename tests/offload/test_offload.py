"""The offload of registered clients, with a real program in the kernel on a veth pair."""

import json
import socket
import subprocess
import time
import unittest

from offload_network import ANSWER_S, ANYWHERE, PACED, PORT, Case, Server, cars, program, sockets_in, wait_for, why_not

PING = b"\0UDP\x04"


@unittest.skipIf(why_not(), why_not())
class Offload(Case):
    # ---- request and reply ----

    def test_the_kernel_answers_a_client_from_its_third_datagram_on(self):
        for family in (socket.AF_INET, socket.AF_INET6):
            with self.subTest(family=family):
                server, client = Server(), self.client(family)
                with server:
                    self.assertEqual(client.ask_all(12), cars(12))
                    stats = self.balanced(server)
                    self.assertEqual((stats["received"], stats["replied"], stats["offload_replied"]), (12, 12, 10))
                    shown = server.json("offload")
                    self.assertEqual([(row["interface"], row["mode"], row["attached"], row["clients"]) for row in shown],
                                     [("eth0", "native", True, 1)])

    def test_a_wildcard_listener_answers_for_the_address_that_was_asked(self):
        server = self.serve(listen=ANYWHERE)
        for family in (socket.AF_INET, socket.AF_INET6):
            client = self.client(family)
            client.ask_all(5)
        self.assertEqual(self.balanced(server)["offload_replied"], 6)

    def test_two_workers_and_the_kernel_share_one_rotation(self):
        server = self.serve("[server]\nworkers = 2\n")
        clients = [self.client() for _ in range(8)]
        replies = [client.ask() for _ in range(30) for client in clients]
        self.assertEqual(replies, cars(240))
        self.assertEqual(self.balanced(server)["offload_replied"], 8 * 28)

    def test_echo_and_silence(self):
        server = self.serve("[reply]\nmode = echo\n")
        client = self.client()
        for size in (0, 1, 2, 63, 64, 511, 512, 513, 1400):
            payload = (bytes(range(256)) * 6)[:size]
            self.assertEqual(client.ask_all(3, payload), [payload] * 3)
        stats = self.balanced(server)
        self.assertEqual(stats["offload_passed_size"], 6)
        self.assertEqual(stats["offload_replied"], 9 * 3 - 6 - 2)
        server.configure("[reply]\nmode = none\n")
        server.ctl("reload")
        for count in range(1, 6):
            client.socket.send(b"x")
            wait_for(lambda: self.balanced(server)["silent"] == count, "it is counted")
        self.assertEqual(server.stats()["offload_silent"], 4)
        self.assertTrue(client.has_nothing())

    def test_frames_and_long_datagrams_go_to_the_sockets(self):
        server, client = self.serve(), self.client()
        client.ask_all(3)
        self.assertEqual(client.ask(PING + b"token")[:5], b"\0UDP\x05")
        client.socket.send(b"x" * 2049)
        self.assertEqual(client.ask(b"x" * 600), b"audi")
        stats = self.balanced(server)
        self.assertEqual((stats["ponged"], stats["drop_oversize"], stats["offload_passed_frame"]), (1, 1, 1))

    def test_messages_that_do_not_fit_are_sent_by_the_sockets(self):
        for messages in (["m" * 1233], [f"message {i}" for i in range(65)]):
            with self.subTest(count=len(messages)):
                with Server("[reply]\n" + "".join(f"message = {text}\n" for text in messages)) as server:
                    client = self.client()
                    self.assertEqual(client.ask_all(70), [messages[i % len(messages)].encode() for i in range(70)])
                    self.assertEqual(self.balanced(server)["offload_replied"], 0)

    def test_routers_may_fragment_replies_and_copies(self):
        def open_socket():
            made = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800)) # ETH_P_IP
            made.bind(("eth0", 0x0800))
            made.settimeout(ANSWER_S)
            return [made]

        server, client = self.serve(PACED), self.client()
        client.ask_all(2) # by the sockets
        with sockets_in("clients", open_socket)[0] as packets:
            client.ask_all(9)
            self.broadcast(server, "news")
            self.expect([client], b"news")
            headers = [packets.recv(65536)[:20] for _ in range(10)]
        self.assertEqual((server.stats()["offload_replied"], server.stats()["offload_copies"]), (9, 1))
        self.assertEqual({header[6:8] for header in headers}, {b"\0\0"}) # neither DF nor an offset
        self.assertGreater(len({header[4:6] for header in headers}), 1)

    # ---- the registry ----

    def test_a_client_lives_by_what_the_kernel_answers(self):
        server, client = self.serve("[clients]\nttl = 3s\nsweep = 100ms\n"), self.client()
        end = time.monotonic() + 4
        client.ask_all(3)
        began = json.loads(server.ctl("--json", "clients"))
        wait_for(lambda: client.ask() and server.stats()["offload_replied"] > 40 and time.monotonic() > end,
                 "it has sent for more than a ttl")
        self.assertEqual(server.stats()["joined"], 1)
        self.assertEqual(json.loads(server.ctl("--json", "clients"))[0]["address"], began[0]["address"])
        wait_for(lambda: server.stats()["expired"] == 1, "it expires when it is silent")
        self.assertEqual(server.json("offload")[0]["clients"], 0)
        client.ask_all(3)
        self.assertEqual(self.balanced(server)["joined"], 2)

    def test_the_list_shows_datagrams_that_the_kernel_answered(self):
        server, client = self.serve(), self.client()
        client.ask_all(25)
        row = server.json("clients")[0]
        self.assertEqual(row["received"], 25)
        self.assertLess(row["idle_ms"], 60000)

    def test_a_kick_ends_it_at_once(self):
        server, client = self.serve(), self.client()
        client.ask_all(5)
        server.ctl("kick", client.address())
        self.assertEqual(client.ask_all(3), cars(3, 5))
        stats = self.balanced(server)
        self.assertEqual((stats["kicked"], stats["joined"]), (1, 2))

    def test_a_reload_takes_effect_at_once(self):
        server, client = self.serve(), self.client()
        client.ask_all(5)
        for number in range(10):
            server.configure(f"[reply]\nmessage = first {number}\nmessage = second {number}\n")
            server.ctl("reload")
            texts = [f"first {number}".encode(), f"second {number}".encode()]
            self.assertEqual(client.ask_all(4), texts * 2)
        server.configure("[admission]\npolicy = open\ndeny = 192.0.2.2\n")
        server.ctl("reload")
        before = self.balanced(server)
        self.assertEqual(before["offload_replied"], 3 + 10 * 3)
        client.socket.send(b"denied")
        wait_for(lambda: server.stats()["drop_denied"] == 1, "it is denied")

    def test_a_subscriber_gets_every_message(self):
        server, client = self.serve(), self.client()
        client.ask_all(5)
        before = server.stats()["offload_replied"]
        listen = subprocess.Popen([program("udpctl"), "-s", server.socket, "--json", "listen", "-n", "4"], stdout=subprocess.PIPE)
        self.addCleanup(listen.stdout.close)
        wait_for(lambda: client.ask() and server.stats()["listen_messages"] >= 1, "it listens")
        client.ask_all(3)
        listen.wait(ANSWER_S)
        wait_for(lambda: client.ask() and server.stats()["offload_replied"] > before, "the kernel answers again")
        self.balanced(server)

    def test_broadcasts_reach_clients_that_the_kernel_answers(self):
        server = self.serve()
        clients = [self.client(family) for family in (socket.AF_INET, socket.AF_INET6) for _ in range(5)]
        for client in clients:
            client.ask_all(4)
        server.ctl("broadcast", "news")
        for client in clients:
            self.assertEqual(client.socket.recv(100), b"news")
            self.assertTrue(client.has_nothing())

    # ---- admission.rate ----

    def flood(self, server, clients, count):
        """Each of the clients sends so many datagrams, the first two of which have the kernel answer it, and the others without waiting.
        Returns how many replies they got, when all were decided on."""
        before, replies = server.stats()["received"], 0
        for number in (1, 2, count):
            for client in clients:
                for _ in range(1 if number < count else count - 2):
                    client.socket.send(b"flood")
            expected = before + number * len(clients)
            wait_for(lambda wanted=expected: server.stats()["received"] == wanted, "all are received")
        for client in clients:
            replies += sum(1 for _ in iter(client.next_or_none, None))
        return replies

    def expect_limited(self, replies, burst, began):
        """At most the burst and what has come back since then, at 1 a second."""
        self.assertGreaterEqual(replies, burst)
        self.assertLessEqual(replies, burst + time.monotonic() - began + 1)

    def test_a_client_below_the_rate_is_answered_by_the_kernel(self):
        for policy in ("open", "cookie"):
            with self.subTest(policy=policy):
                with Server(f"[admission]\npolicy = {policy}\nrate = 1000000\n") as server:
                    for family in (socket.AF_INET, socket.AF_INET6):
                        client = self.client(family)
                        first = client.prove() if policy == "cookie" else client.ask()
                        self.assertEqual([first, *client.ask_all(11)], cars(12))
                    stats = self.balanced(server)
                    # The address of a client under `cookie` has no bucket before its answer to the challenge.
                    self.assertEqual((stats["offload_replied"], stats["offload_passed_rate"], stats["drop_limited"]), (2 * 10, 0, 0))

    def test_both_paths_together_answer_no_more_than_the_rate(self):
        for family in (socket.AF_INET, socket.AF_INET6):
            for mode in ("rotate", "none"):
                with self.subTest(family=family, mode=mode):
                    with Server(f"[admission]\npolicy = open\nrate = 1\nburst = 20\n[reply]\nmode = {mode}\n") as server:
                        began, clients = time.monotonic(), [self.client(family) for _ in range(2)] # of one address
                        replies = self.flood(server, clients, 50)
                        stats = self.balanced(server)
                        self.expect_limited(stats["replied"] + stats["silent"], 20, began)
                        self.assertEqual(replies, stats["replied"])
                        self.assertGreater(stats["offload_replied"] + stats["offload_silent"], 10)
                        self.assertEqual(stats["drop_limited"], 100 - stats["replied"] - stats["silent"])
                        self.assertGreaterEqual(stats["offload_passed_rate"], stats["drop_limited"])

    def test_dry_run_counts_and_answers_everything(self):
        server, client = self.serve("[admission]\npolicy = open\nrate = 1\nburst = 10\ndry-run = on\n"), self.client()
        began = time.monotonic()
        self.assertEqual(self.flood(server, [client], 50), 50)
        stats = self.balanced(server)
        self.assertEqual((stats["replied"], stats["drop_limited"]), (50, 0))
        self.expect_limited(50 - stats["dry_limited"], 10, began)
        # A token may come back before the server decides on what the program has passed on.
        self.assertGreaterEqual(stats["offload_passed_rate"], stats["dry_limited"])

    def test_a_reload_sets_the_rate_and_removes_it(self):
        server, client = self.serve(), self.client()
        client.ask_all(5)
        server.configure("[admission]\npolicy = open\nrate = 1\nburst = 10\n")
        server.ctl("reload")
        began, before = time.monotonic(), self.balanced(server)
        self.expect_limited(self.flood(server, [client], 50), 10, began)
        stats = self.balanced(server)
        self.assertGreater(stats["offload_replied"] - before["offload_replied"], 5)
        server.configure("")
        server.ctl("reload")
        self.assertEqual(len(client.ask_all(20)), 20)
        self.assertEqual(self.balanced(server)["offload_replied"], stats["offload_replied"] + 19)

    def test_an_upgrade_keeps_the_buckets_with_the_offload_and_without(self):
        config = "[admission]\npolicy = open\nrate = 1\nburst = 10\n"
        server, client = self.serve(config), self.client()
        began = time.monotonic()
        replies = self.flood(server, [client], 50)
        for section in ("mode = native\ninterface = eth0\n", "mode = off\n", "mode = off\n"):
            server.configure(config, section)
            server.upgrade()
            replies += self.flood(server, [client], 50)
        self.expect_limited(replies, 10, began)
        self.balanced(server)

    def test_after_an_upgrade_the_program_goes_on_to_take_tokens(self):
        server, client = self.serve("[admission]\npolicy = open\nrate = 1000000\n"), self.client()
        client.ask_all(5)
        for _ in range(2):
            server.upgrade()
            before = self.balanced(server)
            client.ask_all(20)
            after = self.balanced(server)
            self.assertEqual(after["offload_replied"], before["offload_replied"] + 19)
            self.assertEqual((after["offload_passed_rate"], after["drop_limited"]), (0, 0))

    # ---- starts and ends ----

    def test_nothing_stays_attached(self):
        for end in (Server.kill, Server.end):
            server = Server()
            self.assertIsNotNone(self.pair.xdp())
            end(server)
            wait_for(lambda: self.pair.xdp() is None, "the program is detached")
            server.__exit__()

    def test_an_upgrade_keeps_the_program_and_the_clients(self):
        server, clients = self.serve(), [self.client() for _ in range(20)]
        asked = 0
        for client in clients:
            self.assertEqual(client.ask_all(4), cars(4, asked))
            asked += 4
        attached = self.pair.xdp()["prog"]["id"]
        for _ in range(3):
            server.upgrade()
            self.assertEqual(self.pair.xdp()["prog"]["id"], attached)
            for client in clients:
                self.assertEqual(client.ask_all(4), cars(4, asked))
                asked += 4
            stats = self.balanced(server)
            self.assertEqual((stats["received"], stats["joined"], stats["expired"]), (asked, 20, 0))
        self.assertEqual(stats["offload_replied"], 20 * (2 + 3 * 3))

    def test_a_failed_upgrade_has_the_offload_go_on(self):
        server, client = self.serve(), self.client()
        client.ask_all(4)
        with open(server.path, "a", encoding="ascii") as file:
            file.write("nonsense = 1\n")
        self.assertNotEqual(subprocess.run([program("udpctl"), "-s", server.socket, "upgrade"], stderr=subprocess.DEVNULL, check=False).returncode, 0)
        wait_for(lambda: client.ask() and server.stats()["offload_replied"] > 4, "the kernel answers again")
        self.balanced(server)

    def test_a_second_server_finds_the_interface_taken(self):
        self.serve()
        other = self.serve(section="mode = auto\ninterface = eth0\n", listen=f"192.0.2.1:{PORT + 1}")
        other.log.find("the offload is not attached.*on=eth0", "a warning")
        self.assertEqual([(row["attached"], row["problem"]) for row in other.json("offload")], [(False, "taken")])
        with self.assertRaisesRegex(AssertionError, "cannot attach the offload.*eth0"):
            Server(listen=f"192.0.2.1:{PORT + 2}")

    def test_no_such_interface(self):
        with self.assertRaisesRegex(AssertionError, "cannot attach the offload.*eth7.*correct offload.interface"):
            Server(section="mode = native\ninterface = eth7\n")
        server = self.serve(section="mode = auto\ninterface = eth7\n")
        self.assertEqual(self.client().ask_all(3), cars(3))
        self.assertEqual(server.json("offload")[0]["problem"], "not-found")

    def test_without_capabilities_it_serves_by_sockets(self):
        unprivileged = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all")
        server = self.serve(section="mode = auto\ninterface = eth0\n", prefix=unprivileged)
        server.log.find("the offload is not loaded.*CAP_BPF", "a warning that says what is missing")
        self.assertEqual(self.client().ask_all(5), cars(5))
        self.assertEqual(self.balanced(server)["offload_replied"], 0)

    def test_two_capabilities_suffice(self):
        """CAP_BPF, which is 39, and CAP_NET_ADMIN; no capability is left when it serves."""
        server = self.serve(prefix=("setpriv", "--bounding-set=-all,+cap_39,+net_admin"))
        self.assertEqual(self.client().ask_all(5), cars(5))
        self.assertEqual(self.balanced(server)["offload_replied"], 3)
        with open(f"/proc/{server.pid}/status", encoding="ascii") as status:
            self.assertIn("CapPrm:\t0000000000000000\n", status.read())


if __name__ == "__main__":
    unittest.main()
