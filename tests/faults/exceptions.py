"""The file exceptions.txt: what is not reached or accepted, each with its reason, and the regressions."""

import fnmatch
import os

import plan

FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "exceptions.txt")


def is_among(error, patterns):
    """A pattern after ! excludes what it matches."""
    matches = [fnmatch.fnmatchcase(error, pattern.lstrip("!")) and not pattern.startswith("!") for pattern in patterns]
    excluded = any(pattern.startswith("!") and fnmatch.fnmatchcase(error, pattern[1:]) for pattern in patterns)
    return any(matches) and not excluded


class Exceptions:
    def __init__(self, path=FILE):
        self.unreached, self.accepted, self.used, self.listed = [], [], set(), []
        with open(path, encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                line = line.strip()
                if not line or line.startswith("#"):
                    continue
                words, _, reason = line.partition(" -- ")
                kind, *words = words.split()
                if not reason:
                    raise SystemExit(f"faults: {path}:{number}: give a reason after ' -- '")
                entry = (number, words, reason)
                {"unreached": self.unreached, "accept": self.accepted, "regression": self.listed}[kind].append(entry)

    def reason_for_unreached(self, site):
        for number, (pattern, *_), reason in self.unreached:
            if fnmatch.fnmatchcase(site, pattern):
                self.used.add(number)
                return reason
        return None

    def accepts(self, fault, judgement):
        for number, (names, site, errors, *programs), _ in self.accepted:
            if (judgement.replace(" ", "-") in names.split(",") and fnmatch.fnmatchcase(fault.site, site)
                    and is_among(fault.error, errors.split(","))
                    and (not programs or fault.program in programs)):
                self.used.add(number)
                return True
        return False

    def regressions(self):
        """The listed faults, which the short form tries, too."""
        return [plan.Fault(scenario.replace("_", " "), program, site, error, mode, 1, None)
                for _, (scenario, program, site, error, mode), _ in self.listed]

    def stale(self):
        return [f"{number}: {' '.join(words)}" for number, words, _ in self.unreached + self.accepted if number not in self.used]


