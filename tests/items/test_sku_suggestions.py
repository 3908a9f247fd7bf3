"""Suggestions for SKUs the warehouse does not know."""

from __future__ import annotations

import pytest
from hypothesis import example, given, strategies as st

from is2_core.items.sku_suggestions import KnownSkus

pytestmark = pytest.mark.unit

KNOWN = ("TENT-2P", "LAMP-USB", "STOVE-MINI", "000123", "Mug Blue 12oz", "A1")
SKUS = st.text("AB01-_ ", max_size=8).map(str.strip)


@pytest.mark.parametrize(
    ("sku", "meant", "reason"),
    [
        ("lamp-usb", "LAMP-USB", "upper and lower case"),
        ("123", "000123", "leading zeros"),
        ("0123", "000123", "leading zeros"),
        ("LAMP USB", "LAMP-USB", "spaces and signs"),
        ("LAMP_USB", "LAMP-USB", "spaces and signs"),
        ("mug  blue 12oz", "Mug Blue 12oz", "spaces and signs"),
        ("TENT-2P-FBM", "TENT-2P", "a tag such as"),
        ("FBA_tent-2p", "TENT-2P", "a tag such as"),
        ("STOVE-MINY", "STOVE-MINI", "one character"),
        ("STOVE-MNI", "STOVE-MINI", "one character"),
        ("STOVEE-MINI", "STOVE-MINI", "one character"),
        ("SOTVE-MINI", "STOVE-MINI", "one character"),
    ],
)
def test_it_says_which_and_why(sku: str, meant: str, reason: str) -> None:
    (found,) = KnownSkus(KNOWN).similar(sku)
    assert found.sku == meant
    assert reason in found.reason


@pytest.mark.parametrize("sku", ["TENT-2P", "CANOE", "B1", "-", "", "FBA", "LAMP", "STOVE-MXNY"])
def test_it_is_silent_where_nothing_is_close(sku: str) -> None:
    assert KnownSkus(KNOWN).similar(sku) == ()


def test_the_closest_come_first_and_no_more_than_asked_for() -> None:
    known = ["tent", "TENTS", "te-nt", "TENTE", "ENTT"]
    assert [suggestion.sku for suggestion in KnownSkus(known).similar("TENT")] == ["tent", "te-nt", "TENTE"]
    assert len(KnownSkus(known).similar("TENT", most=10)) == 4
    assert KnownSkus(known).similar("TENT", most=0) == ()


def test_warnings_for_long_tables_are_about_case_and_zeros_only() -> None:
    known = KnownSkus(KNOWN, close_only=True)
    assert [suggestion.sku for suggestion in known.similar("123")] == ["000123"]
    assert [suggestion.sku for suggestion in known.similar("tent-2p")] == ["TENT-2P"]
    assert known.similar("STOVE-MINY") == known.similar("TENT-2P-FBM") == ()


@given(SKUS, st.lists(SKUS, max_size=6))
def test_only_known_skus_are_named_and_never_the_sku_itself(sku: str, known: list[str]) -> None:
    found = [suggestion.sku for suggestion in KnownSkus(known).similar(sku, most=9)]
    assert set(found) <= set(known) - {sku}
    assert len(found) == len(set(found))
    assert found == [] or sku not in known


@example("ABC", "ABCD")
@given(SKUS, SKUS)
def test_likeness_is_mutual(one: str, other: str) -> None:
    assert bool(KnownSkus([other]).similar(one)) == bool(KnownSkus([one]).similar(other))
