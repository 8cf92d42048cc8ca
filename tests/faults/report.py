"""The table of call sites and the errors that were tried, and the verdict."""

import collections
import sys
import time

Tried = collections.namedtuple("Tried", "fault injected found summary")


def describe(fault):
    text = f"{fault.scenario}: {fault.program} {fault.site} {fault.error} {fault.mode} at call {fault.at}"
    return text + (f", after {fault.first.site} {fault.first.error} {fault.first.mode} at call {fault.first.at}" if fault.first else "")


def outcome(tried):
    """tolerated: no message; warned: it went on and printed a message; ended: with a message."""
    texts, ended = tried.summary
    return "ended" if ended else "warned" if texts else "tolerated"


def rows_of(sweep):
    by_site = collections.defaultdict(list)
    for tried in sweep.tried:
        if tried.injected:
            by_site[tried.fault.site].append(tried)
    return by_site


def row(sweep, site, all_tried):
    errors = list(dict.fromkeys(tried.fault.error for tried in sorted(all_tried, key=lambda one: one.fault.error)))
    programs = sorted({tried.fault.program for tried in all_tried})
    outcomes = collections.Counter(outcome(tried) for tried in all_tried)
    message = next((tried.summary[0][0] for tried in all_tried if tried.summary[0]), "")
    return "| " + " | ".join([f"{site} ({sweep.sites.lines[site]})", " ".join(programs), " ".join(errors), str(len(all_tried)),
                              ", ".join(f"{name} {count}" for name, count in sorted(outcomes.items())),
                              message.replace("|", "\\|")[:160]]) + " |"


def missing_errors(sweep, site, all_tried):
    """Errors of the manual page that were planned for a site and never happened."""
    happened = {tried.fault.error for tried in all_tried}
    return [error for error in sweep.errors.of(site) if error not in happened]


def totals(sweep, by_site):
    injected = [tried for tried in sweep.tried if tried.injected]
    errors = {(tried.fault.site, tried.fault.error) for tried in injected}
    return (f"{len(injected)} faults injected, {len(by_site)} of {len(sweep.sites.all())} call sites, {len(errors)} pairs of site and "
            f"error, in {time.monotonic() - sweep.start:.0f} s")


def write(sweep, by_site, unreached):
    lines = ["# Faults", "", totals(sweep, by_site) + ".", "",
             "Site: file, function, call (line). Outcomes: tolerated (nothing to say), warned (a message, and it went on), ended (with a "
             "message).", "", "| site | programs | errors | faults | outcomes | a message |", "| --- | --- | --- | --- | --- | --- |"]
    lines += [row(sweep, site, by_site[site]) for site in sweep.sites.all() if site in by_site]
    lines += ["", "## Sites without a fault", "", "| site | reason |", "| --- | --- |"]
    lines += [f"| {site} ({sweep.sites.lines[site]}) | {reason or 'NO REASON'} |" for site, reason in unreached]
    gaps = [(site, missing_errors(sweep, site, by_site[site])) for site in sweep.sites.all() if site in by_site]
    lines += ["", "## Errors of the manual page that were not injected", ""]
    lines += [f"- {site}: {' '.join(gap)}" for site, gap in gaps if gap] or ["None."]
    found = [tried for tried in sweep.tried if tried.found]
    lines += ["", "## Findings", ""]
    lines += [f"- {describe(tried.fault)}: {kind}: {text}" for tried in found for kind, text in tried.found] or ["None."]
    lines += ["", "## Findings that exceptions.txt accepts", ""]
    lines += [f"- line {number}, {judgement}: {'; '.join(sorted(faults))}"
              for (number, judgement), faults in sorted(sweep.exceptions.used.items())] or ["None."]
    with open(sweep.options.report, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


def finish(sweep):
    by_site = rows_of(sweep)
    unreached = [(site, sweep.exceptions.reason_for_unreached(site)) for site in sweep.sites.all() if site not in by_site]
    write(sweep, by_site, unreached)
    failures = [f"{describe(tried.fault)}: {kind}: {text}" for tried in sweep.tried for kind, text in tried.found]
    whole = not sweep.options.short and not sweep.options.only
    if whole:
        failures += [f"{site}: no scenario reaches it, and exceptions.txt gives no reason" for site, reason in unreached if not reason]
        for line in sweep.exceptions.stale(): # no failure: some of them depend on the order of threads
            print(f"faults: exceptions.txt:{line}: this had no effect in this run")
    for failure in failures:
        print(f"faults: {failure}", file=sys.stderr)
    print(f"faults: {totals(sweep, by_site)}; {len(failures)} findings; the table is in {sweep.options.report}")
    return 1 if failures else 0
