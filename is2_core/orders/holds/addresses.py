"""Addresses that nobody can deliver to, or that look as if, told without personal data; pure."""

from __future__ import annotations

from is2_core.orders.addresses.countries import country, is_postal_code_of
from plugins.interface import Address

_PARTS = {
    "NAME": "a name",
    "STREET": "a street",
    "COUNTRY": "a country",
    "CITY": "a city",
    "DISTRICT": "a district",
    "REGION": "a state or region",
    "POSTAL_CODE": "a postal code",
}
# No label can be printed: no person's word changes that.
_HOPELESS = ("NAME", "STREET", "COUNTRY", "COUNTRY_CODE")
_SENTENCES = {
    "COUNTRY_CODE": "The delivery address has an unknown country code.",
    "POSTAL_CODE_FORM": "The postal code of the delivery address is not of the form its country uses.",
}


def address_problem(address: Address | None) -> str:
    """Return what is wrong with an address for its country, as codes with commas between; "" when nothing is."""
    if address is None:
        return ""
    where = country(address.country)
    missing = {
        "NAME": not (address.name.strip() or address.company.strip()),
        "STREET": not "".join(address.lines).strip(),
        "COUNTRY": not address.country.strip(),
    }
    if where is None:
        missing["COUNTRY_CODE"] = not missing["COUNTRY"]
    else:
        code, city, region = address.postal_code.strip(), address.city.strip(), address.region.strip()
        needs_code = "postal_code" in where.needs
        missing |= {
            "CITY": "city" in where.needs and not city,
            "DISTRICT": "district" in where.needs and not address.district.strip(),
            # A postal code tells the region; where a country has no cities in its addresses, one that is given does.
            "REGION": "region" in where.needs
            and not (region or (code and needs_code) or (city and "city" not in where.needs)),
            "POSTAL_CODE": needs_code and not code,
            "POSTAL_CODE_FORM": needs_code and code != "" and not is_postal_code_of(where, code),
        }
    return ",".join(part for part, is_missing in missing.items() if is_missing)


def is_hopeless(problem: str) -> bool:
    """Tell whether no label can be printed with what `address_problem` found; otherwise the data may be behind the
    world, and a person who has looked may let it go."""
    return any(code in _HOPELESS for code in problem.split(","))


def problem_field(problem: str) -> str:
    """Return the field of the form that `address_problem` complains of first."""
    code = problem.split(",", maxsplit=1)[0].lower()
    return {"street": "line1", "country_code": "country", "postal_code_form": "postal_code"}.get(code, code)


def address_problem_text(problem: str) -> str:
    """Word what `address_problem` returned."""
    codes = problem.split(",")
    missing = [_PARTS[code] for code in codes if code in _PARTS]
    texts = [f"The delivery address lacks {' and '.join(missing)}."] if missing else []
    texts += [text for code, text in _SENTENCES.items() if code in codes]
    return " ".join(texts) or "The delivery address is incomplete."
