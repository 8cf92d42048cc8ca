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
        self.unreached, self.accepted, self.used, self.listed, self.at_times = [], [], {}, [], set()
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
                if kind == "accept-at-times":
                    kind = "accept"
                    self.at_times.add(number)
                {"unreached": self.unreached, "accept": self.accepted, "regression": self.listed}[kind].append(entry)

    def add_unreached(self, pattern, reason):
        """As a line of the file would."""
        self.unreached.append((0, [pattern], reason))

    def reason_for_unreached(self, site):
        for number, (pattern, *_), reason in self.unreached:
            if fnmatch.fnmatchcase(site, pattern):
                self.used[number, "unreached"] = [site]
                return reason
        return None

    def accepts(self, fault, judgement):
        """Whether a line accepts the finding; remembers the first one that does."""
        judgement = judgement.replace(" ", "-")
        for number, (names, site, errors, *where), _ in self.accepted:
            if (judgement in names.split(",") and fnmatch.fnmatchcase(fault.site, site)
                    and is_among(fault.error, errors.split(","))
                    and (not where or any(fnmatch.fnmatchcase(name, pattern) for pattern in where
                                          for name in (fault.program, fault.scenario.replace(" ", "_"))))):
                self.used.setdefault((number, judgement), set()).add(f"{fault.program} {fault.site} {fault.error} {fault.mode}")
                return True
        return False

    def regressions(self):
        """The listed faults, which the short form tries, too."""
        return [plan.Fault(scenario.replace("_", " "), program, site, error, mode.split("@")[0], int((mode + "@1").split("@")[1]), None)
                for _, (scenario, program, site, error, mode), _ in self.listed]

    def stale(self):
        """The lines, or the judgements of a line, that had no effect, but for those that have one only at times. So has a spin: it is a
        second of CPU, which a busy host does not give in that time."""
        lines = [(number, "unreached", words) for number, words, _ in self.unreached]
        lines += [(number, name, words[1:]) for number, words, _ in self.accepted for name in words[0].split(",")
                  if number not in self.at_times and name != "spin"]
        return [f"{number}: {name} {' '.join(words)}" for number, name, words in lines if (number, name) not in self.used]


