#!/usr/bin/env python3
"""Fault injection: each call of the system in os/ and net/ fails, with each error of its manual page, while scenarios run.

    faults.py --programs FOLDER [--report FILE] [--short] [--jobs N]
    faults.py --programs FOLDER --only TEXT[,TEXT...]     only faults whose description has all the texts; prints each run

Writes a table of call sites and errors, and fails if a fault causes a crash, a hang, a spin, a leak, counters that do not
add up, a silent loss or a silent exit, or if a site is not reached and exceptions.txt gives no reason. See README.md."""

import argparse
import collections
import concurrent.futures
import multiprocessing
import os
import random
import sys
import time

import calls
import exceptions
import frame_scenarios
import frame_tool_scenarios
import judge
import manager_scenarios
import metrics_scenarios
import offload_scenarios
import plan
import rare_scenarios
import rare_tool_scenarios
import report
import server_scenarios
import state_scenarios
import tool_scenarios
import upgrade_scenarios
import world
from run import run_scenario

SERVER_SCENARIOS = {**server_scenarios.SCENARIOS, **frame_scenarios.SCENARIOS, **rare_scenarios.SCENARIOS,
                    **manager_scenarios.SCENARIOS, **state_scenarios.SCENARIOS, **upgrade_scenarios.SCENARIOS, **metrics_scenarios.SCENARIOS,
                    **offload_scenarios.SCENARIOS}
SCENARIOS = {**SERVER_SCENARIOS, **tool_scenarios.SCENARIOS, **frame_tool_scenarios.SCENARIOS, **rare_tool_scenarios.SCENARIOS}
BASELINES = 2
JOBS = 8 * (os.cpu_count() or 1) # the scenarios wait most of the time
PROGRESS = 500
FIRST_FAULTS = 8 # so many faults that reached a site, some by chance, are tried to reach it again
worker = {} # what a process of the pool has


def program_of(scenario):
    return "udpsrv" if scenario in SERVER_SCENARIOS else scenario.split()[0]


def prepare_worker(programs):
    world.end_with_parent()
    world.adopt_orphans()
    world.enter_namespaces(programs)
    worker.update(programs=programs)


def run_one(scenario, text):
    world.renew_network_if_used()
    return run_scenario(SCENARIOS[scenario], worker["programs"], text)


def fails(result):
    return result["failure"] or result["lost"] or result["unbalanced"]


class Sweep:
    def __init__(self, options):
        self.options, self.errors, self.sites = options, calls.Errors(), plan.Sites(options.programs)
        self.exceptions = exceptions.Exceptions()
        self.pool = concurrent.futures.ProcessPoolExecutor(options.jobs, multiprocessing.get_context("spawn"), prepare_worker,
                                                           (options.programs,))
        self.left_open = collections.defaultdict(list)
        self.baselines, self.visits, self.reached_by = {}, {}, collections.defaultdict(list)
        self.tried, self.suspects, self.order = [], [], {}
        self.skipped = set()
        self.start = time.monotonic()

    def run_baselines(self):
        """Runs each scenario without a fault: it must pass, and says which sites it reaches and what it costs."""
        pending = {name: [self.pool.submit(run_one, name, None) for _ in range(BASELINES)] for name in SCENARIOS}
        for name, futures in pending.items():
            results = [self.passed(name, future.result()) for future in futures]
            if results[0]["skipped"]:
                self.skip(name, results[0]["skipped"])
                continue
            self.baselines[name] = {"programs": [program for result in results for program in result["programs"]],
                                    "left_open": self.left_open[program_of(name)]}
            self.left_open[program_of(name)] += [result["counts"]["left_open"] for result in results]
            self.left_open[program_of(name)].append(getattr(SCENARIOS[name], "may_leave_open", ""))
            self.visits[name, program_of(name)] = {index: min(result["counts"]["visits"].get(index, 0) for result in results)
                                                   for result in results for index in result["counts"]["visits"]}

    def skip(self, name, reason):
        """The host cannot run the scenario: its faults are not tried, and no other one has to reach its sites."""
        print(f"faults: skipped: the scenario '{name}': {reason}")
        self.skipped.add(name)
        for pattern in SCENARIOS[name].sites:
            self.exceptions.add_unreached(pattern, f"the scenario '{name}' is skipped: {reason}")

    def passed(self, name, result):
        """The result of a scenario without a fault, or of a second run: a busy host may delay the first one beyond a limit."""
        if fails(result):
            result = self.pool.submit(run_one, name, None).result()
        if fails(result):
            sys.exit(f"faults: the scenario '{name}' fails without a fault: {result['failure']} {result['lost']} "
                     f"{result['unbalanced']}\n{result['programs']}")
        return result

    def run_faults(self, faults):
        """A finding counts if a second run shows one again: a busy host may delay a program beyond the limit of time."""
        self.suspects = []
        for fault in faults:
            self.order.setdefault(fault, len(self.order))
        for fault, result, found in self.results_of(faults):
            self.note(fault, result, found)
        confirmed = {fault for fault, _, found in self.results_of([tried.fault for tried in self.suspects]) if found}
        self.tried += [tried if tried.fault in confirmed else tried._replace(found=[]) for tried in self.suspects]

    def results_of(self, faults):
        """Yields the fault, the result and the findings of each run, in the order in which they end."""
        pending = {self.pool.submit(run_one, fault.scenario, plan.text_of(fault)(self.sites)): fault for fault in faults}
        for done, future in enumerate(concurrent.futures.as_completed(pending), 1):
            fault, result = pending.pop(future), future.result()
            found = [one for one in judge.judge(result, self.baselines[fault.scenario]) if not self.exceptions.accepts(fault, one[0])]
            if found or self.options.only:
                show(fault, result, found)
            self.show_progress(done, len(faults))
            yield fault, result, found
        self.show_progress(None, 0)

    def note(self, fault, result, found):
        """Keeps the result, as a suspect if there is a finding."""
        if fault.first is None:
            for index in result["counts"]["visits"]:
                self.reached_by[self.sites.names[fault.program][index]].append(fault)
        injected = result["counts"]["injected"][1 if fault.first else 0]
        tried = report.Tried(fault, injected, found, summary_of(result, self.baselines[fault.scenario]))
        (self.suspects if found else self.tried).append(tried)

    def show_progress(self, done, total):
        if done and done % PROGRESS == 0 and not sys.stderr.isatty():
            print(f"faults: {done} of {total} after {time.monotonic() - self.start:.0f} s", flush=True)
        if sys.stderr.isatty():
            sys.stderr.write(f"\r\x1b[Kfaults: {done} of {total}" if done else "\r\x1b[K")

    def select(self, faults):
        """Those that are asked for, in an order that mixes fast and slow scenarios."""
        words, faults = self.options.only.split(",") if self.options.only else [], list(faults)
        random.Random(1).shuffle(faults)
        return [fault for fault in faults if all(word in report.describe(fault) for word in words)]

    def regressions(self):
        """The scenario of each must still reach its site, else the line says nothing."""
        for fault in self.exceptions.regressions():
            if fault.scenario in self.skipped:
                continue
            visits = self.visits.get((fault.scenario, fault.program), {})
            if visits.get(self.sites.indexes[fault.program].get(fault.site), 0) < fault.at:
                sys.exit(f"faults: exceptions.txt: the regression '{report.describe(fault)}' is about a call that this scenario does "
                         "not make: correct the line")
            yield fault

    def missed(self, faults):
        """Errors that were planned for a site and never happened, since the run did not come to the call: once more, in the scenario
        that calls it most."""
        happened = {(tried.fault.program, tried.fault.site, tried.fault.error) for tried in self.tried if tried.injected}
        missing = {(fault.program, fault.site, fault.error) for fault in faults} - happened
        for program, site, error in sorted(missing):
            index = self.sites.indexes[program][site]
            visits = {name: counts.get(index, 0) for (name, of), counts in self.visits.items() if of == program}
            yield plan.Fault(max(visits, key=visits.get), program, site, error, plan.ALWAYS, 1, None)

    def run_second_round(self, without_fault):
        """Sites that only the handling of a fault reaches. One that reached its site by chance may not do so again: then the next one
        that did is tried."""
        firsts = {site: sorted(faults, key=self.order.get) for site, faults in self.reached_by.items() if site not in without_fault}
        for turn in range(FIRST_FAULTS):
            happened = {(tried.fault.site, tried.fault.error) for tried in self.tried if tried.injected}
            chosen = {site: faults[turn] for site, faults in firsts.items() if turn < len(faults)}
            self.run_faults(self.select(plan.second_round(chosen, self.errors, happened)))

    def run(self):
        self.run_baselines()
        first = plan.first_round(self.sites, self.visits, self.errors)
        without_fault = {fault.site for fault in first}
        if self.options.short:
            first = plan.short_form(first)
        first = list(dict.fromkeys(first + list(self.regressions())))
        self.run_faults(self.select(first))
        if not self.options.short:
            self.run_faults(self.select(self.missed(first)))
            self.run_second_round(without_fault)
        self.pool.shutdown()
        return report.finish(self)


def summary_of(result, baseline):
    """How the run ended: the first message that only the fault causes, and whether a program ended with a failure."""
    usual = judge.usual_messages(baseline)
    texts = [text for program in result["programs"] for text in judge.new_messages(program, usual)]
    ends = [program["status"] for program in result["programs"] if program["status"] not in program["expected"]]
    return texts[:1], bool(ends)


def show(fault, result, found):
    print(f"{report.describe(fault)}: {found or 'ok'} injected={result['counts']['injected']} {result['seconds']:.2f} s")
    for program in result["programs"] if found else ():
        print(f"  {program['name']} status={program['status']} cpu={program['cpu_s']:.2f}\n    output: {program['output'][-600:]!r}\n"
              f"    errors: {program['errors'][-2500:]}")
    if found:
        print(f"  lost={result['lost']} unbalanced={result['unbalanced']} evidence={result['evidence']}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", required=True)
    parser.add_argument("--report", default="faults.md")
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--jobs", type=int, default=JOBS)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    options.programs = os.path.abspath(options.programs)
    refusal = world.refusal()
    if refusal:
        print(f"faults: skipped: the namespaces of the scenarios cannot be made here (they need root): {refusal}")
        return 0
    return Sweep(options).run()


if __name__ == "__main__":
    sys.exit(main())
