"""The file exceptions.txt: what is not reached or accepted, each with its reason, and the regressions."""

import fnmatch
import os


FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "exceptions.txt")


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
        for number, (name, site, error, *programs), _ in self.accepted:
            if (judgement == name.replace("-", " ") and fnmatch.fnmatchcase(fault.site, site) and fnmatch.fnmatchcase(fault.error, error)
                    and (not programs or fault.program in programs)):
                self.used.add(number)
                return True
        return False

    def regressions(self, faults):
        """The listed faults, which the short form tries, too: SITE ERROR MODE PROGRAM."""
        wanted = {tuple(words) for _, words, _ in self.listed}
        found = [fault for fault in faults if (fault.site, fault.error, fault.mode, fault.program) in wanted]
        missing = wanted - {(fault.site, fault.error, fault.mode, fault.program) for fault in found}
        if missing:
            raise SystemExit(f"faults: {FILE}: a regression names a fault that does not exist: {sorted(missing)}")
        return found

    def stale(self):
        return [number for number, _, _ in self.unreached + self.accepted if number not in self.used]


