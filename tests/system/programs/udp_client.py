#!/usr/bin/env python3
"""A classic UDP client: sends a datagram, and prints the reply. Usage: udp_client.py HOST PORT"""

import socket
import sys

host, port = sys.argv[1], int(sys.argv[2])

client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
client.sendto(b"hello", (host, port))
reply, server = client.recvfrom(1024)
print(reply.decode())
client.close()
