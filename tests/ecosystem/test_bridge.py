"""`udpctl bridge` between the real server and a real Redis, of which each is killed in the middle."""

import os
import re
import signal
import socket
import subprocess
import unittest

from redis_server import MISSING, Producer, Redis
from servers import Client, Server, program, wait_for

CONFIG = "[reply]\nmode = none\n[state]\nfile = {folder}/state\ninterval = 1s\n"
# What udpctl(8) says that the user of a bridge needs.
PERMISSIONS = ["+ping", "+multi", "+exec", "+xinfo|stream", "+xread", "+xadd"]


class Bridge:
    """`udpctl bridge` of the stream "orders"."""

    def __init__(self, server, redis, *options, url=None, environment=None):
        self.report = os.path.join(server.folder.name, "bridge")
        with open(self.report, "a", encoding="utf-8") as report:
            self.process = subprocess.Popen([program("udpctl"), "-s", server.socket, "bridge", url or redis.url, "orders", *options], stdout=report,
                                            stderr=report, env={**os.environ, **(environment or {})})

    def text(self):
        with open(self.report, encoding="utf-8") as report:
            return report.read()

    def wait_for(self, text):
        wait_for(lambda: text in self.text(), f"'{text}' in what the bridge reports")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        """Returns its counts."""
        self.process.send_signal(signal.SIGTERM)
        if self.process.wait(15) != 0:
            raise AssertionError(f"the bridge ended with {self.process.returncode}: {self.text()}")
        return {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", self.text().splitlines()[-1])}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.kill()


def names(count, first=0):
    return [f"message {i}" for i in range(first, first + count)]


@unittest.skipIf(MISSING, MISSING)
class BridgeTests(unittest.TestCase):
    def wait_for_last(self, client, last):
        wait_for(lambda: last in client.messages, f"'{last}' at the client", within_s=60)

    def test_each_entry_is_published_once_while_redis_is_killed_and_started_again(self):
        with Server(CONFIG) as server, Redis() as redis, Bridge(server, redis, "--from", "0") as bridge:
            client, producer = Client(server), Producer(redis, "orders")
            for i in range(900):
                if i in (300, 600):
                    redis.kill()
                    bridge.wait_for("reading the stream orders at redis://")
                    redis.start()
                producer.add(i + 1, f"message {i}")
            self.wait_for_last(client, "message 899")
            self.assertEqual(client.messages, names(900))
            counts = bridge.stop()
            self.assertEqual((counts["published"], counts["duplicates"], counts["missing"], counts["epochs"]), (900, 0, 0, 0))
            producer.close()

    def test_each_entry_is_published_once_while_the_bridge_is_killed_and_started_again(self):
        with Server(CONFIG) as server, Redis() as redis:
            client, producer = Client(server), Producer(redis, "orders")
            bridge = Bridge(server, redis, "--from", "0")
            for i in range(1000):
                producer.add(i + 1, f"message {i}")
                if i % 100 == 50:
                    bridge.kill()
                    bridge = Bridge(server, redis, "--from", "0")
            self.wait_for_last(client, "message 999")
            self.assertEqual(client.messages, names(1000))
            self.assertEqual(bridge.stop()["missing"], 0)
            producer.close()

    def test_each_entry_is_published_once_or_reported_while_the_server_is_killed_and_started_again(self):
        with Server(CONFIG) as server, Redis() as redis, Bridge(server, redis, "--from", "0") as bridge:
            client, producer = Client(server), Producer(redis, "orders")
            wait_for(lambda: os.path.exists(os.path.join(server.folder.name, "state")), "the state is written with the client")
            for i in range(600):
                if i in (200, 400):
                    wait_for(lambda: f"message {i - 100}" in client.messages, "a part of the messages")
                    server.end()
                    server.start()
                producer.add(i + 1, f"message {i}")
            self.wait_for_last(client, "message 599")
            uncertain = [int(i) - 1 for i in re.findall(r"publishing the entry (\d+)-1 of the stream orders: the server has ended", bridge.text())]
            self.assertLessEqual(len(uncertain), 2)
            missing = [i for i in range(600) if f"message {i}" not in client.messages]
            self.assertEqual([i for i in missing if i not in uncertain], [], bridge.text())
            self.assertEqual(len(client.messages), len(set(client.messages)), "none comes twice")
            bridge.stop()
            producer.close()

    def test_trimmed_entries_are_reported_with_their_bounds_and_end_a_strict_bridge(self):
        with Server(CONFIG) as server, Redis() as redis:
            client = Client(server)
            for i in range(10):
                redis.run("XADD", "orders", f"{i + 1}-1", "payload", f"message {i}")
            with Bridge(server, redis, "--from", "0") as bridge:
                self.wait_for_last(client, "message 9")
                bridge.stop()
            for i in range(10, 30):
                redis.run("XADD", "orders", f"{i + 1}-1", "payload", f"message {i}")
            redis.run("XTRIM", "orders", "MAXLEN", "5")
            gap = "after the entry 10-1 and before 26-1: 15 entries or more were removed before they were read"
            with Bridge(server, redis, "--strict") as bridge:
                self.assertEqual(bridge.process.wait(15), 4)
                self.assertIn(gap, bridge.text())
            with Bridge(server, redis) as bridge:
                self.wait_for_last(client, "message 29")
                self.assertEqual(client.messages, names(10) + names(5, 25))
                self.assertEqual(bridge.stop()["missing"], 15)

    def test_a_stream_that_is_deleted_is_another_epoch(self):
        with Server(CONFIG) as server, Redis() as redis, Bridge(server, redis, "--from", "0") as bridge:
            client = Client(server)
            redis.run("XADD", "orders", "*", "payload", "one")
            self.wait_for_last(client, "one")
            redis.run("DEL", "orders")
            bridge.wait_for("it is not the stream that was read before")
            redis.run("XADD", "orders", "*", "payload", "two")
            self.wait_for_last(client, "two")
            self.assertEqual(client.messages, ["one", "two"])
            self.assertEqual(bridge.stop()["epochs"], 1)

    def test_a_redis_that_stands_still_is_noticed(self):
        with Server(CONFIG) as server, Redis() as redis, Bridge(server, redis, "--from", "0", "-t", "1s") as bridge:
            client = Client(server)
            redis.run("XADD", "orders", "*", "payload", "one")
            self.wait_for_last(client, "one")
            redis.process.send_signal(signal.SIGSTOP)
            bridge.wait_for("Redis does not answer in time")
            redis.process.send_signal(signal.SIGCONT)
            redis.run("XADD", "orders", "*", "payload", "two")
            self.wait_for_last(client, "two")
            self.assertEqual(client.messages, ["one", "two"])
            bridge.stop()

    def test_a_user_needs_only_the_permissions_that_are_documented(self):
        with Server(CONFIG) as server, Redis("--requirepass", "admin") as redis:
            admin, client = ("-a", "admin", "--no-auth-warning"), Client(server)
            redis.run("ACL", "SETUSER", "bridge", "on", ">secret", "~orders", "~inbox", *PERMISSIONS, user=admin)
            password = os.path.join(server.folder.name, "password")
            with open(password, "w", encoding="ascii") as file:
                file.write("secret\n")
            redis.run("XADD", "orders", "*", "payload", "one", user=admin)
            with Bridge(server, redis, "--from", "0", "--user", "bridge", "--password-file", password, "--publish", "inbox") as bridge:
                self.wait_for_last(client, "one")
                client.socket.send(b"from the client")
                wait_for(lambda: "from the client" in redis.run("XRANGE", "inbox", "-", "+", user=admin), "the message in the stream")
                bridge.stop()
            for variable, error in (("wrong", "WRONGPASS"), (None, "NOAUTH")):
                with Bridge(server, redis, environment={"REDISCLI_AUTH": variable} if variable else None) as bridge:
                    self.assertEqual(bridge.process.wait(15), 1)
                    self.assertIn(error, bridge.text())
            for permission in PERMISSIONS[1:5]:
                redis.run("ACL", "SETUSER", "bridge", "-" + permission[1:].split("|")[0], user=admin)
                with Bridge(server, redis, "--user", "bridge", "--password-file", password) as bridge:
                    wait_for(lambda: bridge.process.poll() is not None, f"the bridge ends without {permission}: {bridge.text()}")
                    self.assertEqual(bridge.process.returncode, 1)
                    self.assertIn("permit the user the commands and the key", bridge.text())
                redis.run("ACL", "SETUSER", "bridge", permission, user=admin)

    def test_a_key_that_is_no_stream_and_a_database_that_does_not_exist_are_errors(self):
        with Server(CONFIG) as server, Redis() as redis:
            redis.run("SET", "orders", "x")
            for url, error in ((redis.url, "give the name of a stream"), (redis.url + "/99", "give a database that this Redis has")):
                with Bridge(server, redis, url=url) as bridge:
                    self.assertEqual(bridge.process.wait(15), 1)
                    self.assertIn(error, bridge.text())

    def test_entries_that_cannot_be_published_are_reported(self):
        with Server(CONFIG) as server, Redis() as redis, Bridge(server, redis, "--from", "0") as bridge:
            client, connection = Client(server), socket.create_connection(("127.0.0.1", redis.port))
            for size in (65507, 65508, 3 << 20):
                connection.sendall(b"*5\r\n$4\r\nXADD\r\n$6\r\norders\r\n$1\r\n*\r\n$7\r\npayload\r\n$%d\r\n" % size + b"p" * size + b"\r\n")
                connection.recv(100)
            redis.run("XADD", "orders", "*", "text", "x")
            redis.run("XADD", "orders", "*", "payload", "last")
            self.wait_for_last(client, "last")
            self.assertEqual([len(message) for message in client.messages], [65507, 4])
            counts = bridge.stop()
            self.assertEqual((counts["published"], counts["skipped"]), (2, 3))
            connection.close()

    def test_what_clients_send_is_appended_while_redis_is_killed(self):
        with Server(CONFIG) as server, Redis() as redis, Bridge(server, redis, "--publish", "inbox", "--node", "n1", "--events") as bridge:
            client = Client(server)
            wait_for(lambda: client.socket.send(b"begin") and "begin" in redis.run("XRANGE", "inbox", "-", "+"), "the bridge appends messages")
            for i in range(300):
                if i == 150:
                    redis.kill()
                    bridge.wait_for("appending to the stream inbox at redis://")
                    redis.start()
                client.socket.send(f"line {i}.".encode())
            wait_for(lambda: "line 299." in redis.run("XRANGE", "inbox", "-", "+"), "the last message in the stream", within_s=30)
            lines = re.findall(r"line (\d+)\.", redis.run("XRANGE", "inbox", "-", "+"))
            self.assertEqual(sorted(set(map(int, lines))), list(range(300)))
            Client(server)
            wait_for(lambda: "joined" in redis.run("XRANGE", "inbox", "-", "+"), "the event in the stream")
            self.assertEqual(bridge.stop()["lost"], 0)


if __name__ == "__main__":
    unittest.main()
