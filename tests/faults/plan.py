"""Which faults are tried, in which scenarios."""

import collections
import os
import subprocess
import zlib

import calls

# An error that passes: a kernel that reports it for ever would contradict itself (a socket is readable, and then is not).
PASSING = {"EINTR", "EAGAIN", "EWOULDBLOCK", "ECONNABORTED", "SHORT"}
# The kernel reports an error of a socket once, and clears it.
PASSING_OF_SOCKETS = {"ECONNREFUSED", "ECONNRESET", "EHOSTUNREACH", "EHOSTDOWN", "EPROTO", "ENONET", "ENOPROTOOPT", "EOPNOTSUPP",
                      "ENETDOWN", "ENETUNREACH", "ETIMEDOUT"}
RECEIVING = {"recv", "recvfrom", "recvmsg", "recvmmsg", "accept4"}
PASSING_CALLS = 100
# An error that comes from a mistake of the program or an old kernel, so every call gets it.
LASTING = {"EBADF", "EFAULT", "EINVAL", "ENOTSOCK", "EOPNOTSUPP", "ENOPROTOOPT", "EDESTADDRREQ", "EPROTONOSUPPORT", "EAFNOSUPPORT",
           "EAI_BADFLAGS", "EAI_SOCKTYPE", "EISCONN", "EALREADY", "ENOSYS", "ESPIPE", "ENOTTY", "EOVERFLOW"}
ONCE, ALWAYS = "once", "always"
LATER_CALLS = 3  # so many errors of each site also hit a later call than the first one
NTH_MAX = 24     # each call up to this one fails once, with one error that means a lack of something
LACKS = ("ENOMEM", "EMFILE", "ENOBUFS", "EAGAIN")
OTHER_LACKS = {"epoll_ctl": ("ENOMEM", "EPERM")} # the event loop does without epoll for the first
NTH_OTHER_MAX = 64 # a server with 4 workers adds so many descriptors at its start
# Scenarios that take longer than the others, up to some seconds, serve only the sites that fewer than two others reach.
SLOW = {"cookies", "default socket", "udpctl watch", "udpload fanout", "confirmation rounds", "udpload confirm",
        "udpcli stopped terminal", "restart with a state file"}
PROGRAMS = ("udpsrv", "udpctl", "udpcli", "udpload")

# first is a Fault to which this one happens while it is handled, or None.
Fault = collections.namedtuple("Fault", "scenario program site error mode at first")


class Sites:
    """The call sites of the four programs. A site is named FILE:FUNCTION:CALL, with #2 for the second one in a function."""

    def __init__(self, folder):
        self.names, self.indexes, self.lines = {}, {}, {}
        for program in PROGRAMS:
            listing = subprocess.run([os.path.join(folder, program)], env={"FAULTS_LIST": "1", "ASAN_OPTIONS": "detect_leaks=0"},
                                     capture_output=True, text=True, check=True).stdout
            self.names[program] = self.read(listing)
            self.indexes[program] = {name: i for i, name in enumerate(self.names[program])}

    def read(self, listing):
        """The entries of a function may be in any order: they are numbered by their lines."""
        entries = [line.split() for line in listing.splitlines()]
        order, names = sorted(range(len(entries)), key=lambda i: (entries[i][0], int(entries[i][3]), i)), [None] * len(entries)
        seen = collections.Counter()
        for i in order:
            file, function, call, line = entries[i]
            name = f"{file.removeprefix('src/').removesuffix('.c')}:{function}:{call}"
            seen[name] += 1
            names[i] = name if seen[name] == 1 else f"{name}#{seen[name]}"
            self.lines[names[i]] = int(line)
        return names

    def all(self):
        return sorted(set().union(*self.names.values()))


def call_of(site):
    return site.split(":")[2].split("#")[0]


def text_of(fault):
    """The plan for the program: SITE:FIRST:LAST:ERROR."""
    return lambda sites: ",".join(
        f"{sites.indexes[one.program][one.site]}:{one.at}:{last_call(one)}:{calls.number_of(one.error)}"
        for one in (fault.first, fault) if one is not None)


def last_call(fault):
    if fault.mode == ONCE:
        return fault.at
    passes = fault.error in PASSING or (call_of(fault.site) in RECEIVING and fault.error in PASSING_OF_SOCKETS)
    return fault.at + PASSING_CALLS - 1 if passes else 1 << 30


def faults_of(site, program, scenarios, errors):
    """All faults of a site in a program; scenarios are pairs of a name and the number of visits. They take turns."""
    turn = 0
    for error in errors.of(site):
        for mode in (ALWAYS,) if error in LASTING else (ONCE, ALWAYS):
            scenario, visits = scenarios[turn % len(scenarios)]
            turn += 1
            yield Fault(scenario, program, site, error, mode, 1, None)
            if visits > 2 and turn <= LATER_CALLS:
                yield Fault(scenario, program, site, error, mode, 1 + visits // 2, None)


def nth_faults_of(site, program, scenarios, errors):
    """Each call of a site fails, one at a time: what comes before it must be undone, and what comes after it must work."""
    lacks = OTHER_LACKS.get(call_of(site)) or [error for error in LACKS if error in errors.of(site)][:1]
    scenario, visits = max(scenarios, key=lambda one: one[1])
    for at in range(2, min(visits, NTH_OTHER_MAX if call_of(site) in OTHER_LACKS else NTH_MAX) + 1):
        for lack in lacks:
            yield Fault(scenario, program, site, lack, ONCE, at, None)


def first_round(sites, visits, errors):
    """visits: the number of visits by scenario and site, without faults, with the program of the scenario."""
    by_site = collections.defaultdict(list)
    for (scenario, program), counts in visits.items():
        for index, count in counts.items():
            by_site[sites.names[program][index], program].append((scenario, count))
    faults = []
    for (site, program), scenarios in sorted(by_site.items()):
        fast = [one for one in sorted(scenarios) if one[0] not in SLOW]
        chosen = fast if len(fast) >= 2 else sorted(scenarios)
        faults += faults_of(site, program, chosen, errors)
        faults += nth_faults_of(site, program, chosen, errors)
    return list(dict.fromkeys(faults))


def second_round(reached_by, errors, happened):
    """Sites that only the handling of a fault reaches: both faults together, but for the pairs of site and error that happened."""
    return [Fault(first.scenario, first.program, site, error, ALWAYS, 1, first)
            for site, first in sorted(reached_by.items()) for error in errors.of(site) if (site, error) not in happened]


def short_form(faults):
    """One fault of each site in each program, which depends only on their names: so it is the same in each run."""
    groups = collections.defaultdict(list)
    for fault in faults:
        if fault.at == 1:
            groups[fault.site, fault.program].append(fault)
    return [group[zlib.crc32(f"{site} {program}".encode()) % len(group)] for (site, program), group in groups.items()]
