#!/usr/bin/env -S python3 -B
"""Writes the results of a benchmark run into the README, between its two marker lines:
tests/bench/readme.py build/bench.json README.md"""

import json
import re
import sys

import report
from results import Figure, Row, Section

BEGIN, END = "<!-- bench: begin -->\n", "<!-- bench: end -->\n"
TABLES = ("reply", "million", "fanout", "peers")  # of the others, only the figures


def sections_of(document):
    """Restores the sections from the JSON document."""
    sections = []
    for plain in document["sections"]:
        fields = dict(plain)
        fields["rows"] = [Row(**row) for row in plain["rows"]]
        fields["figures"] = [Figure(**{name: value for name, value in figure.items()
                                       if name != "verdict"}) for figure in plain["figures"]]
        sections.append(Section(**fields))
    return sections


def summary(document):
    """Returns the tables of some sections and the figures of all, as Markdown."""
    sections = sections_of(document)
    for section in sections:
        if section.key not in TABLES:
            section.rows, section.notes = [], []
    # Only the version of the kernel, without the distribution's suffix.
    kernel = re.match(r"[0-9.]*[0-9]", document["host"]["kernel"]).group()
    return report.as_markdown(sections, dict(document["host"], kernel=kernel))


def replaced(text, new):
    """Returns the text with the part between the marker lines replaced."""
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise ValueError(f"the marker lines {BEGIN.strip()} and {END.strip()} are missing")
    before, rest = text.split(BEGIN)
    return before + BEGIN + "\n" + new + "\n" + END + rest.split(END)[1]


def main(words):
    if len(words) != 2:
        print(f"usage: {__doc__.splitlines()[1]}", file=sys.stderr)
        return 2
    source, target = words
    with open(source, encoding="utf-8") as file:
        document = json.load(file)
    with open(target, encoding="utf-8") as file:
        text = file.read()
    try:
        text = replaced(text, summary(document))
    except ValueError as error:
        print(f"readme: cannot write to {target}: {error}", file=sys.stderr)
        return 1
    with open(target, "w", encoding="utf-8") as file:
        file.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
