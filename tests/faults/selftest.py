#!/usr/bin/env python3
"""Shows that each judgement can fail: mistaken.c makes one mistake for each when its call of eventfd fails.

    selftest.py FOLDER    the folder has the program as udpsrv"""

import concurrent.futures
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile

import calls
import judge
import server_scenarios
import world
from run import STOP_S, run_scenario

# The mistake, and the judgement that must find it and be the only one; None: none may.
CASES = [
    ("none", None), ("crash", judge.CRASH), ("hang", judge.HANG), ("spin", judge.SPIN), ("leak of memory", judge.LEAK),
    ("leak of a descriptor", judge.LEAK), ("unbalanced", judge.UNBALANCED), ("silent loss", judge.LOSS),
    ("silent exit", judge.SILENT_EXIT), ("bare message", judge.SILENT_EXIT), ("good message", None),
]
JOBS = 3 # most of the cases wait
LONG_STOP_S = 60 # for 1.3 s of CPU on a busy host
EVENTFD_FAILS = f"{{}}:1:{1 << 30}:{calls.number_of('EMFILE')}"


def scenario(run):
    service = server_scenarios.Service(run, config="")
    if not service.serves:
        service.end_without_start()
        return
    client = server_scenarios.udp_client(run, ("127.0.0.1", 3000))
    service.request(client)
    service.balance()
    service.program.signal(signal.SIGTERM)
    run.finish(service.program, within_s=STOP_S if os.environ.get("MISTAKE") == "hang" else LONG_STOP_S)


def site_of(folder, call):
    listing = subprocess.run([os.path.join(folder, "udpsrv")], env={"FAULTS_LIST": "1"}, capture_output=True, text=True, check=True)
    return [line.split()[2] for line in listing.stdout.splitlines()].index(call)


def run_mistake(folder, mistake, plan):
    os.environ["MISTAKE"] = mistake
    return run_scenario(scenario, folder, plan)


def check_judgements(folder):
    """Returns the number of judgements that do not find their mistake, or find one where there is none."""
    plan, failures = EVENTFD_FAILS.format(site_of(folder, "eventfd")), 0
    with concurrent.futures.ProcessPoolExecutor(JOBS, multiprocessing.get_context("spawn"), world.enter_namespaces, (folder,)) as pool:
        first = pool.submit(run_mistake, folder, "", None)
        pending = {mistake: pool.submit(run_mistake, folder, mistake, plan) for mistake, _ in CASES}
        usual = first.result()
    baseline = {"programs": usual["programs"], "left_open": [usual["counts"]["left_open"]]}
    for mistake, expected in CASES:
        result = pending[mistake].result()
        found = {kind for kind, _ in judge.judge(result, baseline)}
        if result["counts"]["injected"][0] != 1 or found != ({expected} if expected else set()):
            print(f"faults: self-test: the mistake '{mistake}' is judged {sorted(found)}, not {expected}: {result}", file=sys.stderr)
            failures += 1
    return failures


def check_calls(folder):
    """A call that is in no table, and one that cannot fail since it is not called by its name, must stop the build."""
    failures = 0
    for text, expected in (("#include <unistd.h>\nint f(void) { return acct(0); }\n", "acct is in neither"),
                           ("#include <unistd.h>\nint (*f)(int) = close;\n", "close is used without a call"),
                           ("#include <string.h>\nunsigned long f(char *s) { return strlen(s); }\n", "")):
        path = os.path.join(folder, "call")
        with open(path + ".c", "w", encoding="utf-8") as file:
            file.write(text)
        subprocess.run([*os.environ.get("CC", "cc").split(), "-c", "-o", path + ".o", path + ".c"], check=True)
        check = subprocess.run([os.path.join(calls.FOLDER, "calls.py"), "check", path + ".o"], capture_output=True, text=True)
        if (check.returncode != 0) != bool(expected) or expected not in check.stderr:
            print(f"faults: self-test: the check of calls says {check.stderr!r}, not '{expected}'", file=sys.stderr)
            failures += 1
    return failures


def main():
    refusal = world.refusal()
    if refusal:
        print(f"faults: the self-test is skipped: its namespaces cannot be made here (they need root): {refusal}")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        failures = check_calls(folder) + check_judgements(os.path.abspath(sys.argv[1]))
    print(f"faults: the self-test of {len(CASES)} mistakes " + (f"has {failures} failures" if failures else "passed"))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
