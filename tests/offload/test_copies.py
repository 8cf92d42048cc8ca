"""Copies of a broadcast as frames of the offload, to clients on a veth pair."""

import json
import socket
import subprocess
import unittest

from offload_network import ADDRESSES, ANSWER_S, FAMILIES, PACED, Case, program, run, wait_for, why_not

HELLO, NAMED, MESSAGE, CONFIRM = (b"\0UDP" + bytes([kind]) for kind in (8, 9, 6, 7))
SEEN = 3  # datagrams until the program has seen one of a client in its table
LONGEST = 1232  # bytes of a message that the program can send


@unittest.skipIf(why_not(), why_not())
class Copies(Case):
    def clients(self, count, families=FAMILIES, datagrams=SEEN):
        """Clients of each family that have sent so often, and have their replies."""
        made = [self.client(family) for family in families for _ in range(count)]
        for client in made:
            client.ask_all(datagrams)
        return made

    def frames(self, server):
        stats = self.balanced(server)
        self.assertLessEqual(stats["offload_copies"], stats["copies_sent"])
        return stats["offload_copies"]

    # ---- which way a copy leaves ----

    def test_clients_that_the_program_has_seen_get_frames(self):
        server, clients = self.serve(PACED), self.clients(10)
        for text in ("n", "news", "a text of eighteen", "x" * 512, "y" * (LONGEST - 1), "z" * LONGEST):
            before = self.frames(server)
            self.assertEqual(self.broadcast(server, text)["sent"], 20)
            self.expect(clients, text.encode())
            self.assertEqual(self.frames(server) - before, 20)

    def test_the_sockets_send_what_is_too_long(self):
        server, clients = self.serve(PACED), self.clients(3)
        self.broadcast(server, "x" * (LONGEST + 1))
        self.expect(clients, b"x" * (LONGEST + 1))
        self.assertEqual(self.frames(server), 0)

    def test_the_sockets_send_what_is_longer_than_the_mtu(self):
        server, clients = self.serve(PACED), self.clients(3, [socket.AF_INET])
        run("ip", "link", "set", "eth0", "mtu", "600", namespace="server")
        for size, frames in ((572, 3), (573, 3)):  # of 600 bytes, 28 are headers
            self.broadcast(server, "x" * size)
            self.expect(clients, b"x" * size)
            self.assertEqual(self.frames(server), frames)

    def test_without_a_rate_the_sockets_send_all_copies(self):
        server, clients = self.serve(), self.clients(3)
        self.broadcast(server, "news")
        self.expect(clients, b"news")
        self.assertEqual(self.frames(server), 0)
        server.configure(PACED)
        server.ctl("reload")
        self.broadcast(server, "news")
        self.expect(clients, b"news")
        self.assertEqual(self.frames(server), 6)

    def test_each_client_gets_one_copy_of_a_mixture(self):
        server = self.serve(PACED + "[server]\nworkers = 2\n")
        seen, unseen = self.clients(150), []
        for number in range(150):
            unseen += self.clients(1, [FAMILIES[number % 2]], SEEN - 1)
        for text in ("first", "second"):
            self.assertEqual(self.broadcast(server, text)["sent"], 450)
            self.expect(seen + unseen, text.encode())
        self.assertEqual(self.frames(server), 2 * 300)

    def test_in_generic_mode_the_sockets_send_all_copies(self):
        server, clients = self.serve(PACED, "mode = generic\ninterface = eth0\n"), self.clients(3)
        self.broadcast(server, "news")
        self.expect(clients, b"news")
        self.assertEqual(self.frames(server), 0)

    def test_copies_leave_as_frames_while_a_subscriber_listens(self):
        server, clients = self.serve(PACED), self.clients(3)
        with subprocess.Popen([program("udpctl"), "-s", server.socket, "listen"], stdout=subprocess.DEVNULL) as listen:
            self.addCleanup(listen.kill)
            wait_for(lambda: clients[0].ask() and server.stats()["listen_messages"] > 0, "it listens")
            clients += self.clients(3)
            self.broadcast(server, "news")
            self.expect(clients, b"news")
            self.assertEqual(self.frames(server), 12)
            listen.kill()

    def test_a_confirmed_broadcast_sends_both_messages_as_frames(self):
        server, plain, framed = self.serve(PACED), self.clients(3), self.clients(3)
        for client in framed:
            self.assertEqual(client.ask(HELLO + b"\1")[:5], NAMED)
            client.ask()
        with subprocess.Popen([program("udpctl"), "-s", server.socket, "--json", "broadcast", "--confirm", "--within", "5s", "news"],
                              stdout=subprocess.PIPE) as command:
            self.addCleanup(command.kill)
            self.expect(plain, b"news")
            for client in framed:
                message = client.socket.recv(65536)
                self.assertEqual((message[:5], message[14:]), (MESSAGE, b"news"))
                client.socket.send(CONFIRM + message[5:13])
            wait_for(lambda: server.stats()["confirmed"] == len(framed), "all have confirmed")
            command.communicate(timeout=3 * ANSWER_S)
        self.assertEqual(self.frames(server), 12)

    # ---- the link ----

    def test_a_copy_follows_the_last_datagram_of_its_client(self):
        server, clients = self.serve(PACED), self.clients(2)
        run("ip", "link", "set", "eth0", "address", "02:00:00:00:12:34", namespace="clients")
        for client in clients:
            client.ask()
        self.broadcast(server, "news")
        self.expect(clients, b"news")
        self.assertEqual(self.frames(server), 4)

    def test_no_frame_is_given_to_an_interface_that_is_down(self):
        server, clients = self.serve(PACED), self.clients(3, [socket.AF_INET])
        run("ip", "link", "set", "eth0", "down", namespace="server")
        report = self.broadcast(server, "news")
        self.assertEqual((report["targets"], report["failed"], self.frames(server)), (3, 3, 0))
        run("ip", "link", "set", "eth0", "up", namespace="server")
        wait_for(lambda: "LOWER_UP" in run("ip", "link", "show", "dev", "eth0", namespace="server"), "it is up")
        self.broadcast(server, "again")
        self.expect(clients, b"again")
        self.assertEqual(self.frames(server), 3)

    def test_the_drops_of_the_interface_are_shown(self):
        server = self.serve(PACED)
        run("ip", "link", "set", "eth0", "down", namespace="clients")  # what is sent to a veth without a peer is dropped
        run("ip", "link", "set", "eth0", "up", namespace="clients")

        def dropped():
            link = json.loads(run("ip", "-json", "-s", "link", "show", "dev", "eth0", namespace="server"))[0]
            return link["stats64"]["tx"]["dropped"]

        wait_for(lambda: server.json("offload")[0]["send_drops"] == dropped(), "it is what ip shows")

    # ---- pace, cancel, registry ----

    def test_a_cancel_ends_it_and_nobody_gets_two_copies(self):
        server, clients = self.serve("[broadcast]\nrate = 20\n"), self.clients(20)
        command = subprocess.Popen([program("udpctl"), "-s", server.socket, "--json", "broadcast", "news"], stdout=subprocess.PIPE)
        self.addCleanup(command.stdout.close)
        wait_for(lambda: self.frames(server) >= 3, "some copies are sent")
        server.ctl("cancel", "1")
        command.wait(ANSWER_S)
        job = server.json("jobs")[0]
        self.assertEqual((job["targets"], job["failed"]), (40, 0))
        self.assertGreater(job["skipped"], 0)
        self.assertEqual(self.frames(server), job["sent"])
        got = [client for client in clients if not client.has_nothing()]
        self.assertEqual(len(got), job["sent"])
        for client in got:
            self.assertTrue(client.has_nothing())

    def test_a_client_that_was_kicked_gets_no_copy(self):
        server, clients = self.serve(PACED), self.clients(3)
        server.ctl("kick", clients[0].address())
        self.assertEqual(self.broadcast(server, "news")["targets"], 5)
        self.expect(clients[1:], b"news")
        self.assertTrue(clients[0].has_nothing())

    def test_a_selector_chooses(self):
        server, clients = self.serve(PACED), self.clients(4)
        self.broadcast(server, "news", "--to", ADDRESSES[socket.AF_INET][1])
        self.expect(clients[:4], b"news")
        self.assertTrue(all(client.has_nothing() for client in clients[4:]))
        self.assertEqual(self.frames(server), 4)

    def test_an_upgrade_in_the_middle_of_a_broadcast(self):
        server, clients = self.serve("[broadcast]\nrate = 10\n"), self.clients(20)
        command = subprocess.Popen([program("udpctl"), "-s", server.socket, "--json", "broadcast", "news"], stdout=subprocess.PIPE)
        self.addCleanup(command.stdout.close)
        wait_for(lambda: self.frames(server) >= 5, "some copies are sent")
        server.upgrade()
        wait_for(lambda: server.stats()["copies_sent"] == 40, "all copies are sent")
        self.expect(clients, b"news")
        command.wait(ANSWER_S)
        before = self.frames(server)
        self.assertLess(before, 40)  # the clients were taken back before the upgrade
        for client in clients:
            client.ask_all(2)
        server.configure(PACED)
        server.ctl("reload")
        for client in clients:
            client.ask_all(2)
        self.broadcast(server, "more")
        self.expect(clients, b"more")
        self.assertEqual(self.frames(server) - before, 40)


if __name__ == "__main__":
    unittest.main()
