"""Tests of which answers of other services are accepted."""

import struct
import unittest

import peers

ANSWERS = {
    "Knot DNS": b"\x12\x34\x84\x00\x00\x01\x00\x01\x00\x00\x00\x00" + peers.DNS_QUERY[12:]
                + b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x0e\x10\x00\x04" + bytes([192, 0, 2, 1]),
    "memcached (UDP get)": peers.MEMCACHED_GET[:8] + b"VALUE car 0 4\r\naudi\r\nEND\r\n",
    "opentracker (connect)": struct.pack(">IIQ", 0, 0x12345678, 0x1122334455667788),
    "coturn (STUN binding)": b"\x01\x01\x00\x0c" + peers.STUN_BINDING[4:] + b"\x00\x20\x00\x08",
}


class Answers(unittest.TestCase):
    def test_a_correct_answer_is_accepted(self):
        for peer in peers.PEERS:
            with self.subTest(peer.name):
                self.assertTrue(peer.valid(ANSWERS[peer.name]))

    def test_an_echo_is_no_answer(self):
        for peer in peers.PEERS:
            with self.subTest(peer.name):
                self.assertFalse(peer.valid(peer.request))

    def test_a_failure_is_no_answer(self):
        failures = {
            "Knot DNS": b"\x12\x34\x80\x05" + peers.DNS_QUERY[4:],  # REFUSED
            "memcached (UDP get)": peers.MEMCACHED_GET[:8] + b"END\r\n",
            "opentracker (connect)": struct.pack(">II", 3, 0x12345678) + b"error",
            "coturn (STUN binding)": b"\x01\x11\x00\x00" + peers.STUN_BINDING[4:],
        }
        for peer in peers.PEERS:
            with self.subTest(peer.name):
                self.assertFalse(peer.valid(failures[peer.name]))

    def test_requests_have_the_lengths_of_their_protocols(self):
        self.assertEqual(len(peers.DNS_QUERY), 12 + 14 + 4)
        self.assertEqual(len(peers.TRACKER_CONNECT), 16)
        self.assertEqual(len(peers.STUN_BINDING), 20)


if __name__ == "__main__":
    unittest.main()
