"""The pipes to an MQTT broker of docs/scale-out.md, with the real programs: mosquitto, mosquitto_sub, mosquitto_pub."""

import os
import shutil
import socket
import subprocess
import tempfile
import unittest

from servers import Client, Server, program, wait_for

MISSING = None if all(map(shutil.which, ("mosquitto", "mosquitto_sub", "mosquitto_pub"))) else "mosquitto is missing; make deps-ecosystem installs it"


class Broker:
    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="udpsrv-mosquitto-")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.config, self.log = os.path.join(self.folder.name, "conf"), os.path.join(self.folder.name, "log")
        with open(self.config, "w", encoding="ascii") as file:
            file.write(f"listener {self.port} 127.0.0.1\nallow_anonymous true\nlog_dest file {self.log}\n"
                       f"log_type subscribe\nlog_type notice\nuser {os.environ.get('USER', 'root')}\n")
        self.start()

    def start(self):
        self.process = subprocess.Popen(["mosquitto", "-c", self.config], stderr=subprocess.DEVNULL)
        wait_for(self.is_up, "the broker listens")

    def is_up(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def kill(self):
        self.process.kill()
        self.process.wait()

    def subscriptions(self, topic):
        """How often a client has subscribed to the topic, with QoS 0."""
        with open(self.log, encoding="utf-8") as log:
            return sum(line.endswith(f" 0 {topic}\n") for line in log)

    def arguments(self, topic):
        return f"-h 127.0.0.1 -p {self.port} -t {topic}"

    def publish(self, topic, text):
        subprocess.run(["mosquitto_pub", *self.arguments(topic).split(), "-m", text], check=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.kill()
        self.folder.cleanup()


class Pipe:
    """A command of a shell, with all of its processes."""

    def __init__(self, command):
        self.process = subprocess.Popen(["sh", "-c", command], start_new_session=True, stdout=subprocess.DEVNULL)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.killpg(self.process.pid, 9)
        self.process.wait()


@unittest.skipIf(MISSING, MISSING)
class PipeTests(unittest.TestCase):
    def test_each_message_of_a_topic_is_broadcast_also_after_the_broker_was_away(self):
        with Server("[reply]\nmode = none\n") as server, Broker() as broker:
            client = Client(server)
            with Pipe(f"mosquitto_sub {broker.arguments('orders')} | {program('udpctl')} -s {server.socket} broadcast --stdin"):
                wait_for(lambda: broker.subscriptions("orders") == 1, "the subscription")
                for i in range(20):
                    broker.publish("orders", f"message {i}")
                wait_for(lambda: len(client.messages) == 20, "all messages")
                broker.kill()
                broker.start()
                wait_for(lambda: broker.subscriptions("orders") == 2, "the subscription after the broker was away", within_s=60)
                broker.publish("orders", "after")
                wait_for(lambda: "after" in client.messages, "the message after the broker was away")
            self.assertEqual(client.messages, [f"message {i}" for i in range(20)] + ["after"])

    def test_what_clients_send_is_published_to_a_topic(self):
        with Server("[reply]\nmode = none\n") as server, Broker() as broker:
            client, received = Client(server), os.path.join(server.folder.name, "received")
            listen = f"{program('udpctl')} -s {server.socket} listen --json | mosquitto_pub {broker.arguments('inbox')} -l"
            with Pipe(f"mosquitto_sub {broker.arguments('inbox')} >{received}"), Pipe(listen):
                wait_for(lambda: broker.subscriptions("inbox") == 1, "the subscription")
                client.socket.send(b"a message")

                def is_received():
                    client.socket.send(b"again") # until the pipe has begun
                    with open(received, encoding="utf-8") as file:
                        return '"text":"again"' in file.read()
                wait_for(is_received, "the message at the subscriber")


if __name__ == "__main__":
    unittest.main()
