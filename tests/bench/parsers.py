"""Reads what perf, valgrind, strace, the kernel and the programs print. Text in, numbers out."""

import re


def perf_stat(text):
    """The events of `perf stat -x,` that were counted: name -> count. What the machine can't count
    ("<not supported>", "<not counted>") is left out."""
    events = {}
    for line in text.splitlines():
        fields = line.split(",")
        if len(fields) < 3 or not re.fullmatch(r"[0-9.]+", fields[0]):
            continue
        events[fields[2]] = float(fields[0])
    return events


def schedstat(text):
    """Nanoseconds on a processor, from /proc/PID/task/TID/schedstat."""
    return int(text.split()[0])


def status_field(text, name):
    """The number of a line "Name:  N kB" of /proc/PID/status."""
    found = re.search(rf"^{re.escape(name)}:\s+(\d+)", text, re.MULTILINE)
    if not found:
        raise ValueError(f"no {name} in the status of the process")
    return int(found.group(1))


def softnet_drops(text):
    """Datagrams that the kernel's queues between sender and receiver had no room for
    (/proc/net/softnet_stat, second column)."""
    return sum(int(line.split()[1], 16) for line in text.splitlines() if line.strip())


def words(text):
    """ "received 5 sent 5" -> {"received": 5, "sent": 5}."""
    return {name: int(number) for name, number in re.findall(r"([a-z]+) (\d+)", text)}


def ready_address(line):
    """The first address of a line "udpsrv: ready ADDR..."."""
    found = re.search(r": ready (\S+)", line)
    if not found:
        raise ValueError(f"not a line that says ready: {line!r}")
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
    """Each (function, cost, whether that is the cost of something that it called)."""
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
    """Instructions in user space, from a callgrind.out file: (total, {function: its own share})."""
    own = {}
    for function, cost, is_call in _callgrind_costs(text):
        if not is_call:
            own[function] = own.get(function, 0) + cost
    found = re.search(r"^(?:totals|summary): (\d+)", text, re.MULTILINE)
    return (int(found.group(1)) if found else sum(own.values())), own


def callgrind_inclusive(text, prefix):
    """Of each function whose name begins so, what it and all that it called took. None of them may
    call itself."""
    costs = {}
    for function, cost, _ in _callgrind_costs(text):
        if function.startswith(prefix):
            costs[function] = costs.get(function, 0) + cost
    return costs


def callgrind_growth(short, long, count):
    """What count more datagrams cost: of two files' results, instructions for each, and the
    functions that take most of them, [(name, instructions)]. What the start costs cancels out."""
    functions = {name: (cost - short[1].get(name, 0)) / count for name, cost in long[1].items()}
    top = sorted(functions.items(), key=lambda item: -item[1])
    return (long[0] - short[0]) / count, [item for item in top if item[1] >= 0.5]


def dnsperf(text):
    """Queries that dnsperf sent and that were answered."""
    sent = re.search(r"Queries sent:\s+(\d+)", text)
    completed = re.search(r"Queries completed:\s+(\d+)", text)
    if not sent or not completed:
        raise ValueError("dnsperf printed no report")
    return {"sent": int(sent.group(1)), "received": int(completed.group(1))}


def strace_slices(text):
    """Microseconds of work between the end of one epoll wait and the next, of one thread's
    `strace -ttt -T -e trace=epoll_wait,epoll_pwait,epoll_pwait2`."""
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
