#!/usr/bin/env python3
"""Checks the coverage marks: each rare branch of marks.txt was reached in a run of the simulator.

usage: check.py [--print] PROGRAM PROFILE   all marks were reached, in the profile of a run
       check.py --texts                     each mark is found in the sources, once

The profile is a raw one of clang (build/coverage/sim --coverage=PROFILE)."""

import json
import os
import re
import subprocess
import sys
import tempfile
from bisect import bisect_right
from dataclasses import dataclass

MARKS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "marks.txt")


@dataclass
class Mark:
    line: int  # of marks.txt
    file: str
    code: str
    why: str = ""


class MarkError(Exception):
    """A mark that cannot be used; the text says what to do."""


def read_marks(lines):
    """A file name stands at the margin, the code of a mark behind two spaces, its reason behind six."""
    marks, file = [], None
    for number, line in enumerate(lines, 1):
        text, depth = line.strip(), len(line) - len(line.lstrip(" "))
        if not text or line.startswith("#"):
            continue
        if depth == 0:
            file = text
        elif depth == 2 and file is not None:
            marks.append(Mark(number, file, text))
        elif depth == 6 and marks:
            marks[-1].why = f"{marks[-1].why} {text}".strip()
        else:
            raise MarkError(f"line {number}: indent code by 2 spaces and its reason by 6, below the name of a file")
    for mark in marks:
        if not mark.why:
            raise MarkError(f"line {mark.line}: say below the mark, indented by 6 spaces, why it is rare")
    return marks


def position(mark, source):
    """Returns line and column of the mark's last character: the branch in which the code ends.

    Blanks match any blanks, also the end of a line. Regions of clang end before a semicolon."""
    code = mark.code.rstrip("; ")
    pattern = r"\s+".join(re.escape(word) for word in code.split())
    found = [match.end() for match in re.finditer(pattern, source)]
    if not found:
        raise MarkError(f"{mark.file}: not found: {mark.code}\n    the code has changed: correct the mark, or "
                        "remove it if the branch is gone")
    if len(found) > 1:
        raise MarkError(f"{mark.file}: found {len(found)} times: {mark.code}\n    begin the mark earlier, such as with "
                        "the condition before the branch")
    before = source[: found[0] - 1]
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def count_at(segments, line, column):
    """How often the innermost region around a position was executed, None: it is not code."""
    i = bisect_right([(segment[0], segment[1]) for segment in segments], (line, column)) - 1
    return segments[i][2] if i >= 0 and segments[i][3] else None


def count_marks(marks, sources, segments_of):
    """Returns the count of each mark, and the errors of those that have none."""
    counts, errors = [], []
    for mark in marks:
        try:
            count = count_at(segments_of(mark.file), *position(mark, sources(mark.file)))
            if count is None:
                raise MarkError(f"{mark.file}: not code that the simulator runs: {mark.code}")
            counts.append((count, mark))
        except MarkError as error:
            errors.append(str(error))
    return counts, errors


def read_source(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError as error:
        raise MarkError(f"{path}: {error.strerror}: correct the name of the file") from error


def read_profile(program, profile):
    """Returns the segments of each source file: line, column, count, whether it has a count, ..."""
    with tempfile.NamedTemporaryFile(suffix=".profdata") as merged:
        subprocess.run(["llvm-profdata", "merge", "-o", merged.name, profile], check=True)
        command = ["llvm-cov", "export", "-skip-expansions", "-skip-functions", "-instr-profile", merged.name, program]
        exported = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    files = json.loads(exported)["data"][0]["files"]
    return {os.path.relpath(file["filename"]): file["segments"] for file in files}


def report(counts, errors, print_all):
    missed = [mark for count, mark in counts if count == 0]
    if print_all:
        for count, mark in sorted(counts, key=lambda pair: pair[0]):
            print(f"{count:12} {mark.file}: {mark.code}")
    for error in errors:
        print(f"marks: {error}", file=sys.stderr)
    for mark in missed:
        print(f"marks: not reached: {mark.file}: {mark.code}\n    {mark.why}", file=sys.stderr)
    if missed:
        print(f"marks: {len(missed)} of {len(counts)} were not reached: have tests/sim/world draw what leads there "
              "(docs/testing.md, Coverage marks)", file=sys.stderr)
    if missed or errors:
        return 1
    rarest = min(count for count, mark in counts)
    print(f"all {len(counts)} coverage marks were reached, the rarest one {rarest} times")
    return 0


def main(arguments):
    print_all = "--print" in arguments
    paths = [argument for argument in arguments if argument != "--print"]
    try:
        marks = read_marks(read_source(MARKS).split("\n"))
        if paths == ["--texts"]:
            _, errors = count_marks(marks, read_source, lambda file: [[0, 0, 1, True]])
            return report([(1, mark) for mark in marks], errors, False) if errors else 0
        if len(paths) != 2:
            print(__doc__, file=sys.stderr)
            return 2
        profile = read_profile(*paths)
        return report(*count_marks(marks, read_source, lambda file: profile.get(file, [])), print_all)
    except (MarkError, subprocess.CalledProcessError) as error:
        print(f"marks: {error}", file=sys.stderr)
        return 1
    except FileNotFoundError as error:
        print(f"marks: cannot run {error.filename}: install it by tests/deps --install-missing", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
