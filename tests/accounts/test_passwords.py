"""Which passwords are good enough, and that one process hashes one at a time."""

from __future__ import annotations

import threading
import time
import unicodedata
from contextlib import suppress

import pytest
from argon2 import PasswordHasher

from is2_core.accounts import passwords
from is2_core.accounts.passwords import PasswordsBusy, check, hash_new
from is2_core.errors import BadInput

KNOWN = ("alice@example.com", "Alice Smith", "Northwind Trading")


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("a long one 123", "at least 15 characters"),
        ("aaaaaaaaaaaaaaa", "Repeats"),
        ("\uff41" * 15, "Repeats"),
        ("a" * 1000, "Repeats"),
        ("a" * 1001, "at most 1,000 characters"),
        # One character that normalizing makes eighteen of.
        ("\ufdfa" * 60, "at most 1,000 characters"),
        ("1234567890123456", "commonly used"),
        ("Password1Password1", "Repeats"),
        ("monkeydragonsunshine", "words many people use"),
        ("password password password", "Repeats"),
        ("alice@example.com", "own name, e-mail address and company"),
        ("Alice Smith Alice Smith", "own name, e-mail address and company"),
        ("NORTHWIND trading 2026!", "own name, e-mail address and company"),
        ("a long pass\0phrase 1", "control characters"),
        ("a long pass\nphrase 1", "control characters"),
        ("a long pass\ud800phrase 1", "control characters"),
    ],
)
def test_what_is_easy_to_guess_is_refused_with_its_reason(password: str, why: str) -> None:
    with pytest.raises(BadInput) as refused:
        hash_new(password, KNOWN)
    assert why in refused.value.message
    assert refused.value.field == "password"


@pytest.mark.parametrize(
    "password",
    [
        "A long pass phrase 1",
        "Correct horse battery staple 2",
        "Three rivers, 1 long walk",
        "Пароль из 4 слов: река",
        "Correct 1 horse battery staple" * 33,
    ],
)
def test_a_good_one_is_taken(password: str) -> None:
    assert check(hash_new(password, KNOWN[2:], names=KNOWN[:2]), password).fits


@pytest.mark.parametrize("password", ["4@8({[<369&#!1|0$5+7%2" * 45, "0123456789" * 100, "aab" * 333])
def test_the_longest_takes_no_longer_than_a_page_may(password: str) -> None:
    started = time.process_time()
    with suppress(BadInput):
        hash_new(password, KNOWN)
    assert time.process_time() - started < 1


def test_letters_composed_in_two_ways_are_one_password() -> None:
    typed = "7 größere Äpfel über Öfen"
    apart = unicodedata.normalize("NFD", typed)
    assert apart != typed
    assert check(hash_new(apart, ()), typed).fits
    assert check(hash_new(typed, ()), apart).fits


@pytest.mark.parametrize("password", ["short", "a" * 15, "x" * 3000, "\uff41 as it was typed"])
def test_a_password_from_before_these_rules_still_fits(password: str) -> None:
    assert check(passwords._hasher.hash(password), password).fits


class Counting(PasswordHasher):
    """Counts what it computes, and stands still in it while `go_on` is not set."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.computed = 0
        self.begun, self.go_on = threading.Event(), threading.Event()
        self.go_on.set()

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        self._stand_still()
        return super().hash(password, salt=salt)

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:
        self._stand_still()
        return super().verify(hash, password)

    def _stand_still(self) -> None:
        self.computed += 1
        self.begun.set()
        assert self.go_on.wait(30)


@pytest.fixture
def hasher(monkeypatch: pytest.MonkeyPatch) -> Counting:
    made = Counting()
    monkeypatch.setattr(passwords, "_hasher", made)
    return made


def test_an_unknown_user_costs_what_a_wrong_password_costs(hasher: Counting, product_hasher: PasswordHasher) -> None:
    stored = hasher.hash("a long pass phrase 1")
    costs = []
    for known in (stored, None):
        before = hasher.computed
        assert not check(known, "not the password").fits
        costs.append(hasher.computed - before)
    assert costs == [1, 1]


def test_nobodys_hash_costs_what_todays_hashes_cost(
    monkeypatch: pytest.MonkeyPatch, product_hasher: PasswordHasher
) -> None:
    monkeypatch.setattr(passwords, "_hasher", product_hasher)
    assert not product_hasher.check_needs_rehash(passwords._nobodys_hash())


def test_a_second_hash_is_refused_at_once(hasher: Counting) -> None:
    stored = hasher.hash("a long pass phrase 1")
    hasher.begun.clear()
    hasher.go_on.clear()
    first = threading.Thread(target=check, args=(stored, "a long pass phrase 1"))
    first.start()
    try:
        assert hasher.begun.wait(10)
        for second in (
            lambda: check(stored, "x"),
            lambda: check(None, "x"),
            lambda: hash_new("correct horse cart", ()),
        ):
            with pytest.raises(PasswordsBusy) as refused:
                second()
            assert refused.value.status == 429
    finally:
        hasher.go_on.set()
        first.join()
    assert check(stored, "a long pass phrase 1").fits
