"""Whether a secret looks as if it was drawn at random."""

from __future__ import annotations

from itertools import pairwise
from math import log2

LEAST_CHARACTERS = 32
# Of 16 random bytes in hexadecimal, the least anybody is told to take, hardly any text counts fewer.
LEAST_BITS = 80


def secret_problem(secret: str) -> str:
    """Return why a secret could be guessed, "" where it looks random.

    Nobody can measure how a text came about; what is refused is what is short, repeats itself, counts up, or has few
    different characters: what people type where something random is asked for.
    """
    if len(secret) < LEAST_CHARACTERS:
        return f"must be at least {LEAST_CHARACTERS} characters"
    if _bits(secret) < LEAST_BITS:
        return "can be guessed: it repeats itself, counts up, or has too few different characters"
    return ""


def _bits(secret: str) -> float:
    """Return at most how many bits are in it: of its characters that do not follow from those before, each as many as
    the variety of all allows."""
    counts = [secret.count(character) / len(secret) for character in set(secret)]
    return _surprises(secret) * -sum(share * log2(share) for share in counts)


def _surprises(secret: str) -> int:
    """Count the characters that are neither the next step of a row (aaa, 123, cba) nor the end of three that stood
    together before."""
    steps = [ord(after) - ord(before) for before, after in pairwise(secret)]
    found = 2
    for place in range(2, len(secret)):
        is_row = steps[place - 1] == steps[place - 2] and abs(steps[place - 1]) <= 1
        is_again = secret[place - 2 : place + 1].lower() in secret[:place].lower()
        found += not (is_row or is_again)
    return found
