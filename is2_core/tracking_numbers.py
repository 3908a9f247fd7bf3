"""Tracking numbers: when two are the same, and whether one can be of its carrier; pure.

Only of carriers whose numbers are well known is anything said. A number that is not of the shape is no error, for
carriers invent new ones: a person is asked.
"""

from __future__ import annotations

import re

_SHORTEST = 4
_UPS = re.compile(r"1Z[0-9A-Z]{15}[0-9]")
_OF_UPS = re.compile(r"\bups|united parcel", re.IGNORECASE)
_S10 = re.compile(r"[A-Z]{2}[0-9]{9}[A-Z]{2}")
_S10_WEIGHTS = (8, 6, 4, 2, 3, 5, 9, 7)
# Beside those with a check digit of their own (1Z..., and the postal S10): what a number consists of, all of it.
_SHAPES = {
    # Freight, notices, and Mail Innovations, which the postal service delivers.
    "UPS": r"T[0-9]{10}|[0-9]{9}|[0-9]{12}|[0-9]{18}|9[0-9]{19,33}",
    "FedEx": r"[0-9]{12}|[0-9]{14,15}|[0-9]{18}|[0-9]{20}|[0-9]{22}|[0-9]{34}",
    "USPS": r"[0-9]{20}|[0-9]{22}|[0-9]{26}|420[0-9]{27}|420[0-9]{31}|82[0-9]{8}",
    "DHL Express": r"[0-9]{10,11}|[A-Z]{2,5}[0-9]{7,25}",
}
_POSTAL = ("USPS",)


def plain_number(number: str) -> str:
    """Return a tracking number as it is compared: upper case, without blanks and hyphens."""
    return "".join(sign for sign in number.upper() if not sign.isspace() and sign != "-")


def shape_problem(carrier: str, number: str) -> str:
    """Return why a number looks wrong for its carrier, as a message; "" where it does not, or nobody can tell."""
    plain = plain_number(number)
    known = next((name for name in _SHAPES if f"{carrier} ".casefold().startswith(f"{name} ".casefold())), "")
    if _is_ups(plain) and not _OF_UPS.search(carrier):
        return f"{number} is a number of UPS, and the carrier is {carrier}."
    if known and not _fits(known, plain):
        return f"{number} does not look like a tracking number of {known}."
    if not known and (len(plain) < _SHORTEST or not any(sign.isdigit() for sign in plain) or len(number.split()) > 1):
        return f"{number} does not look like a tracking number."
    return ""


def _fits(carrier: str, plain: str) -> bool:
    if carrier == "UPS" and plain.startswith("1Z"):
        return _is_ups(plain)
    if carrier in _POSTAL and _S10.fullmatch(plain):
        return _s10_is_right(plain)
    return re.fullmatch(_SHAPES[carrier], plain) is not None


def _is_ups(plain: str) -> bool:
    if not _UPS.fullmatch(plain):
        return False
    # A letter counts as its place from A = 2 on, by its last digit; every second sign counts twice.
    values = [int(sign) if sign.isdigit() else (ord(sign) - 63) % 10 for sign in plain[2:-1]]
    total = sum(values[0::2]) + 2 * sum(values[1::2])
    return -total % 10 == int(plain[-1])


def _s10_is_right(plain: str) -> bool:
    digits = plain[2:11]
    rest = 11 - sum(weight * int(digit) for weight, digit in zip(_S10_WEIGHTS, digits, strict=False)) % 11
    return {10: 0, 11: 5}.get(rest, rest) == int(digits[-1])
