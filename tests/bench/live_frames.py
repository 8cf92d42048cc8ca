"""A sender in the kernel, and network namespaces with a veth pair between them: an XDP program makes requests of many sources and
redirects them into the server's interface (BPF_PROG_TEST_RUN with BPF_F_TEST_XDP_LIVE_FRAMES), without sockets and without a process
for each datagram. The programs are those of live_frames.bpf.c, compiled by clang."""

import concurrent.futures
import contextlib
import ctypes
import glob
import json
import mmap
import os
import resource
import shutil
import socket
import struct
import subprocess
import sys
import sysconfig
import threading
import time

from processes import MeasurementError, Process, run

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.append(os.path.join(ROOT, "src/net/offload"))
sys.path.append(os.path.join(ROOT, "tests/ecosystem"))
from generate_program import sections_of, tables_of  # noqa: E402
from network import CLONE_NEWNET, libc  # noqa: E402
from xdp import SYS_BPF, attach, attach_constant, bpf, load  # noqa: E402

SOURCE = os.path.join(HERE, "live_frames.bpf.c")

# linux/bpf.h
MAP_CREATE, MAP_LOOKUP_ELEM, MAP_UPDATE_ELEM, PROG_TEST_RUN = 0, 1, 2, 10
MAP_TYPE_ARRAY, MAP_TYPE_PERCPU_ARRAY, MAP_MMAPABLE = 2, 6, 1 << 10
LINK_UPDATE = 29
PSEUDO_MAP_FD, TEST_XDP_LIVE_FRAMES = 1, 2

SERVER, CLIENTS, PORT = "192.0.2.1", "192.0.2.2", 3000
SOURCES = "10.0.0.0/8"  # of the frames that the kernel sends
SOURCE_PORT, PAYLOAD, FRAME_BYTES = 4000, b"hello", 60
REQUEST = struct.Struct(f"=6I{FRAME_BYTES}s")  # struct request of live_frames.bpf.c
REPLIES_S = 60  # in which the server answers a burst; no result depends on it


class Tally:
    """A table of the kernel with a counter for each number below `count`."""

    def __init__(self, count):
        self.bytes = 8 * count
        self.fd = bpf(MAP_CREATE, struct.pack("=IIIII", MAP_TYPE_ARRAY, 4, 8, count, MAP_MMAPABLE))

    def read(self):
        with mmap.mmap(self.fd, self.bytes, prot=mmap.PROT_READ) as memory:
            return memoryview(bytes(memory)).cast("Q")

    def close(self):
        os.close(self.fd)


class Table:
    """A table of the kernel with one value, or with one for each processor."""

    def __init__(self, kind, value_bytes):
        self.key = ctypes.create_string_buffer(4)
        self.value = ctypes.create_string_buffer(value_bytes * (_possible_cpus() if kind == MAP_TYPE_PERCPU_ARRAY else 1))
        self.fd = bpf(MAP_CREATE, struct.pack("=IIII", kind, 4, value_bytes, 1))

    def _call(self, command):
        bpf(command, struct.pack("=IIQQQ", self.fd, 0, ctypes.addressof(self.key), ctypes.addressof(self.value), 0))

    def read(self):
        self._call(MAP_LOOKUP_ELEM)
        return self.value.raw

    def write(self, value):
        self.value.raw = value
        self._call(MAP_UPDATE_ELEM)

    def close(self):
        os.close(self.fd)


def _possible_cpus():
    with open("/sys/devices/system/cpu/possible", encoding="ascii") as text:
        return int(text.read().strip().rsplit("-", 1)[-1]) + 1


def compile_programs(bench):
    """Returns the sections of the object file of live_frames.bpf.c."""
    path = bench.path("o")
    includes = glob.glob(os.path.join("/usr/include", sysconfig.get_config_var("MULTIARCH") or "*-linux-gnu*"))
    run(bench, ["clang", "-target", "bpf", "-mcpu=v3", "-std=c11", "-ffreestanding", "-O2", "-g0", "-Wall", "-Werror",
                *[word for folder in includes for word in ("-idirafter", folder)], "-c", "-o", path, SOURCE])
    with open(path, "rb") as file:
        return sections_of(file.read())


def load_section(sections, name, tables):
    """Loads the program of a section; tables has the table of each name."""
    code = bytearray(next(content for found, _, _, content in sections if found == name))
    for number, table in tables_of(sections, name).items():
        opcode, registers, offset, _ = struct.unpack_from("=BBhi", code, 8 * number)
        struct.pack_into("=BBhi", code, 8 * number, opcode, registers | PSEUDO_MAP_FD << 4, offset, tables[table].fd)
    return load(bytes(code))


def why_not():
    """Returns why the kernel's sender cannot be had, or None."""
    if os.geteuid() != 0:
        return "network namespaces and XDP need root"
    if SYS_BPF is None or sys.byteorder != "little":
        return "the processor is not one of those whose bpf(2) it knows"
    if not shutil.which("clang"):
        return "clang is not installed"
    if subprocess.run(["unshare", "--net", "true"], stderr=subprocess.DEVNULL, check=False).returncode != 0:
        return "no network namespace can be made"
    return None


# ---- frames ----

def sum_words(data):
    """Returns the sum of the 16-bit words in memory (RFC 1071), which is not folded."""
    data += b"\0" * (len(data) % 2)
    return sum(struct.unpack(f"={len(data) // 2}H", data))


def request(interface, first_source, sources, to_mac, from_mac):
    """Returns the value of table_request for requests of `sources` addresses from first_source (a number) on. The interface is a
    number; 0: the frames are made and dropped."""
    server, udp_bytes = socket.inet_aton(SERVER), 8 + len(PAYLOAD)
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + udp_bytes, 0, 0x4000, 64, socket.IPPROTO_UDP, 0, bytes(4), server)
    udp = struct.pack("!HHHH", SOURCE_PORT, PORT, udp_bytes, 0) + PAYLOAD
    pseudo = server + struct.pack("!HH", socket.IPPROTO_UDP, udp_bytes)
    frame = to_mac + from_mac + b"\x08\x00" + ip + udp
    return REQUEST.pack(interface, first_source, sources, 0, sum_words(ip), sum_words(pseudo + udp), frame)


def _switches():
    """Returns how often the scheduler has put another thread in the place of this one."""
    used = resource.getrusage(resource.RUSAGE_THREAD)
    return used.ru_nvcsw + used.ru_nivcsw


def mean_time(bursts):
    """Returns the CPU time of a request, from the (requests, CPU time, whether it was interrupted) of each burst. If a thread is
    interrupted, the kernel may do a part of its work elsewhere, or other work in its time: such bursts are left out, if there are
    others."""
    calm = [burst for burst in bursts if not burst[2]] or bursts
    return sum(burst[1] for burst in calm) / sum(burst[0] for burst in calm)


# ---- namespaces ----

class Namespace:
    """A network namespace, which ends with the process that holds it, and a thread in it on the sender's processor."""

    def __init__(self, bench):
        self.bench = bench
        self.holder = Process(bench, ["sh", "-c", "echo ready && read end"], wrap=("unshare", "--net"))
        try:
            self.holder.line()
        except BaseException:
            self.holder.end()
            raise
        self.pid = self.holder.pid
        self.thread = concurrent.futures.ThreadPoolExecutor(1, initializer=self._enter)

    def _enter(self):
        os.sched_setaffinity(0, {int(self.bench.sender_cpu)})
        file = os.open(f"/proc/{self.pid}/ns/net", os.O_RDONLY)
        try:
            if libc.setns(file, CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")
        finally:
            os.close(file)

    def call(self, function, *arguments):
        """Calls a function in the namespace. Returns its result."""
        return self.thread.submit(function, *arguments).result()

    def run(self, words):
        return run(self.bench, words.split(), namespace=self.pid)[0]

    def mac(self):
        """Returns the link address of eth0. (/sys shows the interfaces of the host.)"""
        return json.loads(self.run("ip -json link show dev eth0"))[0]["address"]

    def close(self):
        self.thread.shutdown()
        self.holder.end()


class Sender:
    """The kernel's sender in a namespace, by its interface eth0, and the receiver of the replies there."""

    def __init__(self, sections, namespace, to_mac, from_mac):
        self.namespace, self.macs, self.ended = namespace, (to_mac, from_mac), threading.Event()
        with contextlib.ExitStack() as undo:
            self.requests = Table(MAP_TYPE_ARRAY, REQUEST.size)
            undo.callback(self.requests.close)
            self.replies = Table(MAP_TYPE_PERCPU_ARRAY, 8)
            undo.callback(self.replies.close)
            tables = {"TABLE_REQUEST": self.requests, "TABLE_REPLIES": self.replies}
            self.program = load_section(sections, "send", tables)
            undo.callback(os.close, self.program)
            self.sections, self.sink = sections, load_section(sections, "sink", tables)
            undo.callback(os.close, self.sink)
            self.link = namespace.call(attach, self.sink, "eth0")
            undo.callback(os.close, self.link)
            # Where a program is attached nowhere, each of its runs begins and ends with a grace period of the kernel, in which it
            # enters the kernel's list of running programs and leaves it. So it is attached to an interface without traffic.
            namespace.run("ip link add unused type veth peer name unused1")
            undo.callback(os.close, namespace.call(attach, self.program, "unused"))
            self.interface = namespace.call(socket.if_nametoindex, "eth0")
            self.undo = undo.pop_all()

    def aim(self, first_source, sources, sends=True):
        """Sets the sources that take turns from now on, and whether frames are sent or dropped when they are made."""
        self.requests.write(request(self.interface if sends else 0, first_source, sources, *self.macs))

    @contextlib.contextmanager
    def tally(self, sources):
        """Counts replies by source until the context ends. Yields a function that returns how many have come to each of so many sources
        from the first one on."""
        with contextlib.closing(Tally(sources + 1)) as table:
            program = load_section(self.sections, "tally", {"TABLE_TALLY": table})
            self._receive_by(program)
            try:
                yield lambda: table.read()[1:]
            finally:
                self._receive_by(self.sink)
                os.close(program)

    def _receive_by(self, program):
        bpf(LINK_UPDATE, struct.pack("=IIII", self.link, program, 0, 0))

    def count_replies(self):
        """Returns how many replies were received; those that were counted by source are not among them."""
        return sum(struct.unpack(f"={len(self.replies.value) // 8}Q", self.replies.read()))

    def _send(self, count):
        """Sends requests from the thread that calls it. Returns (its CPU time in ns, whether it was interrupted by other threads). The
        time has everything that the kernel does with the frames up to the end of this call of bpf(2): on the way of an answer in the
        kernel all of it, unless another thread was scheduled meanwhile."""
        frame = ctypes.create_string_buffer(FRAME_BYTES)
        attributes = struct.pack("=IIIIQQIIIIQQIII", self.program, 0, FRAME_BYTES, 0, ctypes.addressof(frame), 0, count, 0, 0, 0, 0, 0,
                                 TEST_XDP_LIVE_FRAMES, 0, 0)
        switches, before = _switches(), time.thread_time_ns()
        bpf(PROG_TEST_RUN, attributes)
        taken = time.thread_time_ns() - before
        return taken, _switches() != switches

    def _await_replies(self, count):
        deadline = time.monotonic() + REPLIES_S
        while (missing := count - self.count_replies()) > 0:
            if self.ended.is_set() or time.monotonic() > deadline:
                raise MeasurementError(f"{missing} requests of the kernel's sender were not answered")
            time.sleep(50e-6)

    def _ask(self, count, burst, answered):
        bursts, replies = [], self.count_replies()
        for first in range(0, count, burst):
            size = min(burst, count - first)
            taken, interrupted = self._send(size)
            bursts.append((size, taken, interrupted))
            if answered:
                replies += size
                self._await_replies(replies)
        return mean_time(bursts)

    def ask(self, count, burst, answered=True):
        """Sends requests; if they are answered, a burst only when the last one was. Returns the CPU time in ns that the sender took for
        each, with what its receiver does in the kernel at once."""
        return self.namespace.call(self._ask, count, burst, answered)

    def _flood(self, burst, stopped):
        sent, began = 0, time.monotonic()
        while not stopped.is_set() and not self.ended.is_set():
            self._send(burst)
            sent += burst
        return sent / (time.monotonic() - began)

    @contextlib.contextmanager
    def flood(self, burst):
        """Sends requests as fast as it can until the context ends. Yields a list, which then has their rate a second."""
        stopped, rates = threading.Event(), []
        future = self.namespace.thread.submit(self._flood, burst, stopped)
        try:
            yield rates
        finally:
            stopped.set()
        rates.append(future.result())

    def close(self):
        self.ended.set()
        self.undo.close()


class Pair:
    """A namespace of the server and one of its clients, with eth0 in each, and the kernel's sender at the clients' end. `action` is what
    a program at the server's end does with each frame; None: the server attaches its own."""

    def __init__(self, bench, action=None):
        with contextlib.ExitStack() as undo:
            self.server, self.clients = (undo.enter_context(contextlib.closing(Namespace(bench))) for _ in range(2))
            # The queue of a veth holds 256 frames, and is emptied by the processor that has put the first into it: as long as that is
            # the sender's, between two batches. The frames of IPv6 itself come from any.
            for namespace in (self.server, self.clients):
                namespace.run("sysctl -qw net.ipv6.conf.default.disable_ipv6=1")
            self.server.run(f"ip link add eth0 type veth peer name eth0 netns {self.clients.pid}")
            for namespace, address in ((self.server, SERVER), (self.clients, CLIENTS)):
                namespace.run(f"ip address add {address}/24 dev eth0")
                namespace.run("ip link set eth0 up")
            server_mac, clients_mac = self.server.mac(), self.clients.mac()
            self.server.run(f"ip neighbour add {CLIENTS} lladdr {clients_mac} dev eth0 nud permanent")
            self.server.run(f"ip route add {SOURCES} via {CLIENTS}")
            if action is not None:
                undo.callback(os.close, self.server.call(attach_constant, action, "eth0"))
            self.sender = undo.enter_context(contextlib.closing(Sender(
                compile_programs(bench), self.clients, *(bytes.fromhex(mac.replace(":", "")) for mac in (server_mac, clients_mac)))))
            self.undo = undo.pop_all()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.undo.close()
