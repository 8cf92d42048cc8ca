"""Tests of the part of the README that holds benchmark results."""

import json
import unittest

import readme
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


class Readme(unittest.TestCase):
    def test_tables_of_some_sections_and_figures_of_all_are_shown(self):
        text = readme.summary(document())
        self.assertIn("| udpsrv | 110 (100–120) | 1.10 |", text)
        self.assertIn("a note", text)
        self.assertNotIn("woken", text)
        self.assertIn("| wake-ups | 10 | ≤ 11 | reached |", text)

    def test_only_the_version_of_the_kernel_is_shown(self):
        plain = document()
        plain["host"]["kernel"] = "6.1.0-13-amd64"
        self.assertIn("Linux 6.1.0;", readme.summary(plain))

    def test_only_the_text_between_the_marker_lines_is_replaced(self):
        text = "before\n" + readme.BEGIN + "old\n" + readme.END + "after\n"
        once = readme.replaced(text, "new\n")
        self.assertEqual(once, "before\n" + readme.BEGIN + "\nnew\n\n" + readme.END + "after\n")
        self.assertEqual(readme.replaced(once, "new\n"), once)

    def test_a_text_without_the_marker_lines_is_refused(self):
        for text in ("", readme.BEGIN, readme.END, readme.END + readme.BEGIN,
                     2 * (readme.BEGIN + readme.END)):
            with self.assertRaises(ValueError):
                readme.replaced(text, "new\n")


if __name__ == "__main__":
    unittest.main()
