"""Carriers as people write them, with the service behind (case F2)."""

from __future__ import annotations

import pytest

from is2_core.shipments.carrier_names import CarrierEntry, FoundCarrier, carrier_key, find_carrier
from is2_core.tracking_numbers import shape_problem
from plugins.amazon.shipping.carriers import CARRIER_CODES

pytestmark = pytest.mark.unit

ENTRIES = {carrier_key(name): CarrierEntry(name, code, code, None) for name, code in CARRIER_CODES.items()}


@pytest.mark.parametrize(
    ("typed", "code", "service"),
    [
        ("FedEx Ground", "FedEx", "Ground"),
        ("USPS Priority Mail", "USPS", "Priority Mail"),
        ("DHL Paket", "DHL-Paket", ""),
        ("DHL Paket International", "DHL-Paket", "International"),
        ("DHL Express Worldwide", "DHL Express", "Worldwide"),
        ("DHL", "DHL", ""),
        ("fedex-ground", "FedEx", "ground"),
        ("FEDEX  2Day", "FedEx", "2Day"),
        ("Fed Ex Ground", "FedEx", "Ground"),
        ("FedEx® Home Delivery", "FedEx", "Home Delivery"),
        ("U.P.S. Next Day Air", "UPS", "Next Day Air"),
        ("UPS (Ground)", "UPS", "Ground"),
        ("UPS: Ground", "UPS", "Ground"),
        ("UPS Mail Innovations Expedited", "UPSMI", "Expedited"),
        ("UPS Freight LTL", "UPS Freight", "LTL"),
        ("FedEx SmartPost", "FedEx SmartPost", ""),
        ("DX Express", "DX Express", ""),
        ("DX Express 24", "DX Express", "24"),
        ("DPD Local", "DPD Local", ""),
        ("DPD Local Next Day", "DPD Local", "Next Day"),
        ("DPD Classic", "DPD", "Classic"),
        ("Amazon Shipping Standard", "Amazon Shipping", "Standard"),
        ("Royal Mail Tracked 48", "Royal Mail", "Tracked 48"),
        ("R+L Carriers", "R+L", "Carriers"),
        ("Kuehne + Nagel", "Kuehne+Nagel", ""),
        ("SEUR 24", "Seur", "24"),
        ("Correos Express", "Correos Express", ""),
        ("Correos Paq Estándar", "Correos", "Paq Estándar"),
        ("Hermes UK", "Hermes UK", ""),
        ("PostNL Pakket", "Post NL", "Pakket"),
        ("UPS 2nd Day Air A.M.", "UPS", "2nd Day Air A.M"),
        ("UPS Worldwide Express Saver", "UPS", "Worldwide Express Saver"),
        ("FedEx International Economy", "FedEx", "International Economy"),
        ("FedEx Standard Overnight®", "FedEx", "Standard Overnight"),
        ("USPS Ground Advantage", "USPS", "Ground Advantage"),
        ("USPS First-Class Package", "USPS", "First-Class Package"),
        ("Royal Mail Special Delivery Guaranteed by 1pm", "Royal Mail", "Special Delivery Guaranteed by 1pm"),
        ("La Poste Lettre Suivie", "La Poste", "Lettre Suivie"),
        ("Hermes Päckchen", "Hermes", "Päckchen"),
        ("FedEx\N{NO-BREAK SPACE}Ground", "FedEx", "Ground"),
    ],
)
def test_field_F2_the_carrier_is_found_with_the_service_behind_it(typed: str, code: str, service: str) -> None:
    for spelled in (typed, typed.lower(), f"  {typed} "):
        found = find_carrier(ENTRIES, spelled)
        assert (found.code, found.service.casefold()) == (code, service.casefold())


@pytest.mark.parametrize(
    "typed",
    [
        "Express",
        "DX",
        "Pigeon Express",
        "My UPS Store",
        "UPSTART Couriers",
        "Correos de México",
        "Correos Chile",
        "Correos Chile Express",
        "Correos Express Chile",
        "Correos 24 Argentina",
        "Correos Costa Rica",
        "DPD Lietuva",
        "Hermes Logistics",
        "Landmark Couriers",
        "UPS Store",
        "Ground FedEx",
        "",
        "Mail",
    ],
)
def test_field_F2_a_name_that_merely_holds_another_is_none_of_it(typed: str) -> None:
    assert find_carrier(ENTRIES, typed) == FoundCarrier()


def test_every_carrier_is_found_in_every_spelling_and_with_a_service() -> None:
    spellings = (str, str.upper, lambda name: name.replace(" ", "-"), lambda name: name.replace(" ", "."))
    for name, code in CARRIER_CODES.items():
        for spell in spellings:
            assert find_carrier(ENTRIES, spell(name)) == FoundCarrier(code)
            assert find_carrier(ENTRIES, f"{spell(name)} Priority 7") == FoundCarrier(code, "Priority 7")
            assert find_carrier(ENTRIES, f"{spell(name)} Zzz 7") == FoundCarrier()


def test_two_carriers_of_one_spelling_are_not_guessed_with_a_service_either() -> None:
    entries = {carrier_key(name): CarrierEntry(name, name, name, None) for name in ("Post NL", "Postn L", "Post")}
    assert find_carrier(entries, "PostNL Pakket") == FoundCarrier()


def test_numbers_are_held_against_the_carrier_however_it_is_written() -> None:
    for typed in ("FedEx Ground", "fedex-ground", "Fed Ex"):
        assert shape_problem(typed, "12345") == "12345 does not look like a tracking number of FedEx."
        assert shape_problem(typed, "123456789012") == ""
