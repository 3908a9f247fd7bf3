"""Addresses that nobody can deliver to, told without personal data; pure."""

from __future__ import annotations

from plugins.interface import Address

_PARTS = {"NAME": "a name", "STREET": "a street", "CITY": "a city", "COUNTRY": "a country"}
_COUNTRY_CODE = "COUNTRY_CODE"


def address_problem(address: Address | None) -> str:
    """Return what makes an address impossible to ship to, as codes with commas between; "" when nothing does."""
    if address is None:
        return ""
    values = {
        "NAME": address.name or address.company,
        "STREET": "".join(address.lines),
        "CITY": address.city,
        "COUNTRY": address.country,
    }
    missing = [part for part, value in values.items() if not value.strip()]
    if not missing and not (len(address.country) == 2 and address.country.isalpha()):
        return _COUNTRY_CODE
    return ",".join(missing)


def address_problem_text(problem: str) -> str:
    """Word what `address_problem` returned."""
    if problem == _COUNTRY_CODE:
        return "The delivery address has an unknown country code."
    missing = [_PARTS[part] for part in problem.split(",") if part in _PARTS]
    return f"The delivery address lacks {' and '.join(missing)}." if missing else "The delivery address is incomplete."
