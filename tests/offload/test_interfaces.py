"""The offload and the interfaces of the host: the modes in which it is attached, and which clients come by another interface."""

import contextlib
import re
import socket
import subprocess
import unittest

from offload_frames import Frames
from offload_network import (ADDRESSES, ANSWER_S, ANYWHERE, FAMILIES, OTHER_ADDRESSES, PACED, PORT, Case, cars, run, sockets_in, wait_for,
                             why_not)
from network import complete_checksums # found once offload_network has set the path

GENERIC, AUTO = "mode = generic\ninterface = eth0\n", "mode = auto\ninterface = eth0\n"


@unittest.skipIf(why_not(), why_not())
class Modes(Case):
    def test_the_generic_mode(self):
        complete_checksums("clients", "eth0")
        server = self.serve(section=GENERIC)
        for family in FAMILIES:
            self.assertEqual(len(self.client(family).ask_all(12)), 12)
        self.assertEqual(self.balanced(server)["offload_replied"], 2 * 10)
        self.assertEqual(server.json("offload")[0]["mode"], "generic")

    def test_the_generic_mode_passes_an_incomplete_checksum(self):
        server = self.serve(section=GENERIC)
        for number, family in enumerate(FAMILIES):
            self.assertEqual(self.client(family).ask_all(12), cars(12, 12 * number))
        stats = self.balanced(server)
        self.assertEqual((stats["replied"], stats["offload_replied"], stats["offload_passed_checksum"]), (2 * 12, 0, 2 * 10))

    def test_auto_takes_the_generic_mode_at_a_veth(self):
        """Its driver has a native mode, in which all replies are lost without a program at the other end."""
        complete_checksums("clients", "eth0")
        server = self.serve(section=AUTO)
        self.assertEqual(server.json("offload")[0]["mode"], "generic")
        server.log.find("the offload is attached interface=eth0 mode=generic", "the mode")
        self.assertEqual(self.client().ask_all(12), cars(12))
        self.assertEqual(self.balanced(server)["offload_replied"], 10)

    def test_auto_takes_the_native_mode_of_another_driver(self):
        try:
            run("ip", "tuntap", "add", "dev", "tap0", "mode", "tap", namespace="server")
        except subprocess.CalledProcessError as error:
            self.skipTest(f"this host has no other driver with a native mode: {error.stderr.strip()}")
        server = self.serve(section="mode = auto\ninterface = tap0\n")
        self.assertEqual(server.json("offload")[0]["mode"], "native")
        server.log.find("the offload is attached interface=tap0 mode=native", "the mode")

    def test_auto_takes_the_generic_mode_if_the_driver_refuses(self):
        with self.assertRaisesRegex(AssertionError, "cannot attach the offload.*lo"):
            self.serve(section="mode = native\ninterface = lo\n")
        server = self.serve(section="mode = auto\ninterface = lo\n")
        self.assertEqual(server.json("offload")[0]["mode"], "generic")

    def test_a_driver_refuses_the_native_mode(self):
        run("ip", "link", "set", "eth0", "mtu", "9000", namespace="clients") # too long for veth
        with self.assertRaisesRegex(AssertionError, "cannot attach the offload.*eth0"):
            self.serve(section="mode = native\ninterface = eth0\n")


@unittest.skipIf(why_not(), why_not())
class Interfaces(Case):
    @contextlib.contextmanager
    def skip_without(self, kind):
        try:
            yield
        except subprocess.CalledProcessError as error:
            if "Unknown device type" not in error.stderr:
                raise
            self.skipTest(f"this kernel has no interfaces of the kind {kind}")

    def add_upper(self, *kind):
        """Makes a bridge or a bond of the server's end."""
        with self.skip_without(kind[0]):
            run("ip", "link", "add", "upper0", "type", *kind, namespace="server")
        self.pair.join("upper0")

    # ---- clients of other interfaces ----

    def expect_apart(self, *kind):
        """The clients of an interface on top of eth0 are served by the sockets, and those of eth0 itself by the program."""
        with self.skip_without(kind[0]):
            self.pair.divide(*kind)
        self.pair.check_sources()
        server = self.serve(PACED, listen=ANYWHERE)
        for number, family in enumerate(FAMILIES):
            with self.subTest(family=family):
                before = server.stats()["offload_replied"]
                whole, part = self.client(family), self.client(family, addresses=OTHER_ADDRESSES)
                self.assertEqual(part.ask_all(40), cars(40, 80 * number))
                self.assertEqual(whole.ask_all(40), cars(40, 80 * number + 40))
                self.assertEqual(self.balanced(server)["offload_replied"] - before, 38)
                self.assertEqual(server.json("offload")[0]["clients"], 1)
                self.broadcast(server, "news")
                self.expect([whole, part], b"news")
                self.assertEqual(server.stats()["offload_copies"], number + 1)
                server.ctl("kick", whole.address())
                server.ctl("kick", part.address())

    def test_a_client_in_a_vlan(self):
        """veth takes the tag out of the frame that the program sees, as the drivers of most devices do."""
        self.expect_apart("vlan", "id", "100")

    def test_a_client_of_a_macvlan(self):
        self.expect_apart("macvlan", "mode", "bridge")

    def ignored_sources(self):
        """How many datagrams the server's end has dropped for their source (rp_filter)."""
        names, values = re.findall("^TcpExt: (.*)", run("cat", "/proc/net/netstat", namespace="server"), re.MULTILINE)
        return int(dict(zip(names.split(), values.split()))["IPReversePathFilter"])

    def test_a_frame_with_the_source_of_another_interface_s_client(self):
        self.pair.add_veth("eth1", OTHER_ADDRESSES)
        self.pair.check_sources()
        server = self.serve(PACED, listen=ANYWHERE)
        near, far = self.client(), self.client(addresses=OTHER_ADDRESSES)
        self.assertEqual(near.ask_all(5), cars(5))
        self.assertEqual(far.ask_all(5), cars(5, 5))
        forger = Frames(OTHER_ADDRESSES[socket.AF_INET])
        self.addCleanup(forger.close)
        for count in range(1, 4):
            forger.send(far.socket.getsockname()[1], b"forged")
            wait_for(lambda expected=count: self.ignored_sources() == expected, "the network stack drops it")
        self.assertEqual(far.ask_all(5), cars(5, 10))
        stats = self.balanced(server)
        self.assertEqual((stats["received"], stats["offload_replied"]), (15, 3))
        self.assertEqual(server.json("offload")[0]["clients"], 1)
        self.broadcast(server, "news")
        self.expect([near, far], b"news")
        self.assertEqual(server.stats()["offload_copies"], 1)

    def test_a_program_on_the_host_itself(self):
        """The kernel reports eth0 for what it sends to the address there. Its frames are not seen there, and a forged one must not be taken
        for one of them."""
        server = self.serve(PACED, listen=ANYWHERE)
        for number, (family, ends) in enumerate(ADDRESSES.items()):
            local = sockets_in("server", lambda: [socket.socket(family, socket.SOCK_DGRAM)])[0]
            self.addCleanup(local.close)
            local.settimeout(ANSWER_S)
            local.connect((ends[0], PORT))
            for reply in cars(5, 5 * number):
                local.send(b"car?")
                self.assertEqual(local.recv(100), reply)
        stats = self.balanced(server)
        self.assertEqual((stats["replied"], stats["offload_replied"]), (10, 0))
        self.assertEqual(server.json("offload")[0]["clients"], 0)

    # ---- bridges and bonds ----

    def expect_answered(self, server):
        """The program answers a client of each family, and both get a broadcast."""
        clients = [self.client(family) for family in FAMILIES]
        for number, client in enumerate(clients):
            self.assertEqual(client.ask_all(12), cars(12, 12 * number))
        self.assertEqual(self.balanced(server)["offload_replied"], 2 * 10)
        self.broadcast(server, "news")
        self.expect(clients, b"news")

    def test_clients_of_a_bridge_are_answered_at_its_port(self):
        self.add_upper("bridge")
        server = self.serve(PACED)
        self.expect_answered(server)
        self.assertEqual(server.stats()["offload_copies"], 2)

    def test_an_interface_that_becomes_the_port_of_a_bridge(self):
        server, client = self.serve(listen=ANYWHERE), self.client()
        client.ask_all(5)
        self.add_upper("bridge")
        before = server.stats()["offload_replied"]
        wait_for(lambda: client.ask() and server.stats()["offload_replied"] > before, "the program answers again")
        self.balanced(server)

    def test_clients_of_a_bond(self):
        self.add_upper("bond", "mode", "active-backup", "miimon", "10")
        server = self.serve(PACED, section="mode = native\ninterface = upper0\n")
        self.expect_answered(server)

    # ---- MTU ----

    def test_replies_that_are_longer_than_the_mtu_leave_by_the_sockets(self):
        run("ip", "link", "set", "eth0", "mtu", "600", namespace="server")
        server = self.serve(f"[reply]\nmessage = {'m' * 1000}\n", listen=f"{ADDRESSES[socket.AF_INET][0]}:{PORT}")
        self.assertEqual(self.client().ask_all(5), [b"m" * 1000] * 5)
        stats = self.balanced(server)
        self.assertEqual((stats["replied"], stats["offload_replied"], stats["offload_passed_room"]), (5, 0, 3))

    def test_the_program_follows_the_mtu(self):
        """veth has room for a reply that is a little longer than its request, which fits into either MTU."""
        run("ip", "link", "set", "eth0", "mtu", "200", namespace="server")
        server, client = self.serve("[reply]\nmessage = " + 200 * "m" + "\n", listen=f"{ADDRESSES[socket.AF_INET][0]}:{PORT}"), self.client()
        client.ask_all(5, bytes(151))
        self.assertEqual(server.stats()["offload_replied"], 0)
        run("ip", "link", "set", "eth0", "mtu", "1500", namespace="server")
        wait_for(lambda: client.ask(bytes(151)) and server.stats()["offload_replied"] > 0, "the program answers")
        run("ip", "link", "set", "eth0", "mtu", "200", namespace="server")
        before = server.stats()["offload_passed_room"]
        wait_for(lambda: client.ask(bytes(151)) and server.stats()["offload_passed_room"] > before, "the sockets answer again")
        self.balanced(server)

    # ---- interfaces that go and come ----

    def test_an_interface_that_goes_down_and_up(self):
        server, client = self.serve(), self.client()
        client.ask_all(4)
        for state in ("down", "up"):
            run("ip", "link", "set", "eth0", state, namespace="server")
        run("ip", "address", "replace", "2001:db8::1/64", "dev", "eth0", "nodad", namespace="server")
        wait_for(lambda: self.answers(client), "it answers again")
        before = server.stats()["offload_replied"]
        client.ask_all(4)
        self.assertEqual(self.balanced(server)["offload_replied"], before + 4)

    @staticmethod
    def answers(client):
        try:
            client.socket.settimeout(0.2)
            return client.ask() != b""
        except OSError:
            return False
        finally:
            client.socket.settimeout(ANSWER_S)

    def test_an_interface_that_is_deleted_and_made_anew(self):
        server = self.serve(listen=ANYWHERE)
        self.client().ask_all(4)
        self.pair.disconnect()
        self.assertEqual((server.json("offload")[0]["attached"], server.json("offload")[0]["problem"]),
                         (False, "deleted"))
        self.pair.connect()
        client = self.client()
        self.assertEqual(client.ask_all(3), cars(3, 4))


if __name__ == "__main__":
    unittest.main()
