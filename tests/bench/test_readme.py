"""What of a run goes into the README, and where."""

import json
import unittest

import readme
import report
from figures import Figure, Row, Section
from test_figures import HOST


def document():
    reply = Section("reply", "request and reply", "reply", notes=["a note"])
    reply.rows = [Row("udpsrv", {"cpu_ns": [100, 110, 120]}, base="bare"),
                  Row("bare", {"cpu_ns": [100, 100, 100]})]
    idle = Section("idle", "idle, built-in defaults", rows=[Row("woken", {"wake-ups": [1]})],
                   figures=[Figure("wake-ups", 10, 11)])
    return json.loads(report.as_json([reply, idle], HOST))


class Readme(unittest.TestCase):
    def test_tables_of_some_and_figures_of_all_are_shown(self):
        text = readme.summary(document())
        self.assertIn("| udpsrv | 110 (100–120) | 1.10 |", text)
        self.assertIn("a note", text)
        self.assertNotIn("woken", text)
        self.assertIn("| wake-ups | 10 | ≤ 11 | reached |", text)

    def test_the_kernel_is_told_by_its_version(self):
        plain = document()
        plain["host"]["kernel"] = "6.1.0-13-amd64"
        self.assertIn("Linux 6.1.0;", readme.summary(plain))

    def test_what_stood_between_the_lines_is_replaced_and_nothing_else(self):
        text = "before\n" + readme.BEGIN + "old\n" + readme.END + "after\n"
        once = readme.replaced(text, "new\n")
        self.assertEqual(once, "before\n" + readme.BEGIN + "\nnew\n\n" + readme.END + "after\n")
        self.assertEqual(readme.replaced(once, "new\n"), once)

    def test_a_text_without_the_lines_is_left_alone(self):
        for text in ("", readme.BEGIN, readme.END, readme.END + readme.BEGIN,
                     2 * (readme.BEGIN + readme.END)):
            with self.assertRaises(ValueError):
                readme.replaced(text, "new\n")


if __name__ == "__main__":
    unittest.main()
