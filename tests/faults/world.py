"""What a scenario runs in: namespaces of its own, the programs, and clients of the server in Python."""

import ctypes
import fcntl
import mmap
import os
import pty
import select
import signal
import socket
import struct
import subprocess
import termios
import time

FOLDER = os.path.dirname(os.path.abspath(__file__))
CLONE_NEWNS, CLONE_NEWNET = 0x20000, 0x40000000
MS_BIND, MS_MOVE, MS_REC, MS_PRIVATE = 4096, 8192, 16384, 1 << 18
libc = ctypes.CDLL(None, use_errno=True)

# Those whose action a program may have inherited, and that the scenarios send.
USUAL_SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGTSTP, signal.SIGPIPE)

# The layout of struct counts in inject.c.
PLANS_MAX, SITES_MAX, NAMES_BYTES = 2, 4096, 1024
COUNTS_BYTES = 4 * (PLANS_MAX + 2 + SITES_MAX) + NAMES_BYTES


def mount(source, target, kind, flags):
    if libc.mount(source.encode(), target.encode(), kind.encode() if kind else None, flags, None) != 0:
        raise OSError(ctypes.get_errno(), f"mount {target}: {os.strerror(ctypes.get_errno())}")


def enter_namespaces(*folders):
    """Gives this process a network, /run, /tmp and /dev of its own, which end with it. Needs root. The folders stay visible, also
    those in /tmp."""
    if libc.unshare(CLONE_NEWNET | CLONE_NEWNS) != 0:
        raise OSError(ctypes.get_errno(), "network and mount namespaces: " + os.strerror(ctypes.get_errno()))
    mount("none", "/", None, MS_REC | MS_PRIVATE)
    opened = {folder: os.open(folder, os.O_PATH | os.O_DIRECTORY) for folder in (FOLDER, *map(os.path.abspath, folders))}
    mount("tmpfs", "/run", "tmpfs", 0)
    mount("tmpfs", "/tmp", "tmpfs", 0)
    for folder, descriptor in opened.items():
        if not os.path.isdir(folder):
            os.makedirs(folder, mode=0o755)
            mount(f"/proc/self/fd/{descriptor}", folder, None, MS_BIND)
        os.close(descriptor)
    devices = "/tmp/dev"
    os.mkdir(devices)
    mount("tmpfs", devices, "tmpfs", 0)
    for name in ("null", "zero", "full", "random", "urandom", "tty", "ptmx"):
        status = os.stat("/dev/" + name)
        os.mknod(os.path.join(devices, name), status.st_mode, status.st_rdev)
        os.chmod(os.path.join(devices, name), 0o666)
    os.mkdir(os.path.join(devices, "pts"))
    mount("/dev/pts", os.path.join(devices, "pts"), None, MS_BIND | MS_REC)
    os.symlink("/proc/self/fd", os.path.join(devices, "fd"))
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        os.symlink(f"/proc/self/fd/{number}", os.path.join(devices, name))
    mount(devices, "/dev", None, MS_MOVE)
    make_network()


def make_network():
    ip("link set lo up", "link set lo multicast on", "route add 239.0.0.0/8 dev lo", *INTERFACE)


def renew_network_if_used():
    """A connection that closed without SO_REUSEADDR, by a fault of setsockopt, holds its port for a minute: then this process
    gets another network."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", 3001))
            return
        except OSError:
            pass
    if libc.unshare(CLONE_NEWNET) == 0:
        make_network()


# The interface to other hosts, which do not exist; more networks than addresses.
INTERFACE = ("link add lan type veth peer name far", "link set lan up", "link set far up", "addr add 10.9.0.1/24 dev lan",
             "addr add fd09::1/64 dev lan nodad", "route add 10.10.0.0/16 via 10.9.0.7",
             *(f"route add 10.66.{i}.0/24 dev lan" for i in range(20)))


def ip(*commands):
    subprocess.run(["ip", "-batch", "-"], input="\n".join(commands) + "\n", text=True, check=True, capture_output=True)


def refusal():
    """Why this process cannot enter its namespaces, as a text; empty if it can. Tries it in another process."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            enter_namespaces()
        except (OSError, subprocess.SubprocessError) as error:
            os.write(writer, (str(error) + " " + (getattr(error, "stderr", None) or "")).strip().encode())
        os._exit(0)
    os.close(writer)
    os.waitpid(pid, 0)
    with open(reader, encoding="utf-8", errors="replace") as file:
        return file.read()


def end_with_parent():
    """The kernel ends this process when the process that started it ends, also by kill -9."""
    libc.prctl(1, signal.SIGKILL) # PR_SET_PDEATHSIG


def adopt_orphans():
    """Processes whose parent has ended become children of this process, so that it can wait for them."""
    libc.prctl(36, 1) # PR_SET_CHILD_SUBREAPER


def end_group(leader):
    """Kills the processes of the group that a program has left, such as the one that has taken over from it in an upgrade, and waits for
    the end of each: only then are its sockets closed. Needs adopt_orphans."""
    try:
        while True:
            if os.waitpid(-leader, os.WNOHANG)[0] == 0: # there is one, and it runs
                os.killpg(leader, signal.SIGKILL)
                os.waitpid(-leader, 0)
    except ChildProcessError: # there is none
        pass


class Counts:
    """The counters that the instrumented program shares with the runner."""

    def __init__(self, path):
        with open(path, "wb") as file:
            file.truncate(COUNTS_BYTES)
        os.chmod(path, 0o666) # for programs of other users
        with open(path, "r+b") as file:
            self.memory = mmap.mmap(file.fileno(), COUNTS_BYTES)

    def read(self):
        numbers = struct.unpack_from(f"{PLANS_MAX + 2 + SITES_MAX}I", self.memory)
        names = self.memory[-NAMES_BYTES:].split(b"\0")[0].decode(errors="replace")
        return {"injected": numbers[:PLANS_MAX], "left_open": names, "ended": bool(numbers[PLANS_MAX + 1]),
                "visits": {i: n for i, n in enumerate(numbers[PLANS_MAX + 2:]) if n}}


LISTEN_FDS_START, HIGH_DESCRIPTOR = 3, 200 # sd_listen_fds(3); a number that no descriptor of a scenario has
KILL_S = 10 # from SIGKILL to the end of the process, on a busy host


class Program:
    """A program that runs, its output, and what it used. It starts with the default actions of all signals but those ignored, also
    if the runner was started in the background of a shell, which ignores SIGINT."""

    def __init__(self, argv, environment, folder, terminal=False, stdin=None, ids=None, errors_too=False, ignored=(),
                 without_proc=False, passed=()):
        self.name, self.output, self.errors, self.status, self.cpu_s, self.killed = os.path.basename(argv[0]), b"", b"", None, 0.0, False
        self.screen, self.readers = None, {}

        copies = [fcntl.fcntl(one.fileno(), fcntl.F_DUPFD_CLOEXEC, HIGH_DESCRIPTOR) for one in passed]
        if passed: # by a shell, since LISTEN_PID is the number of the process
            argv = ["/bin/sh", "-c", f'LISTEN_FDS={len(passed)} LISTEN_PID=$$ exec "$0" "$@"', *argv]

        def prepare():
            end_with_parent()
            for i, copy in enumerate(copies):
                os.dup2(copy, LISTEN_FDS_START + i)
            for number in USUAL_SIGNALS:
                signal.signal(number, signal.SIG_IGN if number in ignored else signal.SIG_DFL)
            if without_proc: # as in a chroot: no path leads to a descriptor
                mount("tmpfs", "/proc/self/fd", "tmpfs", 0)
            if terminal:
                fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        if terminal:
            self.screen, tty = pty.openpty()
            self.readers = {self.screen: "output"}
            self.resize(80)
            out_read, out_write = None, tty
            stdin = tty
        else:
            out_read, out_write = os.pipe()
        error_read, error_write = os.pipe()
        if errors_too: # standard error is the terminal, too
            os.dup2(tty, error_write)
        self.process = subprocess.Popen(argv, env=environment, cwd=folder, stdin=stdin if stdin is not None else subprocess.PIPE,
                                        stdout=out_write, stderr=error_write, start_new_session=True, preexec_fn=prepare,
                                        pass_fds=range(LISTEN_FDS_START, LISTEN_FDS_START + len(passed)), **(ids or {}))
        for copy in copies:
            os.close(copy)
        self.end = os.pidfd_open(self.process.pid) # readable when the process has ended
        os.close(out_write)
        os.close(error_write)
        self.readers = {error_read: "errors", (self.screen if terminal else out_read): "output"}
        for fd in self.readers:
            os.set_blocking(fd, False)

    def resize(self, columns):
        """Does nothing when the program has ended."""
        if self.screen in self.readers:
            fcntl.ioctl(self.screen, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    def read(self, timeout_s):
        """Reads what is there, or waits for it or for the end of the program. Returns whether there was something."""
        end = [] if self.status is not None else [self.end]
        ready = select.select([*self.readers, *end], [], [], timeout_s)[0]
        ready = [fd for fd in ready if fd != self.end]
        for fd in ready:
            try:
                data = os.read(fd, 65536)
            except BlockingIOError:
                continue
            except OSError:
                data = b""
            if data:
                setattr(self, self.readers[fd], getattr(self, self.readers[fd]) + data)
            else:
                del self.readers[fd]
                os.close(fd)
        return bool(ready)

    def ended(self):
        if self.status is None:
            pid, status, usage = os.wait4(self.process.pid, os.WNOHANG)
            if pid:
                os.close(self.end)
                self.status = os.waitstatus_to_exitcode(status)
                self.process.returncode = self.status
                self.cpu_s = usage.ru_utime + usage.ru_stime
        return self.status is not None

    def wait_for(self, text, timeout_s, where="output", since=0):
        """Waits until the program has written text, after that many bytes. Returns whether it has."""
        end = time.monotonic() + timeout_s
        while text not in getattr(self, where)[since:]:
            left = end - time.monotonic()
            if left <= 0:
                return False
            if not self.read(left) and self.ended():
                while self.readers and self.read(0): # what it wrote before its end
                    pass
                return text in getattr(self, where)[since:]
        return True

    def write(self, data):
        try:
            os.write(self.screen if self.screen is not None else self.process.stdin.fileno(), data)
        except (OSError, ValueError):
            pass # the program has ended

    def close_input(self):
        if self.process.stdin:
            try:
                self.process.stdin.close()
            except OSError:
                pass

    def signal(self, number):
        if not self.ended():
            self.process.send_signal(number)

    def read_until_end(self, timeout_s):
        """Returns whether the program has ended in that time."""
        end = time.monotonic() + timeout_s
        while not self.ended() and time.monotonic() < end:
            self.read(max(0, end - time.monotonic()))
        return self.ended()

    def wait(self, timeout_s):
        """Waits for the end, and kills the program after the time: that is a hang. Returns whether it ended by itself."""
        by_itself = self.read_until_end(timeout_s)
        if not by_itself:
            self.killed = True
            cpu_s = cpu_of(self.process.pid)
            self.process.kill()
            if not self.read_until_end(KILL_S):
                raise RuntimeError(f"{self.name} has not ended {KILL_S} s after SIGKILL")
            self.cpu_s = cpu_s
        while self.readers and self.read(0):
            pass
        for fd in self.readers:
            os.close(fd)
        self.readers = {}
        self.close_input()
        if self.screen is not None:
            self.screen = None
        return by_itself


def cpu_of(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except OSError:
        return 0.0


# ---- Clients of the server ----

def connect_udp(address):
    client = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET, socket.SOCK_DGRAM)
    client.connect(address)
    client.setblocking(False)
    return client


def connect_stream(address, buffer_bytes=None):
    client = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET, socket.SOCK_STREAM)
    if buffer_bytes:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
    client.settimeout(1)
    try:
        client.connect(address)
    except OSError:
        client.close()
        return None
    client.setblocking(False)
    return client


def receive(client, timeout_s):
    """The next bytes; none at the end, also by a reset; None: nothing in time."""
    if client is None or not select.select([client], [], [], timeout_s)[0]:
        return None
    try:
        return client.recv(65536)
    except OSError:
        return b"" if client.type == socket.SOCK_STREAM else None


def command(path, line, timeout_s=3.0):
    """A command to the control socket: its answer as a list of lines; empty if the connection was closed or refused, which the
    operator sees; None if there was no answer in time."""
    session = connect_stream(path)
    if session is None:
        return []
    answer, end = b"", time.monotonic() + timeout_s
    try:
        session.send(line.encode() + b"\n")
        while not answer.endswith(b"\n.\n"):
            data = receive(session, max(0, end - time.monotonic()))
            if not data:
                return [] if data == b"" else None
            answer += data
        return answer.decode(errors="replace").splitlines()[:-1]
    except OSError:
        return []
    finally:
        session.close()


def numbers(answer):
    """The values of an answer that are numbers, by their keys."""
    pairs = [line.split(" ", 1) for line in answer or [] if " " in line]
    return {key: int(value) for key, value in pairs if value.isdigit()}
