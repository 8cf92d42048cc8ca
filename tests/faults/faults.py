#!/usr/bin/env python3
"""Fault injection: each call of the system in os/ and net/ fails, with each error of its manual page, while scenarios run.

    faults.py --programs FOLDER [--report FILE] [--short] [--jobs N]
    faults.py --programs FOLDER --only TEXT[,TEXT...]     only faults whose description has all the texts; prints each run

Writes a table of call sites and errors, and fails if a fault causes a crash, a hang, a spin, a leak, counters that do not
add up, a silent loss or a silent exit, or if a site is not reached and exceptions.txt gives no reason. See README.md."""

import argparse
import concurrent.futures
import multiprocessing
import os
import shutil
import sys
import tempfile
import time

import calls
import exceptions
import judge
import plan
import report
import server_scenarios
import tool_scenarios
import world
from run import run_scenario

SCENARIOS = {**server_scenarios.SCENARIOS, **tool_scenarios.SCENARIOS}
SHORT_PER_SITE = 1
BASELINES = 2
PROGRESS = 500
worker = {} # what a process of the pool has


def program_of(scenario):
    return "udpsrv" if scenario in server_scenarios.SCENARIOS else scenario.split()[0]


def prepare_worker(folder, programs):
    world.end_with_parent()
    own = os.path.join(folder, str(os.getpid()))
    os.makedirs(own)
    world.enter_namespaces(own)
    worker.update(programs=programs, counts=os.path.join(own, "counts"))


def run_one(scenario, text):
    return run_scenario(SCENARIOS[scenario], worker["programs"], worker["counts"], text)


class Sweep:
    def __init__(self, options):
        self.options, self.table, self.sites = options, calls.calls(), plan.Sites(options.programs)
        self.exceptions = exceptions.Exceptions()
        self.folder = tempfile.mkdtemp(prefix="udpsrv-faults-pool-")
        self.pool = concurrent.futures.ProcessPoolExecutor(options.jobs, multiprocessing.get_context("spawn"), prepare_worker,
                                                           (self.folder, options.programs))
        self.baselines, self.visits, self.reached_by, self.tried = {}, {}, {}, []
        self.start = time.monotonic()

    def run_baselines(self):
        """Runs each scenario without a fault: it must pass, and says which sites it reaches and what it costs."""
        pending = {name: [self.pool.submit(run_one, name, None) for _ in range(BASELINES)] for name in SCENARIOS}
        for name, futures in pending.items():
            results = [future.result() for future in futures]
            for result in results:
                if result["failure"] or result["lost"] or result["unbalanced"]:
                    sys.exit(f"faults: the scenario '{name}' fails without a fault: {result['failure']} {result['lost']} "
                             f"{result['unbalanced']}\n{result['programs']}")
            self.baselines[name] = {"programs": [program for result in results for program in result["programs"]],
                                    "seconds": min(result["seconds"] for result in results),
                                    "left_open": [result["counts"]["left_open"] for result in results]}
            self.visits[name, program_of(name)] = {index: min(result["counts"]["visits"].get(index, 0) for result in results)
                                                   for result in results for index in result["counts"]["visits"]}

    def judged(self, fault, result):
        return [found for found in judge.judge(result, self.baselines[fault.scenario])]

    def run_faults(self, faults):
        done = 0
        pending = {self.pool.submit(run_one, fault.scenario, plan.text_of(fault)(self.sites)): fault for fault in faults}
        for future in concurrent.futures.as_completed(pending):
            fault, result = pending[future], future.result()
            found = self.judged(fault, result)
            if found:
                found = self.confirm(fault, found)
            self.note(fault, result, found)
            done += 1
            self.show_progress(done, len(faults))
        self.show_progress(None, 0)

    def confirm(self, fault, found):
        """A finding counts if a second run shows one again: a busy host may delay a program beyond the limit of time."""
        again = self.pool.submit(run_one, fault.scenario, plan.text_of(fault)(self.sites)).result()
        return self.judged(fault, again) and found

    def note(self, fault, result, found):
        injected = result["counts"]["injected"][1 if fault.first else 0]
        self.tried.append(report.Tried(fault, injected, [one for one in found if not self.exceptions.accepts(fault, one[0])],
                                       summary_of(result)))
        if self.tried[-1].found or self.options.only:
            show(fault, result, found)
        for index in result["counts"]["visits"]:
            site = self.sites.names[fault.program][index]
            if site not in self.reached_by and fault.first is None:
                self.reached_by[site] = fault

    def show_progress(self, done, total):
        if done and done % PROGRESS == 0 and not sys.stderr.isatty():
            print(f"faults: {done} of {total} after {time.monotonic() - self.start:.0f} s", flush=True)
        if sys.stderr.isatty():
            sys.stderr.write(f"\r\x1b[Kfaults: {done} of {total}" if done else "\r\x1b[K")

    def select(self, faults):
        words = self.options.only.split(",") if self.options.only else []
        return [fault for fault in faults if all(word in report.describe(fault) for word in words)]

    def run(self):
        self.run_baselines()
        first = plan.first_round(self.sites, self.visits, {name: one["seconds"] for name, one in self.baselines.items()}, self.table)
        without_fault = {fault.site for fault in first}
        if self.options.short:
            first = plan.short_form(first, SHORT_PER_SITE) + [fault for fault in self.exceptions.regressions(first)]
        self.run_faults(self.select(first))
        if not self.options.short:
            only_by_faults = {site: fault for site, fault in self.reached_by.items() if site not in without_fault}
            self.run_faults(self.select(plan.second_round(only_by_faults, self.table)))
        self.pool.shutdown()
        shutil.rmtree(self.folder, ignore_errors=True)
        return report.finish(self)


def summary_of(result):
    """How the run ended, in a few words: the messages, or that there was nothing to say."""
    texts = [text for program in result["programs"] for text in judge.messages(program)]
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
    parser.add_argument("--jobs", type=int, default=16)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    options.programs = os.path.abspath(options.programs)
    return Sweep(options).run()


if __name__ == "__main__":
    sys.exit(main())
