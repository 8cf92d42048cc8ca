"""Tests of the parts of the documents that hold benchmark results."""

import json
import unittest

import documents
import report
from results import Figure, Row, Section
from test_results import HOST


def document():
    reply = Section("reply", "request and reply", "reply", notes=["a note"])
    reply.rows = [Row("udpsrv", {"cpu_ns": [100, 110, 120]}, base="bare"),
                  Row("bare", {"cpu_ns": [100, 100, 100]})]
    idle = Section("idle", "idle, built-in defaults", rows=[Row("woken", {"wake-ups": [1]})],
                   figures=[Figure("wake-ups", 10, 11)])
    return json.loads(report.as_json([reply, idle], HOST))


class Documents(unittest.TestCase):
    def test_tables_of_some_sections_and_figures_of_all_are_shown(self):
        text = documents.summary(document())
        self.assertIn("| udpsrv | 110 (100–120) | 1.10 |", text)
        self.assertIn("a note", text)
        self.assertNotIn("woken", text)
        self.assertIn("| wake-ups | 10 | ≤ 11 | reached |", text)

    def test_five_figures_of_a_run_are_in_the_order_of_the_readme(self):
        plain = json.loads(report.as_json([
            Section("reply", "reply", figures=[Figure("udpsrv, bound: all instructions", 1.0312, 1.05, "×"),
                                               Figure("udpsrv, bound: user space", 345, 400, "instructions"),
                                               Figure("udpsrv, wildcard: user space", 392, 400, "instructions")]),
            Section("memory", "memory", figures=[Figure("IPv4: memory of a client", 39.9, 48, "bytes"),
                                                 Figure("sweep, ttl 60 s: share of a processor", 1, 2, "%")])], HOST))
        self.assertEqual(documents.five_figures(plain).split("\n")[2:], [
            "| a reply, beside a bare `recvmmsg`/`sendmmsg` loop | 1.03 × | ≤ 1.05 × |",
            "| instructions of user space for a reply | 345 instructions | ≤ 400 instructions |",
            "| memory of a client, IPv4 (of 10,000,000) | 39.9 bytes | ≤ 48 bytes |"])

    def test_a_run_without_these_figures_is_refused(self):
        with self.assertRaises(ValueError):
            documents.five_figures(document())

    def test_only_the_version_of_the_kernel_is_shown(self):
        plain = document()
        plain["host"]["kernel"] = "6.1.0-13-amd64"
        self.assertIn("Linux 6.1.0;", documents.summary(plain))

    def test_only_the_text_between_the_marker_lines_is_replaced(self):
        text = "before\n" + documents.BEGIN + "old\n" + documents.END + "after\n"
        once = documents.replaced(text, "new\n")
        self.assertEqual(once, "before\n" + documents.BEGIN + "\nnew\n\n" + documents.END + "after\n")
        self.assertEqual(documents.replaced(once, "new\n"), once)

    def test_a_text_without_the_marker_lines_is_refused(self):
        for text in ("", documents.BEGIN, documents.END, documents.END + documents.BEGIN,
                     2 * (documents.BEGIN + documents.END)):
            with self.assertRaises(ValueError):
                documents.replaced(text, "new\n")


if __name__ == "__main__":
    unittest.main()
