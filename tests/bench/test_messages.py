"""Tests how the bench checks what a subscriber has got."""

import unittest

from messages import check_order


def record(client, number):
    return {"address": f"127.0.0.{client}:9", "text": str(number)}


class Order(unittest.TestCase):
    def test_messages_in_each_clients_order_are_right(self):
        records = [record(2, 0), record(3, 1), record(3, 3), record(2, 2), {"lost": 2}, record(2, 6)]
        self.assertEqual(check_order(records, 2), (5, 2, 0))

    def test_an_earlier_message_or_a_second_copy_is_wrong(self):
        self.assertEqual(check_order([record(2, 2), record(2, 0)], 2), (2, 0, 1))
        self.assertEqual(check_order([record(2, 0), record(2, 0)], 2), (2, 0, 1))

    def test_a_message_of_another_clients_turn_is_wrong(self):
        self.assertEqual(check_order([record(2, 0), record(3, 2)], 2), (2, 0, 1))


if __name__ == "__main__":
    unittest.main()
