"""Parses the output of perf, valgrind, strace, dnsperf, the kernel and the measured programs."""

import re


def perf_stat(text):
    """Returns the events of `perf stat -x,` that were counted: name -> count. Events that the
    machine cannot count ("<not supported>", "<not counted>") are omitted."""
    events = {}
    for line in text.splitlines():
        fields = line.split(",")
        if len(fields) < 3 or not re.fullmatch(r"[0-9.]+", fields[0]):
            continue
        events[fields[2]] = float(fields[0])
    return events


def schedstat(text):
    """Returns the CPU time in nanoseconds, from /proc/PID/task/TID/schedstat."""
    return int(text.split()[0])


def status_field(text, name):
    """Returns the number of a line "Name:  N kB" of /proc/PID/status."""
    found = re.search(rf"^{re.escape(name)}:\s+(\d+)", text, re.MULTILINE)
    if not found:
        raise ValueError(f"no {name} in the status of the process")
    return int(found.group(1))


def softnet_drops(text):
    """Returns the number of datagrams that the kernel's receive queues dropped
    (/proc/net/softnet_stat, second column)."""
    return sum(int(line.split()[1], 16) for line in text.splitlines() if line.strip())


def words(text):
    """ "received 5 sent 5" -> {"received": 5, "sent": 5}."""
    return {name: int(number) for name, number in re.findall(r"([a-z]+) (\d+)", text)}


def ready_address(line):
    """Returns the first address of a line "udpsrv: ready ADDR..."."""
    found = re.search(r": ready (\S+)", line)
    if not found:
        raise ValueError(f"not a ready line: {line!r}")
    return found.group(1)


def _callgrind_name(text, names):
    """ "(12) memcpy" defines a name, "(12)" uses it again."""
    found = re.match(r"\((\d+)\)(?: (.*))?$", text)
    if not found:
        return text
    number, name = found.groups()
    if name is not None:
        names[number] = name
    return names.get(number, number)


def _callgrind_costs(text):
    """Yields (function, cost, whether it is the cost of a called function)."""
    names, function, is_call = {}, None, False
    for line in text.splitlines():
        if line.startswith("fn="):
            function = _callgrind_name(line[3:], names)
        elif line.startswith("cfn="):
            _callgrind_name(line[4:], names)
        elif line.startswith("calls="):
            is_call = True  # the next line is the cost of what was called
        elif function is not None and re.match(r"[0-9+*-]", line):
            yield function, int(line.split()[-1]), is_call
            is_call = False


def callgrind(text):
    """Returns the user instructions of a callgrind.out file: (total, {function: its own share})."""
    own = {}
    for function, cost, is_call in _callgrind_costs(text):
        if not is_call:
            own[function] = own.get(function, 0) + cost
    found = re.search(r"^(?:totals|summary): (\d+)", text, re.MULTILINE)
    return (int(found.group(1)) if found else sum(own.values())), own


def callgrind_inclusive(text, prefix):
    """Returns the inclusive cost of each function whose name begins with prefix. None of them may
    be recursive."""
    costs = {}
    for function, cost, _ in _callgrind_costs(text):
        if function.startswith(prefix):
            costs[function] = costs.get(function, 0) + cost
    return costs


def callgrind_growth(short, long, count):
    """Returns the instructions per datagram, and the functions that take most of them as
    [(name, instructions)], from the results of two runs that differ by count datagrams. The cost of
    the start cancels out."""
    functions = {name: (cost - short[1].get(name, 0)) / count for name, cost in long[1].items()}
    top = sorted(functions.items(), key=lambda item: -item[1])
    return (long[0] - short[0]) / count, [item for item in top if item[1] >= 0.5]


def dnsperf(text):
    """Returns the numbers of queries that dnsperf sent and that were answered."""
    sent = re.search(r"Queries sent:\s+(\d+)", text)
    completed = re.search(r"Queries completed:\s+(\d+)", text)
    if not sent or not completed:
        raise ValueError("dnsperf printed no report")
    return {"sent": int(sent.group(1)), "received": int(completed.group(1))}


def strace_slices(text):
    """Returns the microseconds between the end of each epoll wait and the next one, from one
    thread's `strace -ttt -T -e trace=epoll_wait,epoll_pwait,epoll_pwait2`."""
    slices, end = [], None
    for line in text.splitlines():
        found = re.search(r"(\d+\.\d{6}) epoll_p?wait2?\(.*<(\d+\.\d+)>$", line)
        if not found:
            end = None
            continue
        begin, took = float(found.group(1)), float(found.group(2))
        if end is not None:
            slices.append(max(0.0, (begin - end) * 1e6))
        end = begin + took
    return slices
