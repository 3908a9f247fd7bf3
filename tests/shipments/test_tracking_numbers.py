"""Whether a tracking number can be of its carrier, and when two are the same."""

from __future__ import annotations

import pytest

from is2_core import tracking_numbers
from is2_core.tracking_numbers import Numbers, plain_number, shape_problem
from tests.support.parcels import ups_number

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("carrier", "number"),
    [
        ("UPS", "1Z999AA10123456784"),
        ("UPS", "1z 999 aa1 01 2345 6784"),
        ("UPS Ground", ups_number(7)),
        ("UPS", "92748963438592543475924253"),
        ("FedEx", "986578788855"),
        ("FedEx Ground", "9611 0209 8765 4312 3456 72".replace(" ", "")),
        ("USPS", "9400 1112 0255 5842 3326 69"),
        ("USPS Priority Mail", "RB123456785US"),
        ("DHL Express", "3318810025"),
        ("DHL Express", "JD014600006281230000"),
        ("DHL Paket", "00340434161094042557"),
        ("Bob's Van", "0042"),
        ("City Messenger", "CM-17"),
        ("United Parcel Service", "1Z999AA10123456784"),
        ("UPSMI", "1Z999AA10123456784"),
        ("DPD", "1Z999AA10123456785"),
    ],
)
def test_numbers_of_their_carrier_are_not_asked_about(carrier: str, number: str) -> None:
    assert shape_problem(carrier, number) == ""


@pytest.mark.parametrize(
    ("carrier", "number"),
    [
        ("UPS", "1Z999AA10123456785"),
        ("UPS", "1Z0001"),
        ("ups", "hello world"),
        ("FedEx", "1Z999AA10123456784"),
        ("Federal Express", "1z 999 aa1 01 2345 6784"),
        ("DPD", "1Z999AA10123456784"),
        ("FedEx", "12345"),
        ("USPS", "RB123456784US"),
        ("DHL Express", "12"),
        ("Bob's Van", "hello"),
        ("Bob's Van", "AB 1234"),
        ("Bob's Van", "A1"),
    ],
)
def test_numbers_that_cannot_be_of_their_carrier_are_asked_about(carrier: str, number: str) -> None:
    assert number in shape_problem(carrier, number)


def test_case_blanks_and_hyphens_make_no_other_number() -> None:
    assert plain_number(" 1z-999\u00a0aa1 ") == "1Z999AA1"


def test_a_carrier_whose_name_begins_with_anothers_has_its_own_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    with_freight = {**tracking_numbers.CARRIERS, "FedEx Freight": Numbers(r"F[0-9]{3}")}
    monkeypatch.setattr(tracking_numbers, "CARRIERS", with_freight)
    assert shape_problem("FedEx Freight West", "F123") == ""
    assert shape_problem("FedEx", "F123") != ""
