"""Writing to the shop: acknowledgements, stock, packages, and slow work."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from plugins.conformance.carts.capability import needs
from plugins.conformance.carts.cart_under_test import CartUnderTest
from plugins.conformance.carts.harness import Harness
from plugins.conformance.carts.hooks import WRITES
from plugins.conformance.carts.sample_calls import entries_for, submissions
from plugins.conformance.expecting import must_raise
from plugins.conformance.faults import Fault
from plugins.interface import Applied, CartError, Effect, NotRead, Rejected, ShownInventory, Submission

_UNKNOWN_SKU = "KIT-NO-SUCH-SKU"
_UNKNOWN_HANDLE = "this is no handle"


class WriteChecks(CartUnderTest):
    """Every key answered once, and nothing worse for being sent twice."""

    @pytest.mark.parametrize("hook", WRITES)
    def test_a_write_is_applied_with_one_result_for_each_key(self, harness: Harness, hook: str) -> None:
        needs(harness.hooks, hook)
        harness.apply(hook, entries_for(harness, hook), "nothing being wrong with them")

    @pytest.mark.parametrize("hook", WRITES)
    def test_sending_it_again_does_no_harm(self, harness: Harness, hook: str) -> None:
        needs(harness.hooks, hook)
        entries = entries_for(harness, hook)
        results = harness.apply(hook, entries, "the first time")
        harness.apply(hook, [_with_reference(entry, results[entry.key]) for entry in entries], "the second time")

    @pytest.mark.parametrize("hook", WRITES)
    def test_sending_it_again_after_a_lost_answer_does_no_harm(self, harness: Harness, hook: str) -> None:
        needs(harness.hooks, hook)
        entries = entries_for(harness, hook)
        harness.token.get()
        before = len(harness.http.calls)
        harness.write(hook, entries)
        place = next((n for n, call in enumerate(harness.http.calls[before:]) if call.effect is Effect.WRITE), None)
        assert place is not None, f"{hook} changed something at the shop by no call with Effect.WRITE"
        entries = entries_for(harness, hook)
        harness.http.next_answers(*[None] * place, Fault.DROPPED)
        with suppress(CartError):
            harness.write(hook, entries)
        harness.http.clear()
        harness.apply(hook, entries, "sent again after its answer was lost")

    @pytest.mark.parametrize("hook", WRITES)
    def test_one_that_the_shop_refuses_does_not_stop_the_others(self, harness: Harness, hook: str) -> None:
        needs(harness.hooks, hook)
        entries = entries_for(harness, hook)
        bad = _spoilt(entries[0], self.unknown_order)
        results = harness.settle(hook, [bad, *entries[1:]])
        others = {entry.key: results[entry.key] for entry in entries[1:]}
        assert all(isinstance(result, Applied) for result in others.values()), (
            f"{hook}: {bad.key} is about something the shop does not know, and the others suffered: {others}"
        )
        if hook != "push_inventory":
            assert isinstance(results[bad.key], Rejected), (
                f"{hook}: the shop knows no {bad.key}, yet {results[bad.key]}"
            )

    def test_stock_is_set_and_not_added(self, harness: Harness) -> None:
        needs(harness.hooks, "push_inventory")
        needs(harness.hooks, "read_inventory")
        entries = entries_for(harness, "push_inventory")
        for units in (9, 4):
            harness.apply(
                "push_inventory", [replace(entry, available=units) for entry in entries], f"{units} units each"
            )
            shown = {entry.sku: sum(entry.fulfillment_channels.values()) for entry in self._shown(harness)}
            assert shown == dict.fromkeys(self.skus, units), f"{units} units were sent, the shop shows {shown}"

    def test_a_sku_the_shop_does_not_know_is_left_out(self, harness: Harness) -> None:
        needs(harness.hooks, "read_inventory")
        shown = harness.call("read_inventory", skus=[*self.skus, _UNKNOWN_SKU])
        skus = [entry.sku for entry in shown]
        assert _UNKNOWN_SKU not in skus, "an unknown SKU is left out; a level of it would be stock that does not exist"
        assert sorted(skus) == sorted(self.skus), f"asked for {sorted(self.skus)}, read {sorted(skus)}"
        assert all(count >= 0 for entry in shown for count in getattr(entry, "fulfillment_channels", {}).values())

    def test_slow_work_ends_with_a_result_for_each_key(self, harness: Harness) -> None:
        needs(harness.hooks, "poll_submission")
        found = list(submissions(harness))
        assert found, "the cart has poll_submission, and no write of it leaves anything pending"
        for hook, submission in found:
            results = harness.poll(submission, harness.clock.now())
            assert all(isinstance(result, Applied) for result in results.values()), f"{hook}: {results}"

    def test_a_handle_of_nobody_is_no_crash(self, harness: Harness) -> None:
        needs(harness.hooks, "poll_submission")
        with must_raise(CartError, "the handle is none of this cart's"):
            harness.call(
                "poll_submission", submission=Submission(_UNKNOWN_HANDLE, "push_inventory", ("a",), harness.clock.now())
            )

    def _shown(self, harness: Harness) -> list[ShownInventory]:
        shown = harness.call("read_inventory", skus=list(self.skus))
        assert not [entry for entry in shown if isinstance(entry, NotRead)], "read_inventory had the budget to read all"
        return list(shown)


def _with_reference(entry: Any, result: Any) -> Any:
    """The entry as the core sends it the next time: with what the cart called it."""
    if hasattr(entry, "sku"):
        return replace(entry, remote_id=result.cart_ref or entry.remote_id)
    return replace(entry, cart_ref=result.cart_ref) if hasattr(entry, "cart_ref") else entry


def _spoilt(entry: Any, unknown_order: str) -> Any:
    if hasattr(entry, "sku"):
        return replace(entry, sku=_UNKNOWN_SKU, remote_id="")
    return replace(entry, order_id=unknown_order)
