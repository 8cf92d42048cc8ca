"""Tests of the kernel's sender: its frames, and what is made of its times. Those with a program in the kernel need root and clang."""

import contextlib
import ctypes
import os
import socket
import struct
import unittest

import live_frames
from environment import SMOKE, Bench
from network import libc
from processes import MeasurementError
from xdp import ATTRIBUTES_BYTES, SYS_BPF, XDP_DROP, checksum

MACS = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")
SOURCE = int.from_bytes(socket.inet_aton("10.1.2.3"), "big")
IP, UDP, PAYLOAD = 14, 34, 42


class Times(unittest.TestCase):
    def test_interrupted_bursts_are_left_out(self):
        self.assertEqual(live_frames.mean_time([(10, 1000, False), (10, 9000, True), (5, 800, False)]), 120)

    def test_only_interrupted_bursts_are_better_than_none(self):
        self.assertEqual(live_frames.mean_time([(10, 1000, True), (10, 3000, True)]), 200)


@unittest.skipIf(live_frames.why_not(), live_frames.why_not())
class Program(unittest.TestCase):
    def setUp(self):
        self.undo = contextlib.ExitStack()
        self.addCleanup(self.undo.close)
        self.bench = self.undo.enter_context(Bench("", 1, SMOKE))

    def run_once(self, program):
        """Runs it once with frames that go nowhere. Returns (its result, the frame)."""
        before, after = ctypes.create_string_buffer(b"\xff" * 60, 60), ctypes.create_string_buffer(60)
        attributes = ctypes.create_string_buffer(struct.pack(
            "=IIIIQQI", program, 0, 60, 60, ctypes.addressof(before), ctypes.addressof(after), 1), ATTRIBUTES_BYTES)
        self.assertEqual(libc.syscall(SYS_BPF, live_frames.PROG_TEST_RUN, attributes, len(attributes)), 0)
        return struct.unpack_from("=I", attributes, 4)[0], after.raw

    def test_sources_take_turns_and_checksums_are_right(self):
        table = self.undo.enter_context(contextlib.closing(live_frames.Table(live_frames.MAP_TYPE_ARRAY, live_frames.REQUEST.size)))
        program = live_frames.load_section(live_frames.compile_programs(self.bench), "send", {"TABLE_REQUEST": table})
        self.undo.callback(os.close, program)
        table.write(live_frames.request(0, SOURCE, 3, *MACS))
        sources = []
        for _ in range(4):
            result, frame = self.run_once(program)
            self.assertEqual(result, XDP_DROP)
            self.assertEqual(frame[:IP], MACS[0] + MACS[1] + b"\x08\x00")
            length, = struct.unpack_from("!H", frame, UDP + 4)
            self.assertEqual(frame[PAYLOAD:UDP + length], live_frames.PAYLOAD)
            self.assertEqual(frame[UDP + length:], bytes(60 - UDP - length))
            self.assertEqual(checksum(frame[IP:UDP]), 0)
            self.assertEqual(checksum(frame[IP + 12:UDP] + struct.pack("!HH", 17, length) + frame[UDP:UDP + length]), 0)
            self.assertEqual(socket.inet_ntoa(frame[IP + 16:IP + 20]), live_frames.SERVER)
            self.assertEqual(struct.unpack_from("!HH", frame, UDP), (live_frames.SOURCE_PORT, live_frames.PORT))
            sources.append(socket.inet_ntoa(frame[IP + 12:IP + 16]))
        self.assertEqual(sources, ["10.1.2.3", "10.1.2.4", "10.1.2.5", "10.1.2.3"])

    def test_requests_that_nothing_answers_are_an_error(self):
        pair = self.undo.enter_context(live_frames.Pair(self.bench, XDP_DROP))
        pair.sender.aim(SOURCE, 3)
        self.assertGreater(pair.sender.ask(100, 10, answered=False), 0)
        pair.sender.ended.set()
        with self.assertRaises(MeasurementError):
            pair.sender.ask(100, 10)

    def test_nothing_is_left_of_a_pair(self):
        with live_frames.Pair(self.bench) as pair:
            holders = [pair.server.pid, pair.clients.pid]
        for pid in holders:
            self.assertFalse(os.path.exists(f"/proc/{pid}"))


if __name__ == "__main__":
    unittest.main()
