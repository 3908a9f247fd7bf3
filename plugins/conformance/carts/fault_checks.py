"""Checks of a cart whose shop fails or refuses it."""

from __future__ import annotations

import pytest

from plugins.conformance.carts.capability import needs
from plugins.conformance.carts.cart_under_test import CartUnderTest
from plugins.conformance.carts.harness import Harness
from plugins.conformance.carts.sample_calls import TRIED, complaint, strikes
from plugins.conformance.faults import Fault

_REFUSALS = [fault for fault in Fault if fault.refuses]
_TROUBLES = [fault for fault in Fault if not fault.refuses]


class FaultChecks(CartUnderTest):
    """Each request of each hook meets each fault, one at a time."""

    @pytest.mark.parametrize("hook", TRIED)
    def test_an_unwell_shop_is_told_by_the_right_error(self, harness: Harness, hook: str) -> None:
        _check(harness, hook, _TROUBLES)

    @pytest.mark.parametrize("hook", TRIED)
    def test_a_refusal_is_told_by_an_error_of_the_contract(self, harness: Harness, hook: str) -> None:
        _check(harness, hook, _REFUSALS)


def _check(harness: Harness, hook: str, faults: list[Fault]) -> None:
    needs(harness.hooks, hook)
    wrong = [
        f"{struck}: it {problem}"
        for struck in strikes(harness, hook, faults)
        if (problem := complaint(harness, struck))
    ]
    assert not wrong, "\n".join(wrong)
