#!/usr/bin/env python3
"""A classic multicast chat: sends what is typed to the group, and prints what the group and others send.
Usage: multicast_chat.py GROUP PORT"""

import select
import socket
import struct
import sys

group, port = sys.argv[1], int(sys.argv[2])

chat = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_UDP)
chat.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
chat.bind(("", port))
membership = struct.pack("4sl", socket.inet_aton(group), socket.INADDR_ANY)
chat.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
while True:
    ready, _, _ = select.select([sys.stdin, chat], [], [])
    if chat in ready:
        message, sender = chat.recvfrom(1024)
        print(f"{sender[0]}: {message.decode()}", flush=True)
    if sys.stdin in ready:
        line = sys.stdin.readline()
        if not line:
            break
        chat.sendto(line.rstrip("\n").encode(), (group, port))
chat.close()
