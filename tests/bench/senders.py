"""The programs that send requests: udpload, the bare senders, dnsperf. Their counts are checked."""

import json

import parsers
from processes import MeasurementError, Process, run

OUTSTANDING = 256


def udpload(bench, server, requests, clients, *options, statuses=(0, 3), usage=False):
    """Runs udpload as fast as the server answers, unless options change that. Returns its report;
    with usage, (report, user + system seconds)."""
    path = bench.path("json")
    argv = udpload_argv(bench, server, path, "-Q", "max", "-q", OUTSTANDING, "-n", requests,
                        "-c", clients, "-t", "5s", *options)
    _, used = run(bench, argv, bench.sender_cpu, statuses=statuses)
    report = read_report(path)
    if report["sent"] != requests or report["replied"] != requests:
        raise MeasurementError(f"of {requests} requests {report['sent']} were sent and "
                     f"{report['replied']} answered: {' '.join(map(str, argv))}")
    return (report, used.ru_utime + used.ru_stime) if usage else report


def udpload_argv(bench, server, path, *options):
    return [bench.program("udpload"), *options, "--json", path, server.address]


def read_report(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def _check_counts(argv, counts, requests, server):
    if counts["sent"] != requests or counts["received"] != requests:
        raise MeasurementError(f"of {requests} requests {counts['sent']} were sent and "
                     f"{counts['received']} answered by {server.process.argv[0]}: "
                     f"{' '.join(map(str, argv))}")


def bare(bench, server, requests, clients=1, payload=None, name="bare_sources",
         outstanding=OUTSTANDING, silence_s=10):
    """Runs a bare sender, whose clients are the same ones each time. Returns its user + system
    seconds."""
    argv = bare_argv(bench, name, requests, clients, payload, outstanding)
    argv += ["-t", silence_s, server.address]
    out, used = run(bench, argv, bench.sender_cpu)
    _check_counts(argv, parsers.words(out), requests, server)
    return used.ru_utime + used.ru_stime


def bare_argv(bench, name, requests, clients, payload=None, outstanding=OUTSTANDING):
    """Returns the command line of a bare sender without the server's address."""
    argv = [bench.program(f"bench/bare/{name}"), "-n", requests, "-c", clients, "-q", outstanding,
            "-b", bench.port]
    return argv + (["-p", payload] if payload else [])


class RegisteredClients(Process):
    """A bare sender that registers its clients and then receives the copies to them. It has the
    lowest priority, so that it only uses idle processor time."""

    def __init__(self, bench, server, clients, namespace=None):
        argv = bare_argv(bench, "bare_sources", clients, clients) + ["-s", server.address]
        super().__init__(bench, argv, bench.sender_cpu, namespace, wrap=("chrt", "-i", "0"))
        try:
            _check_counts(argv, parsers.words(self.line()), clients, server)
            self.port = parsers.words(self.line())["ready"]
        except BaseException:
            self.end()
            raise

    def stop_and_count(self):
        """Stops it. Returns {"copies": received, "drops": dropped by its socket}."""
        return parsers.words(self.stop())


def register(bench, server, clients, namespace=None):
    """Registers that many clients by one request each."""
    argv = bare_argv(bench, "bare_sources", clients, clients) + [server.address]
    out, _ = run(bench, argv, bench.sender_cpu, namespace)
    _check_counts(argv, parsers.words(out), clients, server)


def dnsperf(bench, server, requests):
    """Runs dnsperf with one socket and one thread. Returns its user + system seconds."""
    host, port = server.address.rsplit(":", 1)
    queries = bench.path("queries")
    with open(queries, "w", encoding="ascii") as file:
        file.write("bench.test A\n" * requests)
    argv = ["dnsperf", "-s", host, "-p", port, "-d", queries, "-n", 1, "-c", 1,
            "-T", 1, "-q", OUTSTANDING, "-t", 1, "-b", 4096]
    out, used = run(bench, argv, bench.sender_cpu)
    counts = parsers.dnsperf(out)
    # Its receive buffer is limited by net.core.rmem_max and may lose some answers.
    if counts["sent"] != requests or counts["received"] < 0.99 * requests:
        raise MeasurementError(f"of {requests} queries {counts['sent']} were sent and "
                     f"{counts['received']} answered: {' '.join(map(str, argv))}")
    return used.ru_utime + used.ru_stime
