#!/usr/bin/env python3
"""The table of calls that can fail (calls.txt), and what the build makes of it.

    calls.py header                  prints the C header that replaces the calls of os/ and net/
    calls.py rename                  prints the names for objcopy --redefine-syms
    calls.py manuals                 names errors of the manual pages that calls.txt does not mention; fails if there are any
    calls.py check OBJECT...         fails if an object calls a function of libc that is in neither calls.txt nor harmless.txt
"""

import collections
import errno
import os
import re
import subprocess
import sys

FOLDER = os.path.dirname(os.path.abspath(__file__))
Call = collections.namedtuple("Call", "name kind errors")

# All headers of the system that os/ and net/ use: they declare the functions before the macros hide them.
HEADERS = """arpa/inet.h dirent.h errno.h fcntl.h glob.h grp.h ifaddrs.h inttypes.h libgen.h limits.h net/if.h netdb.h
netinet/in.h poll.h pthread.h pwd.h sched.h signal.h spawn.h stdarg.h stdatomic.h stdbool.h stddef.h stdint.h stdio.h stdlib.h
string.h sys/auxv.h sys/epoll.h sys/eventfd.h sys/file.h sys/inotify.h sys/ioctl.h sys/mman.h sys/prctl.h sys/random.h
sys/resource.h sys/signalfd.h sys/socket.h sys/stat.h sys/syscall.h sys/time.h sys/timerfd.h sys/types.h sys/uio.h sys/un.h
sys/utsname.h sys/wait.h termios.h time.h unistd.h""".split()

# Numbers of netdb.h, glob.h and newer kernels, which Python does not know.
OTHER_ERRORS = {
    "EAI_BADFLAGS": -1, "EAI_NONAME": -2, "EAI_AGAIN": -3, "EAI_FAIL": -4, "EAI_NODATA": -5, "EAI_FAMILY": -6,
    "EAI_SOCKTYPE": -7, "EAI_SERVICE": -8, "EAI_ADDRFAMILY": -9, "EAI_MEMORY": -10, "EAI_SYSTEM": -11,
    "GLOB_NOSPACE": 1, "GLOB_ABORTED": 2, "GLOB_NOMATCH": 3, "SHORT": 0, "EHWPOISON": 133,
}


def number_of(error):
    return OTHER_ERRORS[error] if error in OTHER_ERRORS else getattr(errno, error)


def lines_of(name):
    with open(os.path.join(FOLDER, name), encoding="utf-8") as file:
        return [line.split("#")[0].strip() for line in file if line.split("#")[0].strip()]


def calls():
    """The calls by their names; errors of which two names have the same number count once."""
    table = {}
    for line in lines_of("calls.txt"):
        name, kind, *errors = line.split()
        if name not in ("not", "at"):
            table[name] = Call(name, kind, once_each(errors))
    return table


def once_each(errors):
    """The errors, without those that have the same number as an earlier one."""
    by_number = {}
    for error in errors:
        by_number.setdefault(number_of(error), error)
    return list(by_number.values())


def sites():
    """The manual page and the errors of each site that has its own."""
    lines = [line.split() for line in lines_of("calls.txt")]
    return {site: (page, once_each(errors)) for first, site, page, *errors in lines if first == "at"}


class Errors:
    """The errors by site, which is named FILE:FUNCTION:CALL, with #2 for the second one in a function."""

    def __init__(self):
        self.by_call, self.by_site = calls(), sites()

    def of(self, site):
        name = site.split("#")[0]
        return self.by_site[name][1] if name in self.by_site else self.by_call[name.split(":")[2]].errors


def print_header():
    print('/* Made by tests/faults/calls.py from calls.txt. */\n#ifndef FAULTS_CALLS_H\n#define FAULTS_CALLS_H\n')
    for header in HEADERS:
        print(f"#include <{header}>")
    print('#include "tests/faults/inject.h"\n')
    for call in calls().values():
        print(f'extern __typeof__({call.name}) fault_real_{call.name} __asm__("fault_real_{call.name}");')
        print(f"#undef {call.name}\n#define {call.name}(...) FAULT_{call.kind}({call.name}, __VA_ARGS__)")
    print("\n#endif")


def left_out():
    """The numbers of the errors that calls.txt leaves out, by call."""
    lines = [line.split() for line in lines_of("calls.txt")]
    return {call: {number_of(error) for error in errors} for first, call, *errors in lines if first == "not"}


def errors_of_manual(name):
    """The errors that a manual page lists; None if there is no page."""
    for section in ("2", "3"):
        page = subprocess.run(["man", section, name], capture_output=True, text=True, check=False,
                              env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "MANWIDTH": "200"})
        if page.returncode == 0:
            list_of_errors = re.search(r"^ERRORS$(.*?)(?=^\S)", page.stdout, re.S | re.M)
            words = re.findall(r"\bE[A-Z0-9]+\b", list_of_errors.group(1)) if list_of_errors else []
            return {word for word in words if hasattr(errno, word)}
    return None


def known_errors():
    """The errors that calls.txt has for each manual page, as numbers."""
    left = left_out()
    known = {call.name: {number_of(error) for error in call.errors} | left.get(call.name, set()) for call in calls().values()}
    for page, errors in sites().values():
        known.setdefault(page, left.get(page, set())).update(map(number_of, errors))
    return known


def check_manuals():
    missing, pages, known = 0, 0, known_errors()
    for name, numbers in known.items():
        listed = errors_of_manual(name)
        pages += listed is not None
        for error in sorted(listed or ()):
            if number_of(error) not in numbers:
                print(f"faults: calls.txt: the manual page of {name} lists {error}: add it, or a line 'not'", file=sys.stderr)
                missing += 1
    print(f"faults: {pages} manual pages of {len(known)} calls, {missing} errors missing")
    return 1 if missing or pages == 0 else 0


def undefined(path):
    listing = subprocess.run(["nm", "-u", path], capture_output=True, text=True, check=True).stdout
    return {line.split()[-1] for line in listing.splitlines() if line.strip()}


def check(paths):
    known = set(" ".join(lines_of("harmless.txt")).split())
    wrapped, faults = set(calls()), 0
    for path in paths:
        for symbol in sorted(undefined(path)):
            if re.match(r"__(asan|ubsan|tsan|start_|stop_)|_GLOBAL_OFFSET_TABLE_|fault_", symbol) or symbol in known:
                continue
            if symbol in wrapped:
                print(f"faults: {path}: {symbol} is used without a call, so it cannot fail: call it by its name", file=sys.stderr)
                faults += 1
            elif is_of_libc(symbol):
                print(f"faults: {path}: {symbol} is in neither tests/faults/calls.txt nor harmless.txt: add it with the errors of "
                      "its manual page", file=sys.stderr)
                faults += 1
    return 1 if faults else 0


def is_of_libc(symbol):
    """Whether libc defines the function; else it is one of the project."""
    if not hasattr(is_of_libc, "symbols"):
        path = subprocess.run([*os.environ.get("CC", "cc").split(), "-print-file-name=libc.so.6"], capture_output=True, text=True, check=True)
        listing = subprocess.run(["nm", "-D", "--defined-only", path.stdout.strip()], capture_output=True, text=True, check=True)
        is_of_libc.symbols = {line.split()[-1].split("@")[0] for line in listing.stdout.splitlines()}
    return symbol in is_of_libc.symbols


def main():
    if sys.argv[1] == "header":
        print_header()
    elif sys.argv[1] == "rename":
        for name in calls():
            print(f"fault_real_{name} {name}")
    elif sys.argv[1] == "manuals":
        return check_manuals()
    elif sys.argv[1] == "check":
        return check(sys.argv[2:])
    return 0


if __name__ == "__main__":
    sys.exit(main())
