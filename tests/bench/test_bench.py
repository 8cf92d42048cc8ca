"""The whole, with few requests: that it runs, adds up, cleans up, and notices what is broken. The
programs come from UDPSRV_BUILD, or build/ beside this tree's root."""

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
from contextlib import redirect_stderr, redirect_stdout

import bench
import children
import meters
import senders
import servers
from workbench import SMOKE, Bench

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, os.environ.get("UDPSRV_BUILD", "build"))
BUSY = ["sh", "-c", "echo ready; while read line; do i=0; while [ $i -lt 20000 ]; "
        "do i=$((i + 1)); done; echo done; done"]


def run(*words):
    """Runs the bench; returns (status, what it printed, the directory of its output)."""
    out = tempfile.mkdtemp(prefix="udpsrv-bench-test-")
    text = io.StringIO()
    with redirect_stdout(text), redirect_stderr(text):
        status = bench.main(["--smoke", "--build", BUILD, "--out", out, *words])
    return status, text.getvalue(), out


def command_lines():
    """Of all processes that there are."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as line:
                yield line.read()
        except OSError:
            continue  # it has ended meanwhile


class Run(unittest.TestCase):
    def test_a_run_with_few_requests_adds_up_and_tells_all_rounds(self):
        status, text, out = run("--no-valgrind", "--rounds", "2", "reply", "million", "fanout", "memory",
                                "idle", "registry")
        self.addCleanup(shutil.rmtree, out)
        self.assertEqual(status, 0, text)
        with open(os.path.join(out, "bench.json"), encoding="utf-8") as file:
            found = {section["key"]: section for section in json.load(file)["sections"]}
        self.assertEqual(list(found), ["reply", "million", "fanout", "memory", "idle",
                                       "registry"])
        for key, rows in (("reply", 5), ("million", 2), ("fanout", 2)):
            self.assertEqual(len(found[key]["rows"]), rows)
            for row in found[key]["rows"]:
                self.assertEqual(len(row["samples"]["cpu_ns"]), 2)
                self.assertGreater(min(row["samples"]["cpu_ns"]), 0)
        self.assertEqual(len(found["reply"]["figures"]), 4)
        self.assertTrue(any("bare_mmsg" in command for command in found["reply"]["commands"]))
        with open(os.path.join(out, "bench.md"), encoding="utf-8") as file:
            self.assertIn("| udpsrv, bound |", file.read())

    def test_senders_are_measured_by_what_more_requests_cost(self):
        status, text, out = run("--no-valgrind", "--rounds", "1", "sender")
        self.addCleanup(shutil.rmtree, out)
        self.assertEqual(status, 0, text)
        with open(os.path.join(out, "bench.json"), encoding="utf-8") as file:
            section = json.load(file)["sections"][0]
        self.assertEqual([row["name"] for row in section["rows"]][:2],
                         ["udpload", "bare sender, many sources"])

    def test_all_expire_in_a_storm_and_none_without(self):
        status, text, out = run("--rounds", "1", "expiry")
        self.addCleanup(shutil.rmtree, out)
        self.assertEqual(status, 0, text)
        with open(os.path.join(out, "bench.json"), encoding="utf-8") as file:
            calm, storm = json.load(file)["sections"][0]["rows"]
        # The clients that ask are never silent for so long that they would expire, too.
        self.assertEqual(calm["samples"]["expired meanwhile"], [0])
        self.assertLessEqual(storm["samples"]["expired meanwhile"][0], SMOKE.many)

    @unittest.skipUnless(shutil.which("valgrind"), "valgrind isn't installed")
    def test_user_instructions_are_counted_by_valgrind(self):
        status, text, out = run("admission")
        self.addCleanup(shutil.rmtree, out)
        self.assertEqual(status, 0, text)
        with open(os.path.join(out, "bench.json"), encoding="utf-8") as file:
            row = json.load(file)["sections"][0]["rows"][0]
        # A reply takes a hash and a lookup: more than a call, less than a protocol.
        self.assertEqual(row["name"], "open")
        self.assertTrue(50 < row["samples"]["grind_instructions"][0] < 5000, row)
        self.assertTrue(any("registry" in name for name, _ in row["top"]), row)

    def test_a_scenario_that_is_not_there_is_a_wrong_usage(self):
        with self.assertRaises(SystemExit) as ended, redirect_stderr(io.StringIO()) as text:
            bench.main(["reply", "nonsense"])
        self.assertEqual(ended.exception.code, 2)
        self.assertIn("nonsense", text.getvalue())

    def test_the_directory_of_the_output_is_made(self):
        scratch = tempfile.mkdtemp(prefix="udpsrv-bench-test-")
        self.addCleanup(shutil.rmtree, scratch)
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            status = bench.main(["--smoke", "--build", BUILD, "--out", os.path.join(scratch, "a", "b"),
                                 "--rounds", "1", "idle"])
        self.assertEqual(status, 0)
        self.assertEqual(sorted(os.listdir(os.path.join(scratch, "a", "b"))),
                         ["bench.json", "bench.md"])

    def test_an_end_from_outside_leaves_nothing_behind(self):
        scratch = tempfile.mkdtemp(prefix="udpsrv-bench-test-")
        self.addCleanup(shutil.rmtree, scratch)
        process = subprocess.Popen(
            [sys.executable, "-B", os.path.join(ROOT, "tests/bench/bench.py"), "--smoke", "--build",
             BUILD, "--out", scratch, "expiry"], env=os.environ | {"TMPDIR": scratch},
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        process.stderr.readline()  # it has begun its first round
        process.send_signal(signal.SIGTERM)
        process.stderr.read()
        self.assertEqual(process.wait(), 128 + signal.SIGTERM)
        process.stderr.close()
        self.assertEqual(os.listdir(scratch), [])
        self.assertEqual([line for line in command_lines() if scratch in line], [])


class Held(unittest.TestCase):
    """What is broken is noticed."""

    def setUp(self):
        self.bench = Bench(BUILD, 1, SMOKE)
        self.bench.__enter__()
        self.addCleanup(self.bench.__exit__)

    def test_a_server_that_received_less_than_was_sent_is_broken(self):
        with servers.start_bare(self.bench, "bare_mmsg") as server:
            senders.bare(self.bench, server, 100)
            with self.assertRaises(children.Broken):
                servers.ends_with(server, 101)

    def test_a_program_that_ends_early_is_broken(self):
        with self.assertRaises(children.Broken) as broken:
            servers.start_ours(self.bench, "nonsense = 1\n")
        self.assertIn("nonsense", str(broken.exception))

    def test_a_configuration_that_is_not_known_is_refused_with_a_reason(self):
        self.assertEqual(servers.refusal(self.bench, "[clients]\nttl = 5s\n"), "")
        self.assertIn("nonsense", servers.refusal(self.bench, "[server]\nnonsense = 1\n"))

    def test_a_configuration_is_replaced_while_a_server_runs(self):
        with servers.start_ours(self.bench, "[clients]\nttl = 1s\nsweep = 1h\n") as server:
            senders.register(self.bench, server, 30)
            server.configure("[admission]\npolicy = open\n[clients]\nttl = 1s\nsweep = 10ms\n")
            children.until("all to expire", lambda: server.control("stats")["expired"] == 30)
            servers.ends_with(server, 30)

    def test_a_server_that_loses_requests_is_noticed_by_who_asks(self):
        with servers.start_ours(self.bench, "[reply]\nmode = none\n") as server:
            with self.assertRaises(children.Broken) as broken:
                senders.bare(self.bench, server, 10, silence_s=1)
        self.assertIn("0 answered", str(broken.exception))

    def test_bare_loops_answer_each_request(self):
        for name, address in (("bare_mmsg", "127.0.0.1:0"), ("bare_pktinfo", "0.0.0.0:0"),
                              ("bare_single", "127.0.0.1:0"), ("bare_dns", "127.0.0.1:0")):
            with self.subTest(name), servers.start_bare(self.bench, name, address) as server:
                senders.udpload(self.bench, server, 300, 20)
                senders.bare(self.bench, server, 200, name="bare_connected")
                servers.ends_with(server, 500)

    def test_two_benches_have_ports_of_their_own(self):
        with Bench(BUILD, 1, SMOKE) as other:
            self.assertNotEqual(other.port, self.bench.port)

    def test_a_crowd_stays_the_same_clients(self):
        with servers.start_ours(self.bench) as server:
            for _ in range(2):
                senders.register(self.bench, server, 70)
            self.assertEqual(server.control("status")["clients"], 70)
            servers.ends_with(server, 140)

    def test_time_is_counted_while_it_is_taken(self):
        with children.Child(self.bench, BUSY) as child:
            child.line()
            with meters.TimeMeter().over(child.pid) as taken:
                child.say("\n")
                child.line()
            with meters.TimeMeter().over(child.pid) as idle:
                pass
        self.assertGreater(taken["cpu_ns"], 0)
        self.assertLess(idle["cpu_ns"], taken["cpu_ns"])

    @unittest.skipUnless(shutil.which("perf"), "perf isn't installed")
    def test_perf_counts_between_its_orders(self):
        meter = meters.PerfMeter(self.bench.scratch, {"task-clock": "task_ms"})
        with children.Child(self.bench, BUSY) as child:
            child.line()
            with meter.over(child.pid) as taken:
                child.say("\n")
                child.line()
        self.assertGreater(taken["task_ms"], 0)
        self.assertGreater(taken["cpu_ns"], 0)


if __name__ == "__main__":
    unittest.main()
