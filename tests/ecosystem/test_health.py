"""What a health check sees while a server with many clients ends and starts again."""

import subprocess
import threading
import unittest
import urllib.error
import urllib.request

from servers import ANSWER_S, Record, Server, program

CLIENTS = 300000 # their state takes some tenths of a second to write, and to read


class HealthCheck:
    """Asks without a pause. `seen` has each answer that differs from the one before; None: no answer."""

    def __init__(self, server):
        self.server, self.seen, self.ended = server, Record(), threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def ask(self):
        try:
            with urllib.request.urlopen(self.server.metrics + "/healthz", timeout=ANSWER_S) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()
        except OSError:
            return None

    def run(self):
        while not self.ended.is_set():
            answer = self.ask()
            if self.seen.items[-1:] != [answer]:
                self.seen.add(answer)

    def stop(self):
        self.ended.set()
        self.thread.join()


class Health(unittest.TestCase):
    def test_a_restart_is_draining_then_away_then_starting_then_serving(self):
        with Server("[clients]\nttl = 1h\n[state]\nfile = {folder}/state\ninterval = 1h\n") as server:
            subprocess.run([program("udpload"), "-Q", "max", "-c", str(CLIENTS), "-n", str(CLIENTS), f"127.0.0.1:{server.port}"],
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
            clients = server.stats()["clients"]
            check = HealthCheck(server)
            try:
                check.seen.wait_for(lambda answers: answers == [(200, b"serving\n")], "the first answer")
                server.stop()
                server.start()
                check.seen.wait_for(lambda answers: answers[1:] and answers[-1] == (200, b"serving\n"), "the last answer")
            finally:
                check.stop()
            self.assertEqual(check.seen.items, [(200, b"serving\n"), (503, b"draining\n"), None, (503, b"starting\n"), (200, b"serving\n")])
            self.assertEqual(server.stats()["clients"], clients)


if __name__ == "__main__":
    unittest.main()
