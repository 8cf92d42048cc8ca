"""The judgement of a run: what no fault may cause."""

import collections
import re

SPIN_S = 1.0
CRASH, HANG, SPIN, LEAK, UNBALANCED, LOSS, SILENT_EXIT, SCENARIO = (
    "crash", "hang", "spin", "leak", "unbalanced", "silent loss", "silent exit", "scenario failed")
JUDGEMENTS = (CRASH, HANG, SPIN, LEAK, UNBALANCED, LOSS, SILENT_EXIT, SCENARIO)

# A line of the log of level warning or error, as text, logfmt, json or syslog; an error of the configuration; a message of a tool.
LOG_LINE = re.compile(r"^(?:\S+Z (?:warning|error) |<(?:27|28)>[^:]+:\d\d:\d\d [^:]+: |time=\S+ level=(?:warning|error) )(.+)$", re.M)
CONFIG_LINE = re.compile(r"^\S+:\d+:\d+: (.+)$", re.M)
# An error of udpctl as JSON; a server that `udpctl watch` cannot reach, as lines or on a screen.
JSON_LINE = re.compile(r'^\{"error":"(.+)"', re.M)
AWAY_LINE = re.compile(r"^\S+Z  away  (.+)$|away \d+s.*\n(cannot .+)$", re.M)
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")
TOOL_LINE = re.compile(r"^(?:udpsrv|udpctl|udpcli|udpload): (?!ready |Tab completes)(.+)$", re.M)


def messages(program):
    """What the program reported about something that failed."""
    text = ESCAPES.sub("", program["errors"] + "\n" + program["output"])
    return ([found for pattern in (LOG_LINE, CONFIG_LINE, TOOL_LINE, JSON_LINE) for found in pattern.findall(text)]
            + ["".join(found) for found in AWAY_LINE.findall(text)])


def without_numbers(message):
    """The message without what differs from run to run."""
    return re.sub(r"udpsrv-faults-\w*|\d+", "", message)


def new_messages(program, usual):
    """The messages that a run without a fault does not have."""
    return [text for text in messages(program) if without_numbers(text) not in usual]


def usual_messages(baseline):
    return {without_numbers(text) for program in baseline["programs"] for text in messages(program)}


def names_a_purpose(message):
    """A purpose takes some words: 'Bad file descriptor' or 'epoll_wait: Bad file descriptor' does not say what was attempted."""
    before_reason = message.split(" reason=")[0].rsplit(": ", 1)[0]
    return len(before_reason.split()) >= 2


def kinds_left_open(names):
    """Descriptors by what they lead to: numbers of sockets and pipes differ from run to run."""
    return collections.Counter(re.sub(r"^\d+=", "", re.sub(r":\[\d+\]", "", re.sub(r"/tmp/udpsrv-faults-[^/ ]*", "", name)))
                               for name in names.split())


def judge_program(program, baseline_cpu_s, usual):
    status, errors = program["status"], program["errors"]
    if "LeakSanitizer" in errors:
        yield LEAK, first_frames(errors)
    elif status in (97, 98) or "Sanitizer" in errors or "runtime error:" in errors:
        yield CRASH, first_frames(errors)
    elif program["killed"]:
        yield HANG, f"{program['name']} did not end in time"
    elif status is not None and status < 0 and status not in program["expected"]:
        yield CRASH, f"{program['name']} was ended by signal {-status}"
    elif status not in program["expected"] and not any(names_a_purpose(text) for text in new_messages(program, usual)):
        yield SILENT_EXIT, f"{program['name']} ended with status {status} and the messages {messages(program) or 'none'}"
    if program["cpu_s"] > baseline_cpu_s + SPIN_S:
        yield SPIN, f"{program['name']} used {program['cpu_s']:.1f} s of CPU"


def first_frames(errors):
    found = re.search(r"(ERROR: \w+Sanitizer.*|.*runtime error:.*)", errors)
    frames = re.findall(r"#\d+ 0x\w+ in (\w+) (?:/\S*/)?(src/\S+)", errors)
    return (found.group(1) if found else "sanitizer") + " in " + ", ".join(" ".join(frame) for frame in frames[:3])


def judge(result, baseline):
    """Yields the judgement and the text of each fault that the run shows. baseline is the result of a run without a fault."""
    if result["failure"]:
        yield SCENARIO, result["failure"]
    usual = usual_messages(baseline)
    cpu_s = max((program["cpu_s"] for program in baseline["programs"]), default=0)
    for program in result["programs"]:
        yield from judge_program(program, cpu_s, usual)
    usual_open = collections.Counter()
    for names in baseline["left_open"]: # of all scenarios of the program
        usual_open |= kinds_left_open(names)
    more = kinds_left_open(result["counts"]["left_open"]) - usual_open
    if result["counts"]["ended"] and more:
        yield LEAK, "descriptors left open: " + " ".join(more.elements())
    for text in result["unbalanced"]:
        yield UNBALANCED, text
    reported = any(new_messages(program, usual) for program in result["programs"]) or result["evidence"]
    for text in result["lost"]:
        if text.startswith("SENT") or not reported:
            yield LOSS, text
