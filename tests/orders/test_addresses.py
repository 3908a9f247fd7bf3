"""What an address needs depends on its country: case E1 and what is like it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from is2_core.orders.addresses.countries import countries, country
from is2_core.orders.addresses.label import label_lines
from is2_core.orders.holds.addresses import address_problem, address_problem_text, is_hopeless
from plugins.interface import Address

pytestmark = pytest.mark.unit

HOME = Address(name="Ann", lines=("1 Main St",), city="Reno", region="NV", postal_code="89501", country="US")


def at(country_code: str, city: str = "", region: str = "", postal_code: str = "") -> Address:
    return replace(HOME, city=city, region=region, postal_code=postal_code, country=country_code)


def test_field_E1_japan_has_no_city() -> None:
    assert address_problem(at("JP", region="東京都", postal_code="105-0011")) == ""


def test_field_E1_an_address_of_the_united_states_needs_a_postal_code() -> None:
    problem = address_problem(replace(HOME, postal_code=""))
    assert problem == "POSTAL_CODE"
    assert address_problem_text(problem) == "The delivery address lacks a postal code."


def test_field_E1_no_such_country_no_such_postal_code() -> None:
    assert address_problem(at("ZZ", city="Reno")) == "COUNTRY_CODE"
    assert address_problem(replace(HOME, postal_code="9" * 200)) == "POSTAL_CODE_FORM"


def test_field_E1_uk_is_understood_as_gb() -> None:
    assert address_problem(at("UK", city="London", postal_code="SW1A 1AA")) == ""
    assert country("uk") == country("GB")


@pytest.mark.parametrize(
    "address",
    [
        at("us", "Reno", "", "89501"),
        at("US", "APO", "AE", "09012-1234"),
        at("US", "San Juan", "PR", "00901"),
        at("PR", "San Juan", "", "00901"),
        at("US", "reno", "nevada", "895011234"),
        at("CA", "Ottawa", "ON", "k1a0b1"),
        at("GB", "Leeds", "West Yorkshire", "ls14ap"),
        at("GB", "BFPO", "", "BFPO 57"),
        at("GB", "St Helier", "", "JE2 3AB"),
        at("JE", "St Helier", "", "JE2 3AB"),
        at("IE", "Dublin", "", ""),
        at("IE", "Dublin", "", "Dublin 2"),
        at("HK", "Kowloon", "", ""),
        at("HK", "", "Kowloon", ""),
        at("AE", "Dubai", "", ""),
        at("AE", "Dubai", "Dubai", "00000"),
        at("QA", "Doha", "", ""),
        at("SG", "", "", "018956"),
        at("DE", "Köln", "", "D-50667"),
        at("SE", "Malmö", "", "SE-211 20"),
        at("LU", "Luxembourg", "", "L-1234"),
        at("LV", "Riga", "", "1010"),
        at("LV", "Riga", "", "lv 1010"),
        at("PL", "Łódź", "", "90001"),
        at("PT", "Porto", "", "4000 123"),
        at("FR", "Saint-Denis", "", "97400"),
        at("BR", "São Paulo", "SP", "01310100"),
        at("IT", "Roma", "", "00118"),
        at("IN", "Pune", "", "411 001"),
        at("JP", "港区", "東京都", "1050011"),
        at("JP", "港区", "", "〒\uff11\uff10\uff15\u2212\uff10\uff10\uff11\uff11"),
        at("KR", "Seoul", "", "03051"),
        at("TW", "台北市", "", "100"),
        at("XK", "Prishtina", "", ""),
    ],
    ids=lambda address: "-".join(filter(None, (address.country, address.city, address.region, address.postal_code))),
)
def test_what_really_stands_on_orders_is_no_problem(address: Address) -> None:
    assert address_problem(address) == ""


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        (at("US", "Reno", "NV", "9501"), "POSTAL_CODE_FORM"),
        (at("US", "", "NV", "89501"), "CITY"),
        (at("US", "Reno", "", ""), "REGION,POSTAL_CODE"),
        (at("JP"), "REGION,POSTAL_CODE"),
        (at("GB", "Leeds", "", "12345"), "POSTAL_CODE_FORM"),
        (at("GB", "", "Essex", "RM1 1AA"), "CITY"),
        (at("DE", "Köln", "", "5066"), "POSTAL_CODE_FORM"),
        (at("AE"), "REGION"),
        (at("USA", "Reno", "NV", "89501"), "COUNTRY_CODE"),
        (at("", "Reno", "NV", "89501"), "COUNTRY"),
        (at("U5", "Reno", "NV", "89501"), "COUNTRY_CODE"),
        (at("..", "Reno", "NV", "89501"), "COUNTRY_CODE"),
        (replace(HOME, name=" ", lines=("",)), "NAME,STREET"),
    ],
)
def test_what_is_missing_is_named(address: Address, problem: str) -> None:
    assert address_problem(address) == problem
    text = address_problem_text(problem)
    assert text != "The delivery address is incomplete."
    assert not re.search(r"Ann|Main|89501", text)


def test_only_what_no_label_can_do_without_is_beyond_a_person_s_word() -> None:
    assert [is_hopeless(problem) for problem in ("NAME", "POSTAL_CODE,STREET", "COUNTRY_CODE")] == [True] * 3
    assert [is_hopeless(problem) for problem in ("CITY", "REGION,POSTAL_CODE", "POSTAL_CODE_FORM", "")] == [False] * 4


def test_every_country_of_the_list_has_its_fields() -> None:
    names = dict(countries())
    assert len(names) > 240
    assert "ZZ" not in names
    assert names["GB"] == "United Kingdom (GB)"
    assert names["BA"] == "Bosnia and Herzegovina (BA)"
    for code in names:
        where = country(code)
        assert where is not None
        assert {"name", "street"} <= set(where.parts), code
        lines = label_lines({"name": "Ann", "line1": "1 Main St", "city": "Reno", "region": "NV", "country": code})
        assert all(text in " ".join(lines) for text in ("Ann", "1 Main St", "Reno")), code


@pytest.mark.parametrize(
    ("values", "lines"),
    [
        (
            {"name": "Ann", "company": "Acme", "line1": "1 Main St", "line2": "Apt 2", "city": "Reno", "region": "NV"}
            | {"postal_code": "89501", "country": "US"},
            ("Ann", "Acme", "1 Main St", "Apt 2", "Reno, NV 89501", "UNITED STATES"),
        ),
        (
            {"name": "Ann", "line1": "1 High St", "city": "Romford", "region": "Essex", "postal_code": "RM1 1AA"}
            | {"country": "UK"},
            ("Ann", "1 High St", "Romford", "Essex", "RM1 1AA", "UNITED KINGDOM"),
        ),
        (
            {
                "name": "山田 花子",
                "line1": "芝公園4-2-8",
                "region": "東京都",
                "postal_code": "105-0011",
                "country": "JP",
            },
            ("〒105-0011", "東京都", "芝公園4-2-8", "山田 花子", "JAPAN"),
        ),
        (
            {"name": "山田 花子", "line1": "芝公園4-2-8", "city": "港区", "region": "東京都", "country": "JP"},
            ("東京都", "港区", "芝公園4-2-8", "山田 花子", "JAPAN"),
        ),
        (
            {"name": "Hana Yamada", "line1": "4-2-8 Shibakoen", "city": "Minato-ku", "region": "Tokyo"}
            | {"postal_code": "105-0011", "country": "JP"},
            ("Hana Yamada", "4-2-8 Shibakoen, Minato-ku, Tokyo", "105-0011", "JAPAN"),
        ),
        (
            {"name": "Jo", "line1": "Domkloster 4", "city": "Köln", "postal_code": "50667", "country": "DE"},
            ("Jo", "Domkloster 4", "50667 Köln", "GERMANY"),
        ),
        (
            {"name": "Bo", "line1": "Storgatan 1", "city": "Malmö", "postal_code": "SE-211 20", "country": "SE"},
            ("Bo", "Storgatan 1", "SE-211 20 Malmö", "SWEDEN"),
        ),
        (
            {"name": "Al", "line1": "Marina 5", "city": "Dubai", "region": "Dubai", "country": "AE"},
            ("Al", "Marina 5", "Dubai", "UNITED ARAB EMIRATES"),
        ),
        ({"name": "Ann", "line1": "1 Main St", "city": "Reno", "country": "ZZ"}, ("Ann", "1 Main St", "Reno", "ZZ")),
    ],
    ids=["US", "UK", "JP", "JP-city", "JP-latin", "DE", "SE", "AE", "ZZ"],
)
def test_a_label_is_written_as_its_country_does_and_leaves_nothing_off(
    values: dict[str, str], lines: tuple[str, ...]
) -> None:
    assert label_lines(values) == lines
