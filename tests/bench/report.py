"""Formats the results as text, Markdown and JSON."""

import json
from dataclasses import asdict

from results import COMPARED, MEASURES, number, ratio, spread

TOP_FUNCTIONS = 6


def _label(section, measure):
    name = MEASURES.get(measure, measure)
    return f"{name} per {section.per}" if section.per and measure in MEASURES else name


def _cell(values):
    middle, least, greatest = spread(values)
    if len(values) == 1:
        return number(middle)
    return f"{number(middle)} ({number(least)}–{number(greatest)})"


def _table(section):
    """Returns the header and one line per row, as cells of text."""
    measures = []
    for row in section.rows:
        measures += [measure for measure in row.samples if measure not in measures]
    measures.sort(key=lambda measure: list(MEASURES).index(measure) if measure in MEASURES else 99)
    has_base = any(row.base for row in section.rows)
    header, lines = [section.title], []
    for measure in measures:
        header.append(_label(section, measure))
        if has_base and measure in COMPARED:
            header.append("× bare")
    for row in section.rows:
        base, cells = section.row(row.base), [row.name]
        for measure in measures:
            values = row.samples.get(measure)
            cells.append(_cell(values) if values else "-")
            if has_base and measure in COMPARED:
                times = ratio(row, base, measure)
                cells.append(f"{times:.2f}" if times is not None else "")
        lines.append(cells)
    return header, lines


def figure_cells(figure):
    limit = f"{figure.limit:.2f}" if figure.unit == "×" else number(figure.limit)
    return [figure.what, figure.as_text(), f"≤ {limit} {figure.unit}".rstrip(), figure.verdict()]


def _pad(lines):
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    for line in lines:
        yield "  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip()


def as_text(section):
    """Returns a section as text for a terminal."""
    header, lines = _table(section)
    out = list(_pad([header] + lines)) if lines else [section.title]
    out += [f"  {note}" for note in section.notes]
    figures = [["figure", "measured", "target", ""]] + [figure_cells(f) for f in section.figures]
    if len(figures) > 1:
        out += ["  " + line for line in _pad(figures)]
    for row in section.rows:
        if row.top:
            top = ", ".join(f"{name} {number(cost)}" for name, cost in row.top[:TOP_FUNCTIONS])
            out.append(f"  user space of {row.name}: {top}")
    return "\n".join(out)


def _markdown_table(header, lines):
    rule = ["---"] + ["---:"] * (len(header) - 1)
    return [f"| {' | '.join(line)} |" for line in [header, rule] + lines]


def as_markdown(sections, host):
    """Returns all sections as Markdown tables."""
    out = [f"Measured {host['date']} on {host['cpu']}, {host['cpus']} processors, Linux "
           f"{host['kernel']}; {host['meter']}. Medians of {host['rounds']} interleaved rounds "
           "(least–greatest).", ""]
    for section in sections:
        header, lines = _table(section)
        if lines:
            out += _markdown_table(header, lines) + [""]
        out += [f"{section.title}: {note}\n" for note in section.notes]
    figures = [figure_cells(figure) for section in sections for figure in section.figures]
    if figures:
        header = ["figure", "measured", "target", ""]
        rule = ["---", "---:", "---:", "---"]
        out += [f"| {' | '.join(line)} |" for line in [header, rule] + figures]
    return "\n".join(out) + "\n"


def as_json(sections, host):
    """Returns all results with each round as JSON."""
    return json.dumps({"host": host, "sections": [
        asdict(section) | {"figures": [asdict(f) | {"verdict": f.verdict()}
                                       for f in section.figures]}
        for section in sections]}, indent=1, ensure_ascii=False) + "\n"
