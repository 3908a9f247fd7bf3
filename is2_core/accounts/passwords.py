"""Passwords: which are good enough, and hashing them one at a time.

A hash costs tens of megabytes and a core for a moment. Each process computes one at a time and nobody waits for it: a
flood of sign-ins must not hold the threads that everybody else's pages need.
"""

from __future__ import annotations

import base64
import re
import threading
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from zxcvbn import zxcvbn

from is2_core.accounts.signing_in.password_rules import LAST_KEPT, check_rules
from is2_core.errors import BadInput, FlowError

MIN_PASSWORD = 15
MAX_PASSWORD = 1000
# Guesses that zxcvbn thinks a password withstands: 4 is more than ten thousand millions.
_GOOD_ENOUGH = 4
# Rating takes time that grows with the square of the length, so only so many characters count.
_RATED = 72
# Where many of these stand in one password, zxcvbn tries every reading of all of them, which takes seconds. Then those
# it reads as the same letter become one.
_LETTER_LIKE = frozenset("4@8({[<3691!|70$5+%2")
_ALIKE = str.maketrans("@{[<!|$+", "4(((1157")
_MOST_LETTER_LIKE = 6
# Shorter words of a person stand in too many good pass phrases.
_LEAST_WORD = 4
_ADVICE = "Four or more words that do not belong together are good, and so is what a password manager makes up."

_hasher = PasswordHasher(time_cost=2, memory_cost=47_104, parallelism=1)
_turn = threading.Lock()


class PasswordsBusy(FlowError):
    """Another password is being checked in this process."""

    status = 429


@dataclass(frozen=True)
class Checked:
    """Whether a password fits, and its hash at today's cost where the stored one is of another."""

    fits: bool
    new_hash: str | None = None


def hash_new(password: str, known: Sequence[str], *, names: Sequence[str] = (), earlier: Sequence[str] = ()) -> str:
    """Return the hash of a password somebody is to have from now on.

    Args:
        known: texts others know of the person besides: companies.
        names: the person's name and e-mail address.
        earlier: the hashes of the person's last passwords, the present one's among them.

    Raises:
        BadInput: it is too short, too long, too easy to guess, breaks a rule, or was had lately; the message says why.
        PasswordsBusy: another one is being computed.
    """
    password = unicodedata.normalize("NFKC", password)
    _check_characters(password)
    with _one_at_a_time():
        # Rated in here too: it takes a while, and zxcvbn keeps the words in a place all threads share.
        _check_strength(password, (*names, *known))
        check_rules(password, names)
        if any(_fits(stored, password) for stored in earlier):
            raise BadInput(
                f"This is one of the last {LAST_KEPT} passwords that were used here. Choose another.", field="password"
            )
        return _hasher.hash(password)


def hash_pin(pin: str) -> str:
    """Return the hash of a PIN, which is checked as a password is.

    Raises:
        PasswordsBusy: another one is being computed.
    """
    with _one_at_a_time():
        return _hasher.hash(pin)


def check(stored: str | None, password: str) -> Checked:
    """Check a password against a stored hash; without one it takes as long and never fits.

    Raises:
        PasswordsBusy: another one is being computed.
    """
    with _one_at_a_time():
        # Keyboards compose letters differently. Passwords older than this rule were hashed as they were typed.
        for form in dict.fromkeys((_normal(password), password)):
            if _fits(stored or _nobodys_hash(), form):
                return Checked(True, _hasher.hash(form) if stored and _hasher.check_needs_rehash(stored) else None)
    return Checked(False)


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    if not _turn.acquire(blocking=False):
        raise PasswordsBusy(
            "Another password is being checked at this very moment. Nothing was changed; please try again in a moment."
        )
    try:
        yield
    finally:
        _turn.release()


def _normal(password: str) -> str:
    # Nobody has a longer one since there is this rule, and normalizing megabytes takes long.
    return unicodedata.normalize("NFKC", password) if len(password) <= MAX_PASSWORD else password


def _fits(stored: str, password: str) -> bool:
    try:
        # Half of a character, which only a terminal can send, is no text.
        return _hasher.verify(stored, password.encode("utf-8", "replace"))
    except VerificationError:
        return False


def _nobodys_hash() -> str:
    """Return a hash that no password has, at today's cost: making one up takes no time of its own."""

    def text(length: int) -> str:
        return base64.b64encode(bytes(length)).decode().rstrip("=")

    cost = f"m={_hasher.memory_cost},t={_hasher.time_cost},p={_hasher.parallelism}"
    return f"$argon2id$v=19${cost}${text(_hasher.salt_len)}${text(_hasher.hash_len)}"


def _check_characters(password: str) -> None:
    if len(password) < MIN_PASSWORD:
        raise BadInput(f"A password needs at least {MIN_PASSWORD} characters. {_ADVICE}", field="password")
    if len(password) > MAX_PASSWORD:
        raise BadInput(f"A password has at most {MAX_PASSWORD:,} characters.", field="password")
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in password):
        raise BadInput("A password must not contain line breaks, tabs or other control characters.", field="password")


def _check_strength(password: str, known: Sequence[str]) -> None:
    parts = {word for text in known for word in (text, *re.split(r"[\W_]+", text)) if len(word) >= _LEAST_WORD}
    longest_first = sorted(parts, key=len, reverse=True)
    left = re.sub("|".join(map(re.escape, longest_first)), "", password, flags=re.I) if parts else password
    rated = left[:_RATED]
    if len(_LETTER_LIKE.intersection(rated)) > _MOST_LETTER_LIKE:
        rated = rated.translate(_ALIKE)
    # zxcvbn wants a character at least.
    rating = zxcvbn(rated or "-", user_inputs=longest_first)
    if rating["score"] >= _GOOD_ENOUGH:
        return
    if left != password:
        reason = "The person's own name, e-mail address and company count for nothing in it."
    else:
        reason = rating["feedback"]["warning"] or "It is made of too few words, or of words many people use."
    raise BadInput(f"This password is too easy to guess. {reason} {_ADVICE}", field="password")
