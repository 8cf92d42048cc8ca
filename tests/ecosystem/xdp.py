"""XDP programs by calls of bpf(2), without a library, and the checksum of the frames that they see.

As a command, `xdp.py INTERFACE`, it attaches a program there that passes every frame, prints "attached", and waits until it is killed.
"""

import ctypes
import os
import platform
import signal
import socket
import struct
import sys

from network import libc

# linux/bpf.h and linux/if_link.h
SYS_BPF = {"x86_64": 321, "aarch64": 280, "s390x": 351, "riscv64": 280}.get(platform.machine()) # None: it is not known here
PROG_LOAD, LINK_CREATE = 5, 28
PROG_TYPE_XDP, ATTACH_XDP, XDP_FLAGS_DRV_MODE = 6, 37, 4
XDP_DROP, XDP_PASS = 1, 2
ATTRIBUTES_BYTES = 128 # more than any command here has


def bpf(command, attributes):
    """Calls bpf(2). Returns what it returns, or raises OSError."""
    buffer = ctypes.create_string_buffer(attributes, ATTRIBUTES_BYTES)
    result = libc.syscall(SYS_BPF, command, buffer, ATTRIBUTES_BYTES)
    if result < 0:
        raise OSError(ctypes.get_errno(), f"bpf command {command}")
    return result


def load(instructions):
    """Loads an XDP program. Returns its descriptor."""
    code, licence = ctypes.create_string_buffer(instructions, len(instructions)), ctypes.create_string_buffer(b"GPL")
    return bpf(PROG_LOAD, struct.pack("=IIQQ", PROG_TYPE_XDP, len(instructions) // 8, ctypes.addressof(code), ctypes.addressof(licence)))


def load_constant(action):
    """Loads an XDP program that does the same with each frame."""
    return load(struct.pack("=BBhiBBhi", 0xB7, 0, 0, action, 0x95, 0, 0, 0)) # r0 = action; exit


def attach(program, interface):
    """Attaches a program in native mode. Returns the link, with which it ends."""
    return bpf(LINK_CREATE, struct.pack("=IIII", program, socket.if_nametoindex(interface), ATTACH_XDP, XDP_FLAGS_DRV_MODE))


def attach_constant(action, interface):
    """Attaches a program that does the same with each frame. Returns the link."""
    program = load_constant(action)
    try:
        return attach(program, interface)
    finally:
        os.close(program)


def checksum(data):
    """The checksum of RFC 1071, in the order of the network; 0 for data with a right one in it."""
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


if __name__ == "__main__":
    LINK = attach_constant(XDP_PASS, sys.argv[1])
    print("attached", flush=True)
    signal.pause()
