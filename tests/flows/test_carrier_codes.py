"""The carrier-code table: the plugin's codes, and what an admin set over them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from is2_core.flows import carrier_codes
from is2_core.flows.errors import BadInput, NotFound
from is2_core.platform import Platform
from plugins.interface import CartManifest


@pytest.fixture
def manifest(platform: Platform) -> CartManifest:
    return replace(platform.carts.manifest("amazon"), carrier_codes={"UPS": "UPS", "FedEx": "FedEx", "Post NL": "PNL"})


def code(platform: Platform, manifest: CartManifest, carrier: str) -> str:
    with platform.db.read() as session:
        return carrier_codes.code_for(session, manifest, carrier)


@pytest.mark.parametrize(
    ("carrier", "expected"),
    [("UPS", "UPS"), (" fedex ", "FedEx"), ("POST  NL", "PNL"), ("Pigeon", ""), ("", "")],
)
def test_the_plugins_codes_are_found_whatever_the_spelling(
    platform: Platform, manifest: CartManifest, carrier: str, expected: str
) -> None:
    assert code(platform, manifest, carrier) == expected


def test_an_admins_code_comes_first_until_it_is_taken_back(platform: Platform, manifest: CartManifest) -> None:
    carrier_codes.set_code(platform, cart="amazon", carrier="fedex", code="FEDEX-2")
    carrier_codes.set_code(platform, cart="amazon", carrier=" My   Courier ", code=" MYC ")
    assert code(platform, manifest, "FedEx") == "FEDEX-2"
    assert code(platform, manifest, "my courier") == "MYC"
    carrier_codes.set_code(platform, cart="amazon", carrier="FEDEX", code="FEDEX-3")
    assert code(platform, manifest, "FedEx") == "FEDEX-3"
    for entry in carrier_codes.list_codes(platform, "amazon"):
        if entry.code_id is not None:
            carrier_codes.remove_code(platform, cart="amazon", code_id=entry.code_id)
    assert code(platform, manifest, "FedEx") == "FedEx"
    assert code(platform, manifest, "My Courier") == ""


def test_carts_do_not_share_codes(platform: Platform, manifest: CartManifest) -> None:
    carrier_codes.set_code(platform, cart="tiny", carrier="UPS", code="tiny-ups")
    assert code(platform, manifest, "UPS") == "UPS"
    (entry,) = [entry for entry in carrier_codes.list_codes(platform, "tiny") if entry.carrier == "UPS"]
    assert entry.code_id is not None
    with pytest.raises(NotFound):
        carrier_codes.remove_code(platform, cart="amazon", code_id=entry.code_id)


def test_the_list_shows_both_codes(platform: Platform) -> None:
    key = carrier_codes.carrier_key
    own = dict(platform.carts.manifest("amazon").carrier_codes)
    carrier, plugin_code = next(iter(own.items()))
    carrier_codes.set_code(platform, cart="amazon", carrier=carrier, code="OURS")
    carrier_codes.set_code(platform, cart="amazon", carrier="Aardvark Express", code="AAX")
    entries = {entry.carrier: entry for entry in carrier_codes.list_codes(platform, "amazon")}
    assert {key(name) for name in entries} == {key(name) for name in (*own, "Aardvark Express")}
    assert (entries[carrier].code, entries[carrier].plugin_code) == ("OURS", plugin_code)
    assert (entries["Aardvark Express"].code, entries["Aardvark Express"].plugin_code) == ("AAX", "")
    assert list(entries) == sorted(entries, key=str.casefold)


@pytest.mark.parametrize(
    ("cart", "carrier", "code", "field"),
    [
        ("amazon", " ", "X", "carrier"),
        ("amazon", "x" * 51, "X", "carrier"),
        ("amazon", "UPS", " ", "code"),
        ("amazon", "UPS", "a\tb", "code"),
        ("amazon", "UPS", "x" * 51, "code"),
    ],
)
def test_what_cannot_be_a_code_is_refused_at_its_field(
    platform: Platform, cart: str, carrier: str, code: str, field: str
) -> None:
    before = carrier_codes.list_codes(platform, cart)
    with pytest.raises(BadInput) as caught:
        carrier_codes.set_code(platform, cart=cart, carrier=carrier, code=code)
    assert caught.value.field == field
    assert carrier_codes.list_codes(platform, cart) == before


def test_an_unknown_cart_has_no_table(platform: Platform) -> None:
    with pytest.raises(NotFound):
        carrier_codes.set_code(platform, cart="nowhere", carrier="UPS", code="UPS")
    with pytest.raises(NotFound):
        carrier_codes.list_codes(platform, "nowhere")
