"""Tests of the parsers, each with a sample of its input."""

import unittest

import parsers

PERF = """# started on Mon Nov 23 12:00:00 2026

2021333,,instructions,1001333,100.00,1.21,insn per cycle
61333,,instructions:u,1001333,100.00,,
<not supported>,,cycles,0,100.00,,
"""

# Two functions; main calls work at line 4, and the line after calls= is the callee's cost.
CALLGRIND = """version: 1
creator: callgrind-3.19.0
positions: line
events: Ir

fl=(1) loop.c
fn=(1) main
3 10
+1 5
cfn=(2) work
calls=7 20
* 700
-2 1
fn=(2)
20 600
+1 100

totals: 716
"""

STRACE = """1700000000.000100 epoll_wait(4, [{events=EPOLLIN}], 64, -1) = 1 <0.000900>
1700000000.001150 epoll_wait(4, [{events=EPOLLIN}], 64, -1) = 1 <1.000000>
1700000001.001350 epoll_pwait2(4, [], 64, NULL) = 0 <0.000010>
"""


class Parsers(unittest.TestCase):
    def test_perf_omits_events_that_are_not_counted(self):
        self.assertEqual(parsers.perf_stat(PERF),
                         {"instructions": 2021333.0, "instructions:u": 61333.0})

    def test_perf_of_a_machine_without_counters_is_empty(self):
        self.assertEqual(parsers.perf_stat("<not supported>,,instructions,0,100.00,,\n"), {})

    def test_schedstat_begins_with_the_time_on_a_processor(self):
        self.assertEqual(parsers.schedstat("3858963411 24620639 213\n"), 3858963411)

    def test_a_field_of_status_is_found_by_its_whole_name(self):
        status = "VmRSSx:\t 7 kB\nVmRSS:\t  1234 kB\nnonvoluntary_ctxt_switches:\t9\n" \
                 "voluntary_ctxt_switches:\t5\n"
        self.assertEqual(parsers.status_field(status, "VmRSS"), 1234)
        self.assertEqual(parsers.status_field(status, "voluntary_ctxt_switches"), 5)
        with self.assertRaises(ValueError):
            parsers.status_field(status, "VmSwap")

    def test_dropped_datagrams_are_in_the_second_column_in_hexadecimal(self):
        self.assertEqual(parsers.softnet_drops("00aa 00000010 0\n00bb 00000001 0\n"), 17)

    def test_final_output_is_names_and_numbers(self):
        self.assertEqual(parsers.words("received 12 sent 11"), {"received": 12, "sent": 11})

    def test_the_first_address_of_a_ready_line_counts(self):
        line = "udpsrv: ready 127.0.0.1:3000 [::1]:3000"
        self.assertEqual(parsers.ready_address(line), "127.0.0.1:3000")
        with self.assertRaises(ValueError):
            parsers.ready_address("udpsrv: not now")

    def test_callgrind_counts_a_function_without_what_it_calls(self):
        self.assertEqual(parsers.callgrind(CALLGRIND), (716, {"main": 16, "work": 700}))

    def test_callgrind_counts_a_function_with_what_it_calls(self):
        self.assertEqual(parsers.callgrind_inclusive(CALLGRIND, "ma"), {"main": 716})

    def test_growth_excludes_what_both_runs_have(self):
        short = (1000, {"start": 900, "work": 100})
        long = (3000, {"start": 900, "work": 2000, "rare": 20})
        cost, top = parsers.callgrind_growth(short, long, 100)
        self.assertEqual(cost, 20)
        self.assertEqual(top, [("work", 19)])

    def test_dnsperf_reports_sent_and_completed_queries(self):
        text = "  Queries sent:         1000\n  Queries completed:    998 (99.80%)\n"
        self.assertEqual(parsers.dnsperf(text), {"sent": 1000, "received": 998})
        with self.assertRaises(ValueError):
            parsers.dnsperf("Error: no such file")

    def test_a_slice_lies_between_the_end_of_a_wait_and_the_next(self):
        slices = parsers.strace_slices(STRACE)
        self.assertEqual([round(us) for us in slices], [150, 200])

    def test_an_incomplete_wait_begins_no_slice(self):
        text = STRACE.splitlines()[0] + "\nstrace: Process 1 detached\n" + STRACE.splitlines()[2]
        self.assertEqual(parsers.strace_slices(text), [])


if __name__ == "__main__":
    unittest.main()
