"""Network namespaces with a switch between them, which the test makes and removes."""

import array
import concurrent.futures
import ctypes
import fcntl
import os
import socket
import struct
import subprocess
import time

CLONE_NEWNET = 0x40000000
SIOCETHTOOL, ETHTOOL_STXCSUM = 0x8946, 0x17 # linux/sockios.h, linux/ethtool.h
PREFIX = f"udpsrv-{os.getpid()}-"
DEADLINE_S = 10

libc = ctypes.CDLL(None, use_errno=True)


def run(*words, namespace=None, **options):
    if namespace is not None:
        words = ("ip", "netns", "exec", PREFIX + namespace, *words)
    return subprocess.run(words, check=True, capture_output=True, text=True, **options).stdout


def can_make_namespaces():
    if os.geteuid() != 0:
        return False
    try:
        run("ip", "netns", "add", PREFIX + "try")
        run("ip", "netns", "del", PREFIX + "try")
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def await_ipv6(namespace=None):
    """Waits for the local routes of the IPv6 addresses. The kernel adds them some time after the address and the carrier of its
    interface, and drops what is sent to the address until then."""
    deadline = time.monotonic() + DEADLINE_S
    lines = run("ip", "-6", "-oneline", "address", "show", "scope", "global", namespace=namespace).splitlines()
    missing = {line.split()[3].partition("/")[0] for line in lines} # INDEX: NAME inet6 ADDRESS/BITS
    while missing:
        if time.monotonic() > deadline:
            raise TimeoutError(f"no local route of {', '.join(sorted(missing))}")
        routes = run("ip", "-6", "route", "show", "table", "local", namespace=namespace).splitlines()
        missing -= {route.split()[1] for route in routes} # local ADDRESS dev NAME


class Namespaces:
    """Network namespaces, which end with the context."""

    def __init__(self, names):
        self.names = names
        try:
            for name in self.names:
                run("ip", "netns", "add", PREFIX + name)
        except BaseException:
            self.close()
            raise

    @staticmethod
    def add_address(name, interface, address, *options):
        options = (*options, "nodad") if ":" in address else options
        run("ip", "address", "add", address, "dev", interface, *options, namespace=name)

    def close(self):
        for name in self.names:
            subprocess.run(["ip", "netns", "del", PREFIX + name], stderr=subprocess.DEVNULL, check=False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Network(Namespaces):
    """Hosts, each with an interface eth0, on one switch. `hosts` has the addresses of each, with the length of the prefix."""

    def __init__(self, hosts):
        super().__init__(["switch", *hosts])
        try:
            run("ip", "link", "add", "switch", "up", "type", "bridge", namespace="switch")
            for name, addresses in hosts.items():
                self.add_host(name, addresses)
            for name in hosts:
                await_ipv6(name)
        except BaseException:
            self.close()
            raise

    def add_host(self, name, addresses):
        run("ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", PREFIX + name, namespace="switch")
        run("ip", "link", "set", name, "master", "switch", "up", namespace="switch")
        run("ip", "link", "set", "lo", "up", namespace=name)
        run("ip", "link", "set", "eth0", "up", namespace=name)
        for address in addresses:
            self.add_address(name, "eth0", address)


def complete_checksums(namespace, interface):
    """Has the kernel complete the checksums of what is sent by an interface, as for another host. Otherwise it leaves them to the receiver
    at the other end of a virtual pair."""
    def switch_off():
        value = array.array("I", [ETHTOOL_STXCSUM, 0]) # struct ethtool_value
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
            fcntl.ioctl(any_socket, SIOCETHTOOL, struct.pack("16sP16x", interface.encode(), value.buffer_info()[0])) # struct ifreq

    sockets_in(namespace, switch_off)


def start(namespace, words, **options):
    """Starts a program there. `ip` replaces itself by it, so that its id is the program's."""
    return subprocess.Popen(["ip", "netns", "exec", PREFIX + namespace, *words], **options)


def sockets_in(namespace, open_sockets):
    """Calls the function in a thread in the namespace, where the sockets that it opens stay. Returns or raises what it does."""

    def enter_and_open():
        file = os.open(f"/run/netns/{PREFIX}{namespace}", os.O_RDONLY)
        try:
            if libc.setns(file, CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")
            return open_sockets()
        finally:
            os.close(file)

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        return pool.submit(enter_and_open).result()


def connected_sockets(address, port, count):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    opened = []
    for _ in range(count):
        opened.append(socket.socket(family, socket.SOCK_DGRAM))
        opened[-1].connect((address, port))
    return opened
