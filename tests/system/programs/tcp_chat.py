#!/usr/bin/env python3
"""A classic TCP chat: sends what is typed, without its newline, and prints what recv returns.
Usage: tcp_chat.py HOST PORT [newline], which sends the newline, too"""

import select
import socket
import sys

host, port = sys.argv[1], int(sys.argv[2])
sends_newline = sys.argv[3:] == ["newline"]

chat = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
chat.connect((host, port))
while True:
    ready, _, _ = select.select([sys.stdin, chat], [], [])
    if chat in ready:
        message = chat.recv(1024)
        if not message:
            break
        print(message.decode(), flush=True)
    if sys.stdin in ready:
        line = sys.stdin.readline()
        if not line:
            break
        chat.send(line.encode() if sends_newline else line.rstrip("\n").encode())
chat.close()
