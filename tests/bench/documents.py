#!/usr/bin/env -S python3 -B
"""Writes the results of a benchmark run into the documents, between the two marker lines of each: five figures into the
README, and all of them with their tables into the page about performance.
tests/bench/documents.py build/bench.json README.md docs/performance.md"""

import json
import re
import sys

import report
from results import Figure, Row, Section

BEGIN, END = "<!-- bench: begin -->\n", "<!-- bench: end -->\n"
TABLES = ("reply", "million", "fanout", "peers")  # of the others, only the figures
# The figures of the README: section, beginning of the figure's name, label.
FIVE = (
    ("reply", "udpsrv, bound: all", "a reply, beside a bare `recvmmsg`/`sendmmsg` loop"),
    ("reply", "udpsrv, bound: user", "instructions of user space for a reply"),
    ("million", "", "a reply with 1,000,000 registered clients, beside the bare loop"),
    ("fanout", "a copy", "a copy of a broadcast to 1,000,000 clients, beside bare `sendmmsg`"),
    ("memory", "IPv4: memory", "memory of a client, IPv4 (of 10,000,000)"),
)


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


def five_figures(document):
    """Returns the figures of the README, those of FIVE that were measured, as a Markdown table."""
    lines = ["| | measured | target |", "| --- | ---: | ---: |"]
    for section in sections_of(document):
        for key, beginning, label in FIVE:
            for figure in section.figures:
                if section.key == key and figure.what.startswith(beginning) and figure.value is not None:
                    _, measured, target, _ = report.figure_cells(figure)
                    lines.append(f"| {label} | {measured} | {target} |")
    if len(lines) == 2:
        raise ValueError("the run measured none of the figures of the README; run make bench without BENCH")
    return "\n".join(lines)


def replaced(text, new):
    """Returns the text with the part between the marker lines replaced."""
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise ValueError(f"the marker lines {BEGIN.strip()} and {END.strip()} are missing")
    before, rest = text.split(BEGIN)
    return before + BEGIN + "\n" + new + "\n" + END + rest.split(END)[1]


def main(words):
    if len(words) != 3:
        print(f"usage: {__doc__.splitlines()[2]}", file=sys.stderr)
        return 2
    source, readme, page = words
    with open(source, encoding="utf-8") as file:
        document = json.load(file)
    texts = {}
    for target, part in ((readme, five_figures), (page, summary)):
        with open(target, encoding="utf-8") as file:
            text = file.read()
        try:
            texts[target] = replaced(text, part(document))
        except ValueError as error:
            print(f"documents: cannot write to {target}: {error}", file=sys.stderr)
            return 1
    for target, text in texts.items():
        with open(target, "w", encoding="utf-8") as file:
            file.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
