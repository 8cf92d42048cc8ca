"""Frames that a socket cannot send: damaged and fragmented datagrams, and such with the source of another host."""

import socket
import struct

from offload_network import ADDRESSES, PORT, run, sockets_in
from xdp import checksum


def link_address(namespace):
    return bytes.fromhex(run("cat", "/sys/class/net/eth0/address", namespace=namespace).strip().replace(":", ""))


class Frames:
    """Ethernet frames of IPv4 from the clients' end of eth0, of which one thing may be wrong. `addresses` are those of the server and of the
    source."""

    def __init__(self, addresses=ADDRESSES[socket.AF_INET]):
        def open_socket():
            raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
            raw.bind(("eth0", 0))
            return [raw]

        self.socket, self.number = sockets_in("clients", open_socket)[0], 0
        self.local, self.source = (socket.inet_aton(address) for address in addresses)
        self.server, self.own = link_address("server"), link_address("clients")

    def send(self, port, payload, fault=None):
        self.number += 1 # no two fragments make a datagram
        self.socket.send(self.frame(port, payload, fault))
        if fault in ("more fragments", "last fragment"):
            # One that overlaps it has the kernel forget it, or it could become a part of a client's datagram with the same number.
            self.socket.send(self.frame(port, payload + bytes(8), fault))

    def frame(self, port, payload, fault):
        udp_length = 8 + len(payload) + (4 if fault == "udp longer" else 0)
        udp = struct.pack("!HHHH", port, PORT, udp_length, 0) + payload
        pseudo = self.source + self.local + struct.pack("!BBH", 0, 17, udp_length)
        value = checksum(pseudo + udp) or 0xFFFF
        value = {"no checksum": 0, "bad checksum": value ^ 0x0101}.get(fault, value)
        udp = udp[:6] + struct.pack("!H", value) + udp[8:]
        options = b"\x01\x01\x01\x00" if fault == "options" else b""
        flags = {"more fragments": 0x2000, "last fragment": 0x0004}.get(fault, 0x4000)
        header = struct.pack("!BBHHHBBH4s4s", 0x45 + len(options) // 4, 0, 20 + len(options) + len(udp) + (8 if fault == "ip longer" else 0),
                             self.number & 0xFFFF, flags, 64, 6 if fault == "tcp" else 17, 0, self.source, self.local) + options
        value = checksum(header) ^ (1 if fault == "bad header checksum" else 0)
        header = header[:10] + struct.pack("!H", value) + header[12:]
        kind = b"\x81\x00\x00\x05\x08\x00" if fault == "vlan" else b"\x08\x00"
        return self.server + self.own + kind + header + udp + (b"\xAA" * 9 if fault == "trailer" else b"")

    def close(self):
        self.socket.close()
