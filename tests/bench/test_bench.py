"""Tests the bench with few requests: that it runs, its counts add up, it cleans up, and it detects
failures. The programs are those of UDPSRV_BUILD, or of build/ in the root of the source tree."""

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
import live_frames
import offload
import processes
import meters
import senders
import servers
from environment import SMOKE, Bench

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, os.environ.get("UDPSRV_BUILD", "build"))
BUSY = ["sh", "-c", "echo ready; while read line; do i=0; while [ $i -lt 20000 ]; "
        "do i=$((i + 1)); done; echo done; done"]


def run(*words):
    """Runs the bench. Returns (status, its output, the directory of its files)."""
    out = tempfile.mkdtemp(prefix="udpsrv-bench-test-")
    text = io.StringIO()
    with redirect_stdout(text), redirect_stderr(text):
        status = bench.main(["--smoke", "--build", BUILD, "--out", out, *words])
    return status, text.getvalue(), out


def of_processes(file):
    """Yields that file of /proc of all processes."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/{file}", encoding="utf-8", errors="replace") as line:
                yield line.read()
        except OSError:
            continue  # the process has ended


class Run(unittest.TestCase):
    def section(self, *words):
        """Runs one scenario, which must succeed. Returns its section of bench.json."""
        status, text, out = run(*words)
        self.addCleanup(shutil.rmtree, out)
        self.assertEqual(status, 0, text)
        with open(os.path.join(out, "bench.json"), encoding="utf-8") as file:
            return json.load(file)["sections"][0]

    def test_a_run_with_few_requests_adds_up_and_reports_all_rounds(self):
        status, text, out = run("--no-valgrind", "--rounds", "2", "reply", "million", "fanout",
                                "memory", "idle", "registry")
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
        section = self.section("--no-valgrind", "--rounds", "1", "sender")
        self.assertEqual([row["name"] for row in section["rows"]][:2],
                         ["udpload", "bare sender, many sources"])

    def test_subscribers_and_gateways_lose_nothing_at_a_low_rate(self):
        status, text, out = run("--no-valgrind", "--rounds", "1", "listen", "gateway")
        self.addCleanup(shutil.rmtree, out)
        self.assertEqual(status, 0, text)
        with open(os.path.join(out, "bench.json"), encoding="utf-8") as file:
            listen, gateway = json.load(file)["sections"]
        counts = {figure["what"]: figure["value"] for figure in listen["figures"]
                  if figure["limit"] == 0}
        self.assertEqual(set(counts.values()), {0}, counts)
        self.assertEqual(len(counts), 5)
        self.assertEqual(listen["rows"][2]["samples"]["messages lost"], [0])
        for row in gateway["rows"][:2]:
            self.assertGreater(row["samples"]["µs"][0], 0)
        self.assertEqual(gateway["rows"][2]["samples"]["lost"], [0])

    def test_confirmed_broadcasts_are_confirmed_and_measured(self):
        section = self.section("--no-valgrind", "--rounds", "1", "confirm")
        plain, confirmed, lossy = section["rows"]
        self.assertNotIn("silent", plain["samples"])
        self.assertEqual(confirmed["samples"]["silent"], [0])
        self.assertEqual(confirmed["samples"]["datagrams per client"], [1])
        self.assertGreaterEqual(lossy["samples"]["datagrams per client"][0], 1)
        self.assertGreater(confirmed["samples"]["cpu_ns"][0], 0)
        twice = section["figures"][-1]
        self.assertEqual((twice["value"], twice["limit"]), (0, 0))

    def test_scrapes_are_answered_and_measured(self):
        section = self.section("--no-valgrind", "--rounds", "1", "scrape")
        cost = section["rows"][2]["samples"]
        self.assertGreater(cost["metrics: CPU µs"][0], 0)
        self.assertGreater(cost["metrics: bytes"][0], cost["status.json: bytes"][0])
        self.assertEqual(section["figures"][0]["value"], 0)

    @unittest.skipIf(live_frames.why_not(), live_frames.why_not())
    def test_replies_of_the_offload_are_counted_and_measured(self):
        section = self.section("--rounds", "1", "offload")
        self.assertEqual([row["name"] for row in section["rows"][2:]],
                         [f"{way}, {count} registered" for count in (SMOKE.clients, SMOKE.many) for way in ("sockets", "offloaded")]
                         + ["flood, sockets", "flood, offloaded"])
        for row in section["rows"][:6]:
            self.assertGreater(row["samples"][offload.IN_SENDER][0], 0)
        in_server = [row["samples"][offload.IN_SERVER][0] for row in section["rows"][2:6]]
        for sockets, offloaded in (in_server[:2], in_server[2:]):
            self.assertGreater(sockets, offloaded)
        for row in section["rows"][6:]:
            self.assertGreater(row["samples"]["forged requests a second"][0], 0)
        self.assertEqual([figure["limit"] for figure in section["figures"]], [12.5, 700, 12.5, 700, 0])

    @unittest.skipIf(live_frames.why_not(), live_frames.why_not())
    def test_copies_of_the_offload_are_counted_and_measured(self):
        section = self.section("--rounds", "1", "offload-copies")
        self.assertEqual([row["name"] for row in section["rows"]], ["sockets", "offloaded"])
        for row in section["rows"]:
            self.assertGreater(row["samples"]["cpu_ns"][0], 0)
        self.assertEqual([figure["limit"] for figure in section["figures"]], [400, 0.5])

    def test_all_clients_expire_in_a_mass_expiry_and_none_without(self):
        section = self.section("--rounds", "1", "expiry")
        none, all_expire, subscriber = section["rows"]
        # The clients of the load send often enough not to expire.
        self.assertEqual(none["samples"]["expired meanwhile"], [0])
        self.assertLessEqual(all_expire["samples"]["expired meanwhile"][0], SMOKE.many)
        delivered, lost = (subscriber["samples"][f"events {what}"][0] for what in ("delivered", "lost"))
        self.assertGreaterEqual(delivered, SMOKE.many)
        self.assertEqual(lost, 0)
        self.assertEqual([figure["value"] for figure in section["figures"] if figure["limit"] == 0], [0, 0])

    @unittest.skipUnless(shutil.which("valgrind"), "valgrind is not installed")
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

    def test_an_unknown_scenario_is_a_usage_error(self):
        with self.assertRaises(SystemExit) as ended, redirect_stderr(io.StringIO()) as text:
            bench.main(["reply", "nonsense"])
        self.assertEqual(ended.exception.code, 2)
        self.assertIn("nonsense", text.getvalue())

    def test_the_output_directory_is_created(self):
        scratch = tempfile.mkdtemp(prefix="udpsrv-bench-test-")
        self.addCleanup(shutil.rmtree, scratch)
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            status = bench.main(["--smoke", "--build", BUILD, "--rounds", "1",
                                 "--out", os.path.join(scratch, "a", "b"), "idle"])
        self.assertEqual(status, 0)
        self.assertEqual(sorted(os.listdir(os.path.join(scratch, "a", "b"))),
                         ["bench.json", "bench.md"])

    def test_a_child_that_nothing_has_ended_is_ended(self):
        with Bench(BUILD, 1, SMOKE):
            child = subprocess.Popen(["sleep", "60"])
        with self.assertRaises(ProcessLookupError):
            os.kill(child.pid, 0)
        child.returncode = 0 # it was waited for

    def check_that_sigterm_leaves_nothing(self, scenario):
        """A namespace without a name exists as long as a process in it."""
        scratch = tempfile.mkdtemp(prefix="udpsrv-bench-test-")
        self.addCleanup(shutil.rmtree, scratch)
        process = subprocess.Popen(
            [sys.executable, "-B", os.path.join(ROOT, "tests/bench/bench.py"), "--smoke", "--build",
             BUILD, "--out", scratch, scenario], env=os.environ | {"TMPDIR": scratch},
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        process.stderr.readline()  # it has begun its first round, or registers clients for it
        process.send_signal(signal.SIGTERM)
        process.stderr.read()
        self.assertEqual(process.wait(), 128 + signal.SIGTERM)
        process.stderr.close()
        self.assertEqual(os.listdir(scratch), [])
        self.assertEqual([environment for environment in of_processes("environ") if f"TMPDIR={scratch}" in environment], [])

    def test_sigterm_leaves_no_files_and_no_processes(self):
        self.check_that_sigterm_leaves_nothing("expiry")

    @unittest.skipIf(live_frames.why_not(), live_frames.why_not())
    def test_sigterm_leaves_no_network_namespaces(self):
        self.check_that_sigterm_leaves_nothing("offload")


class Failures(unittest.TestCase):
    """Failures are detected."""

    def setUp(self):
        self.bench = Bench(BUILD, 1, SMOKE)
        self.bench.__enter__()
        self.addCleanup(self.bench.__exit__)

    def test_a_server_that_received_less_than_was_sent_is_an_error(self):
        with servers.start_bare(self.bench, "bare_mmsg") as server:
            senders.bare(self.bench, server, 100)
            with self.assertRaises(processes.MeasurementError):
                servers.stop_and_check(server, 101)

    def test_a_program_that_ends_early_is_an_error(self):
        with self.assertRaises(processes.MeasurementError) as broken:
            servers.start_udpsrv(self.bench, "nonsense = 1\n")
        self.assertIn("nonsense", str(broken.exception))

    def test_an_unknown_key_of_a_configuration_is_refused_with_a_reason(self):
        self.assertEqual(servers.config_error(self.bench, "[clients]\nttl = 5s\n"), "")
        self.assertIn("nonsense", servers.config_error(self.bench, "[server]\nnonsense = 1\n"))

    def test_a_configuration_is_replaced_while_a_server_runs(self):
        with servers.start_udpsrv(self.bench, "[clients]\nttl = 1s\nsweep = 1h\n") as server:
            senders.register(self.bench, server, 30)
            server.configure("[admission]\npolicy = open\n[clients]\nttl = 1s\nsweep = 10ms\n")
            processes.wait_until("all to expire", lambda: server.control("stats")["expired"] == 30)
            servers.stop_and_check(server, 30)

    def test_a_sender_detects_lost_requests(self):
        with servers.start_udpsrv(self.bench, "[reply]\nmode = none\n") as server:
            with self.assertRaises(processes.MeasurementError) as broken:
                senders.bare(self.bench, server, 10, silence_s=1)
        self.assertIn("0 answered", str(broken.exception))

    def test_bare_loops_answer_each_request(self):
        for name, address in (("bare_mmsg", "127.0.0.1:0"), ("bare_pktinfo", "0.0.0.0:0"),
                              ("bare_single", "127.0.0.1:0"), ("bare_dns", "127.0.0.1:0")):
            with self.subTest(name), servers.start_bare(self.bench, name, address) as server:
                senders.udpload(self.bench, server, 300, 20)
                senders.bare(self.bench, server, 200, name="bare_connected")
                servers.stop_and_check(server, 500)

    def test_two_benches_have_different_ports(self):
        with Bench(BUILD, 1, SMOKE) as other:
            self.assertNotEqual(other.port, self.bench.port)

    def test_a_bare_sender_always_has_the_same_clients(self):
        with servers.start_udpsrv(self.bench) as server:
            for _ in range(2):
                senders.register(self.bench, server, 70)
            self.assertEqual(server.control("status")["clients"], 70)
            servers.stop_and_check(server, 140)

    def test_cpu_time_is_measured(self):
        with processes.Process(self.bench, BUSY) as process:
            process.line()
            with meters.TimeMeter().over(process.pid) as taken:
                process.write("\n")
                process.line()
            with meters.TimeMeter().over(process.pid) as idle:
                pass
        self.assertGreater(taken["cpu_ns"], 0)
        self.assertLess(idle["cpu_ns"], taken["cpu_ns"])

    @unittest.skipUnless(shutil.which("perf"), "perf is not installed")
    def test_perf_counts_between_its_commands(self):
        meter = meters.PerfMeter(self.bench.scratch, {"task-clock": "task_ms"})
        with processes.Process(self.bench, BUSY) as process:
            process.line()
            with meter.over(process.pid) as taken:
                process.write("\n")
                process.line()
        self.assertGreater(taken["task_ms"], 0)
        self.assertGreater(taken["cpu_ns"], 0)


if __name__ == "__main__":
    unittest.main()
