"""Tests that the coverage marks can fail: python3 -m unittest discover -s tests/sim/marks"""

import contextlib
import io
import unittest

import check

SOURCE = """int f(int n)
{
    if (n == 0)
        return -1;
    if (n == 1)
        return -1;
    return n > 2 ? rare(n) : n;
}
"""

# Line, column, count, whether it has a count: the branches, and what follows them.
SEGMENTS = [[2, 1, 9, True], [4, 9, 3, True], [4, 18, 9, True], [6, 9, 0, True], [6, 18, 6, True], [7, 20, 2, True],
            [7, 27, 6, True], [8, 2, 0, False]]


def run(text):
    """Returns the exit status and what is reported for the marks of a file."""
    marks = check.read_marks(text.split("\n"))
    counts, errors = check.count_marks(marks, lambda file: SOURCE, lambda file: SEGMENTS)
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        status = check.report(counts, errors, False)
    return status, output.getvalue()


class Marks(unittest.TestCase):
    def test_reached_ones_pass_and_the_rarest_is_counted(self):
        status, text = run("src/a.c\n  if (n == 0) return -1;\n      none\n  ? rare(n)\n      many\n")
        self.assertEqual((status, text), (0, "all 2 coverage marks were reached, the rarest one 2 times\n"))

    def test_one_that_is_not_reached_is_named_with_its_reason(self):
        status, text = run("src/a.c\n  if (n == 0) return -1;\n      none\n  if (n == 1) return -1;\n      a single one\n")
        self.assertEqual(status, 1)
        self.assertIn("not reached: src/a.c: if (n == 1) return -1;\n    a single one\n", text)
        self.assertIn("1 of 2 were not reached", text)

    def test_one_whose_code_is_not_there_is_an_error(self):
        status, text = run("src/a.c\n  if (n == 7)\n      gone\n")
        self.assertEqual(status, 1)
        self.assertIn("src/a.c: not found: if (n == 7)\n    the code has changed: correct the mark", text)

    def test_one_whose_code_occurs_twice_is_an_error(self):
        status, text = run("src/a.c\n  return -1;\n      which one?\n")
        self.assertEqual(status, 1)
        self.assertIn("src/a.c: found 2 times: return -1;\n    begin the mark earlier", text)

    def test_one_that_the_simulator_does_not_run_is_an_error(self):
        marks = check.read_marks("src/b.c\n  return n\n      why".split("\n"))
        counts, errors = check.count_marks(marks, lambda file: "return n;\n", lambda file: [])
        self.assertEqual((counts, errors), ([], ["src/b.c: not code that the simulator runs: return n"]))

    def test_one_without_a_reason_is_an_error(self):
        with self.assertRaisesRegex(check.MarkError, "line 2: say below the mark, indented by 6 spaces"):
            check.read_marks(["src/a.c", "  return n"])

    def test_the_count_is_that_of_the_branch_in_which_the_code_ends(self):
        for code, count in (("if (n == 0)", 9), ("if (n == 0) return -1;", 3), ("? rare(n)", 2), (": n", 6)):
            position = check.position(check.Mark(1, "src/a.c", code), SOURCE)
            self.assertEqual(check.count_at(SEGMENTS, *position), count, code)


if __name__ == "__main__":
    unittest.main()
