"""Results of the scenarios: samples of each round, medians, ratios, and figures with their
targets."""

from dataclasses import dataclass, field
from statistics import median

# The measures and their names in tables, the most precise first.
MEASURES = {
    "instructions": "instructions",
    "cycles": "cycles",
    "cpu_ns": "CPU ns",
    "user_instructions": "user instructions",
    "grind_instructions": "user instructions (callgrind)",
}
# The measures that are compared by ratio. A bare loop has almost no user instructions.
COMPARED = ("instructions", "cycles", "cpu_ns")


@dataclass
class Row:
    """A measured program or configuration, with one sample per round."""

    name: str
    samples: dict = field(default_factory=dict)  # measure -> [number of each round]
    base: str = ""  # the row that it is compared with
    top: list = field(default_factory=list)  # [(function, instructions in user space)]

    def add(self, numbers):
        for measure, number in numbers.items():
            self.samples.setdefault(measure, []).append(number)


@dataclass
class Figure:
    """A figure with a target: value should be at most limit. A value of None is not known, and why
    is the reason. noise is the uncertainty, estimated from the rounds: 0 for counts, None if there
    is only one round."""

    what: str
    value: float | None
    limit: float
    unit: str = ""
    why: str = ""
    noise: float | None = 0

    def is_noise(self):
        """Returns whether the value cannot be distinguished from 0."""
        return bool(self.noise) and self.value is not None and abs(self.value) <= self.noise

    def as_text(self):
        """Returns the value for people, with its unit."""
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
            return "not known: one round does not show the noise"
        if self.noise and self.value - self.noise <= self.limit < self.value + self.noise:
            return "not known: the noise is too great"
        if self.value <= self.limit:
            return "reached"
        if self.limit == 0:
            return f"missed by {number(self.value)}"
        return f"missed by {100 * (self.value / self.limit - 1):.0f} %"


@dataclass
class Section:
    """The results of a scenario."""

    key: str
    title: str
    per: str = ""  # the unit of the measures: "reply", "copy"
    rows: list = field(default_factory=list)
    figures: list = field(default_factory=list)
    notes: list = field(default_factory=list)
    commands: list = field(default_factory=list)

    def row(self, name):
        return next((row for row in self.rows if row.name == name), None)


def spread(values):
    """Returns (median, least, greatest)."""
    return median(values), min(values), max(values)


def ratios(row, base, measure):
    """Returns the ratio of each round, so that a machine that slows down between rounds has no
    effect."""
    mine, theirs = row.samples.get(measure, []), base.samples.get(measure, [])
    return [a / b for a, b in zip(mine, theirs) if b > 0]


def ratio(row, base, measure):
    """Returns the median of the rounds' ratios, or None if there are none."""
    values = ratios(row, base, measure) if row and base else []
    return median(values) if values else None


def middle(row, measure):
    """Returns the median of a measure, or None if it was not measured."""
    values = row.samples.get(measure) if row else None
    return median(values) if values else None


def best_measure(row, wanted):
    """Returns the first of the wanted measures that the row has."""
    return next((measure for measure in wanted if row and row.samples.get(measure)), wanted[-1])


def user_measure(row):
    return best_measure(row, ["user_instructions", "grind_instructions"])


def total_measure(row, wanted="instructions"):
    """Returns the wanted measure if the machine counts it, else CPU time."""
    return best_measure(row, [wanted, "cpu_ns"])


def differences(row, base, measure):
    """Returns the difference of each round."""
    mine, theirs = row.samples.get(measure, []), base.samples.get(measure, [])
    return [a - b for a, b in zip(mine, theirs)]


def difference_figure(row, base, measure, what, limit, unit=""):
    """Returns how much a row adds to a measure of its base: the median of the rounds' differences.
    The noise is half of the range of these differences or of the base's samples, whichever is
    larger. A negative difference is noise entirely, because an addition costs at least 0."""
    values = differences(row, base, measure) if row and base else []
    if not values:
        return Figure(what, None, limit, unit, "it was not measured")
    if len(values) == 1:
        return Figure(what, values[0], limit, unit, noise=None)
    apart = max(max(numbers) - min(numbers)
                for numbers in (values, base.samples[measure][:len(values)]))
    return Figure(what, median(values), limit, unit, noise=max(apart / 2, -median(values)))


def ratio_figure(section, what, name, limit, wanted="instructions"):
    """Returns the figure for the ratio of a row to its base."""
    row = section.row(name)
    measure = total_measure(row, wanted)
    if measure != wanted:
        what += f" (CPU time, as there are no counters of {wanted})"
    value = ratio(row, section.row(row.base), measure) if row else None
    return Figure(what, value, limit, "×", "it was not measured")


def number(value):
    """Formats a number for people: at least three digits, grouped thousands."""
    if value is None:
        return "-"
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"
