"""What a cart makes of an unwell shop."""

from __future__ import annotations

import pytest

from plugins.conformance import samples
from plugins.conformance.capability import needs
from plugins.conformance.cart_under_test import CartUnderTest
from plugins.conformance.faults import SPOKEN_NAME, SPOKEN_STREET
from plugins.conformance.rig import Rig
from plugins.conformance.trials import TRIED, complaint, strikes


class FaultChecks(CartUnderTest):
    """Each request of each hook meets each fault, one at a time."""

    @pytest.mark.parametrize("hook", TRIED)
    def test_an_unwell_shop_is_told_by_the_right_error(self, rig: Rig, hook: str) -> None:
        needs(rig.hooks, hook)
        wrong = [f"{struck}: it {words}" for struck in strikes(rig, hook) if (words := complaint(rig, struck))]
        assert not wrong, "\n".join(wrong)

    @pytest.mark.parametrize("hook", TRIED)
    def test_nothing_secret_or_personal_is_logged_or_said(self, rig: Rig, hook: str) -> None:
        needs(rig.hooks, hook)
        rig.orders(1)
        for _ in strikes(rig, hook):
            pass
        found = samples.leaks(rig.hooks.heard, [*rig.secrets(), SPOKEN_NAME, SPOKEN_STREET])
        assert not found, (
            f"a log line, a print or a sentence holds a key, a token or a buyer's data; {len(found)} do, the first "
            f"is:\n{found[0]}"
        )
