"""What is made of the numbers: medians, ratios, and figures beside their targets."""

from dataclasses import dataclass, field
from statistics import median

# Measures, the stronger one first: what each is called in a table.
MEASURES = {
    "instructions": "instructions",
    "cycles": "cycles",
    "cpu_ns": "CPU ns",
    "user_instructions": "user instructions",
    "grind_instructions": "user instructions (callgrind)",
}
# Those that a ratio says something of; a bare loop has next to nothing in user space.
COMPARED = ("instructions", "cycles", "cpu_ns")


@dataclass
class Row:
    """Something that was measured, once a round."""

    name: str
    samples: dict = field(default_factory=dict)  # measure -> [number of each round]
    base: str = ""  # the row that it is compared with
    top: list = field(default_factory=list)  # [(function, instructions in user space)]

    def add(self, numbers):
        for measure, number in numbers.items():
            self.samples.setdefault(measure, []).append(number)


@dataclass
class Figure:
    """A figure to reach: value is to be at most limit. None: not known, and why says the reason.
    noise is how far it may be off, as far as the rounds tell: 0 for what is counted, None where a
    single round tells nothing."""

    what: str
    value: float | None
    limit: float
    unit: str = ""
    why: str = ""
    noise: float | None = 0

    def is_noise(self):
        """Whether the value cannot be told from none at all."""
        return bool(self.noise) and self.value is not None and abs(self.value) <= self.noise

    def shown(self):
        """The value for people, with its unit."""
        if self.value is None:
            return "-"
        text = f"{self.value:.2f}" if self.unit == "×" else number(self.value)
        if self.is_noise():
            text = f"none above the noise of {number(self.noise)}"
        elif self.noise:
            text += f" ± {number(self.noise)}"
        return f"{text} {self.unit}".rstrip()

    def verdict(self):
        if self.value is None:
            return f"not known: {self.why}"
        if self.noise is None:
            return "not known: one round does not tell the noise"
        if self.noise and self.value - self.noise <= self.limit < self.value + self.noise:
            return "not known: the noise is too great"
        if self.value <= self.limit:
            return "reached"
        if self.limit == 0:
            return f"missed by {number(self.value)}"
        return f"missed by {100 * (self.value / self.limit - 1):.0f} %"


@dataclass
class Section:
    """What a scenario has found out."""

    key: str
    title: str
    per: str = ""  # what the measures are of: "reply", "copy"
    rows: list = field(default_factory=list)
    figures: list = field(default_factory=list)
    notes: list = field(default_factory=list)
    commands: list = field(default_factory=list)

    def row(self, name):
        return next((row for row in self.rows if row.name == name), None)


def spread(values):
    """(median, least, greatest)."""
    return median(values), min(values), max(values)


def ratios(row, base, measure):
    """Of each round, so that a machine that grows slower in between doesn't show."""
    mine, theirs = row.samples.get(measure, []), base.samples.get(measure, [])
    return [a / b for a, b in zip(mine, theirs) if b > 0]


def ratio(row, base, measure):
    """The median of the rounds' ratios, or None if there are none."""
    values = ratios(row, base, measure) if row and base else []
    return median(values) if values else None


def middle(row, measure):
    """The median of a measure, or None if it wasn't taken."""
    values = row.samples.get(measure) if row else None
    return median(values) if values else None


def best_measure(row, wanted):
    """The first of the wanted measures that the row has."""
    return next((measure for measure in wanted if row and row.samples.get(measure)), wanted[-1])


def user_measure(row):
    return best_measure(row, ["user_instructions", "grind_instructions"])


def total_measure(row, wanted="instructions"):
    """Instructions or cycles where the machine counts them, or else CPU time in their place."""
    return best_measure(row, [wanted, "cpu_ns"])


def differences(row, base, measure):
    """Of each round, as ratios are."""
    mine, theirs = row.samples.get(measure, []), base.samples.get(measure, [])
    return [a - b for a, b in zip(mine, theirs)]


def difference_figure(row, base, measure, what, limit, unit=""):
    """How much more a row has of a measure than its base, in the median of the rounds. Each round has
    both, one right after the other; half of what the rounds' differences, or the base's own rounds,
    are apart is the noise, whichever is more. What is added is never less than nothing, so a
    difference below zero is noise in full."""
    values = differences(row, base, measure) if row and base else []
    if not values:
        return Figure(what, None, limit, unit, "it was not measured")
    if len(values) == 1:
        return Figure(what, values[0], limit, unit, noise=None)
    apart = max(max(numbers) - min(numbers)
                for numbers in (values, base.samples[measure][:len(values)]))
    return Figure(what, median(values), limit, unit, noise=max(apart / 2, -median(values)))


def ratio_figure(section, what, name, limit, wanted="instructions"):
    """A figure for a row beside the row that it is compared with."""
    row = section.row(name)
    measure = total_measure(row, wanted)
    if measure != wanted:
        what += f" (CPU time, for want of counters of {wanted})"
    value = ratio(row, section.row(row.base), measure) if row else None
    return Figure(what, value, limit, "×", "it was not measured")


def number(value):
    """For people: three digits or more, thousands set apart."""
    if value is None:
        return "-"
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"
