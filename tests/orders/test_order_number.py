"""Our number of an order: readable, its own, and no longer than the warehouse and the cart can carry."""

from __future__ import annotations

import pytest

from is2_core.accounts.models import Integration
from is2_core.orders.importing.staged_rows import order_number
from plugins.amazon.feeds.acknowledgement_feed import refuse
from plugins.interface import AcknowledgedLine, Acknowledgement
from plugins.warehouse import MAX_NUMBER

SELLING = Integration(id=12, cart="amazon")


@pytest.mark.parametrize("length", [1, 19, 44, 45, 46, 50, 64, 500])
def test_field_F5_a_number_is_never_longer_than_amazon_takes(length: int) -> None:
    number = order_number(SELLING, "7" * length)
    assert len(number) <= MAX_NUMBER == 50
    line = AcknowledgedLine("1", "1")
    assert refuse(Acknowledgement("key", "701-0000000-0000001", number, "SITE", (line,))) is None
    assert refuse(Acknowledgement("key", "701-0000000-0000001", number.ljust(51, "7"), "SITE", (line,))) is not None


def test_long_ids_that_begin_alike_have_numbers_of_their_own() -> None:
    first, second = (order_number(SELLING, "7" * 60 + end) for end in "ab")
    assert first != second == order_number(SELLING, "7" * 60 + "b")
