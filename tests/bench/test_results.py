"""Tests of medians, ratios and figures, and of their output as text, Markdown and JSON."""

import json
import unittest

import report
from results import (Figure, Row, Section, difference_figure, middle, number, ratio, ratio_figure,
                     spread, user_measure)

HOST = {"date": "today", "cpu": "a processor", "cpus": 2, "kernel": "6.1", "meter": "CPU time",
        "rounds": 3}


def a_section():
    mine = Row("mine", {"cpu_ns": [10.0, 12.0, 33.0], "grind_instructions": [300.0]}, base="bare",
               top=[("work", 200.0)])
    section = Section("reply", "request and reply", "reply",
                      rows=[mine, Row("bare", {"cpu_ns": [10.0, 10.0, 30.0]})])
    section.figures = [ratio_figure(section, "instructions", "mine", 1.05),
                       Figure("memory", 40.0, 48, "bytes"), Figure("lost", 3, 0),
                       Figure("cookies", None, 30, "instructions", "not built yet")]
    return section


class Numbers(unittest.TestCase):
    def test_a_spread_is_median_least_and_greatest(self):
        self.assertEqual(spread([3, 1, 2]), (2, 1, 3))
        self.assertEqual(spread([4, 1, 2, 3]), (2.5, 1, 4))

    def test_a_ratio_is_the_median_of_the_rounds_ratios(self):
        section = a_section()
        self.assertAlmostEqual(ratio(section.row("mine"), section.row("bare"), "cpu_ns"), 1.1)
        self.assertIsNone(ratio(section.row("mine"), section.row("bare"), "cycles"))
        self.assertIsNone(ratio(section.row("mine"), None, "cpu_ns"))

    def test_a_figure_names_the_measure_that_replaces_counters(self):
        figure = a_section().figures[0]
        self.assertIn("CPU time, as there are no counters of instructions", figure.what)
        self.assertAlmostEqual(figure.value, 1.1)

    def test_counters_are_preferred_to_time(self):
        section = a_section()
        section.row("mine").samples["instructions"] = [210.0]
        section.row("bare").samples["instructions"] = [200.0]
        figure = ratio_figure(section, "instructions", "mine", 1.05)
        self.assertEqual((figure.what, figure.value), ("instructions", 1.05))

    def test_user_space_is_read_from_counters_or_valgrind(self):
        row = a_section().row("mine")
        self.assertEqual(middle(row, user_measure(row)), 300)
        row.add({"user_instructions": 280})
        self.assertEqual(middle(row, user_measure(row)), 280)
        self.assertIsNone(middle(Row("nothing"), user_measure(Row("nothing"))))

    def test_verdicts(self):
        verdicts = [figure.verdict() for figure in a_section().figures]
        self.assertEqual(verdicts, ["missed by 5 %", "reached", "missed by 3",
                                    "not known: not built yet"])
        self.assertEqual(Figure("x", 1.05, 1.05).verdict(), "reached")

    def difference(self, mine, base, limit=1000):
        return difference_figure(Row("with", {"p99": mine}), Row("without", {"p99": base}), "p99",
                                 "added", limit, "µs")

    def test_a_difference_is_the_median_of_the_rounds_differences_with_their_noise(self):
        figure = self.difference([1300, 2300, 9310], [1000, 2000, 9000], 10000)
        self.assertEqual((figure.value, figure.noise), (300, 4000))
        figure = self.difference([700, 712, 704], [100, 110, 102])
        self.assertEqual((figure.value, figure.noise), (602, 5))
        self.assertEqual((figure.as_text(), figure.verdict()), ("602 ± 5 µs", "reached"))
        self.assertEqual(self.difference([9010, 9010], [10, 10]).verdict(), "missed by 800 %")

    def test_a_difference_below_the_noise_is_shown_as_none(self):
        figure = self.difference([13000, 2000, 8000], [2000, 22387, 18387], 1000)
        self.assertEqual(figure.value, -10387)
        self.assertEqual(figure.as_text(), "none above the noise of 15,694 µs")
        self.assertEqual(figure.verdict(), "not known: the noise is too great")
        figure = self.difference([10, 10], [510, 510])
        self.assertEqual(figure.noise, 500)
        figure = self.difference([100, 90, 110], [105, 95, 100], 1000)
        self.assertEqual((figure.as_text(), figure.verdict()), ("none above the noise of 7.5 µs",
                                                              "reached"))

    def test_the_noise_of_one_round_is_not_known(self):
        figure = self.difference([100], [90])
        self.assertEqual((figure.as_text(), figure.verdict()),
                         ("10 µs", "not known: one round does not show the noise"))
        self.assertEqual(self.difference([], []).verdict(), "not known: it was not measured")

    def test_numbers_for_people(self):
        cases = {1234567.0: "1,234,567", 123.4: "123", 12.34: "12.3", 1.2345: "1.23", 0: "0",
                 0.012345: "0.0123", None: "-"}
        for value, text in cases.items():
            self.assertEqual(number(value), text)


class Reports(unittest.TestCase):
    def test_text_has_medians_ratios_figures_and_the_profile(self):
        text = report.as_text(a_section())
        for part in ("12 (10–33)", "1.10", "reached", "missed by 5 %", "work 200", "≤ 48 bytes",
                     "≤ 30 instructions"):
            self.assertIn(part, text)
        self.assertNotIn("- instructions", text)

    def test_markdown_has_as_many_cells_in_each_line_of_a_table(self):
        lines = [line for line in report.as_markdown([a_section()], HOST).splitlines()
                 if line.startswith("|")]
        first, second = lines[:4], lines[4:]
        self.assertEqual({line.count("|") for line in first}, {5})
        self.assertEqual({line.count("|") for line in second}, {5})
        self.assertEqual(len(second), 6)

    def test_json_keeps_each_round_and_the_verdicts(self):
        read = json.loads(report.as_json([a_section()], HOST))
        section = read["sections"][0]
        self.assertEqual(section["rows"][0]["samples"]["cpu_ns"], [10.0, 12.0, 33.0])
        self.assertEqual(section["figures"][1]["verdict"], "reached")
        self.assertEqual(read["host"]["kernel"], "6.1")

    def test_a_section_that_was_skipped_has_its_reason_and_no_table(self):
        section = Section("workers", "workers", notes=["skipped: one processor"])
        self.assertIn("skipped: one processor", report.as_text(section))
        self.assertIn("skipped: one processor", report.as_markdown([section], HOST))


if __name__ == "__main__":
    unittest.main()
