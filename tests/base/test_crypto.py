"""Sealing, opening, and what must not open."""

from __future__ import annotations

import pytest

from is2_core.config import Config, ConfigError
from is2_core.crypto import CannotOpen, Keyring, UnknownKey
from is2_core.logs import redact
from tests.support.buyers import sealed_before

pytestmark = pytest.mark.unit


SECRET = "a session secret for tests, 40 letters"


def test_what_is_sealed_opens_and_shows_nothing() -> None:
    keyring = Keyring.parse(Keyring.generate("k1"))
    sealed = keyring.seal("table.column", (7, "A-1"), b"Ann Example")
    assert sealed.startswith("2:k1.") and sealed.startswith(keyring.mark)
    assert "Ann Example" not in sealed
    assert keyring.open("table.column", (7, "A-1"), sealed) == b"Ann Example"
    assert keyring.seal("table.column", (7, "A-1"), b"Ann Example") != sealed


def test_it_opens_for_its_column_row_and_key_only() -> None:
    keyring = Keyring.parse(Keyring.generate("k1"))
    sealed = keyring.seal("a.b", (1, "x"), b"x")
    for purpose, key in (
        ("a.c", (1, "x")),
        ("a.b", (2, "x")),
        ("a.b", ("1", "x")),
        ("a.b", (1, "y")),
        ("a.b", (1,)),
        ("a.b", ()),
        ("a.b", (1, "x", "")),
    ):
        with pytest.raises(CannotOpen):
            keyring.open(purpose, key, sealed)
    with pytest.raises(CannotOpen):
        Keyring.parse(Keyring.generate("k1")).open("a.b", (1, "x"), sealed)
    with pytest.raises(UnknownKey):
        Keyring.parse(Keyring.generate("k2")).open("a.b", (1, "x"), sealed)
    changed = sealed[:-4] + ("AAAA" if not sealed.endswith("AAAA") else "BBBB")
    for broken in (changed, sealed[:-1], "2:k1.", "k1.", sealed.removeprefix("2:"), sealed[:20]):
        with pytest.raises(CannotOpen):
            keyring.open("a.b", (1, "x"), broken)


def test_a_new_key_seals_and_the_old_one_still_opens() -> None:
    old = Keyring.generate("k.1")
    sealed = Keyring.parse(old).seal("p", (), b"x")
    both = Keyring.parse(f"{Keyring.generate('k2')},{old}")
    assert both.open("p", (), sealed) == b"x"
    assert both.seal("p", (), b"x").startswith("2:k2.")
    assert not sealed.startswith(both.mark)


def test_a_value_of_the_first_rule_opens_in_its_column_only() -> None:
    key = Keyring.generate("k.1")
    keyring = Keyring.parse(key)
    sealed = sealed_before(keyring, "a.b", b"x")
    assert not sealed.startswith("2:")
    assert keyring.open("a.b", (9, "whatever"), sealed) == b"x"
    with pytest.raises(CannotOpen):
        keyring.open("a.c", (9, "whatever"), sealed)


@pytest.mark.parametrize("text", ["", "k1", "k1:short", "k1:\xe4", "k1:!!!", ":" + "A" * 44])
def test_a_keyring_that_cannot_be_used_says_so(text: str) -> None:
    with pytest.raises(ValueError, match="key"):
        Keyring.parse(text)


def test_a_key_without_its_name_is_not_told_to_the_log() -> None:
    key = Keyring.generate().partition(":")[2]
    with pytest.raises(ValueError, match="an id, a colon") as refused:
        Keyring.parse(key)
    assert key not in str(refused.value)


def test_the_environment_may_name_files_and_says_what_is_missing(tmp_path: object) -> None:
    from pathlib import Path

    path = Path(str(tmp_path)) / "keys"
    path.write_text(Keyring.generate() + "\n")
    env = {
        "IS2_ENCRYPTION_KEYS_FILE": str(path),
        "IS2_SESSION_SECRET": SECRET,
        "IS2_DATABASE_URL": "sqlite:///is2.db",
        "IS2_REDIS_URL": "redis://localhost",
    }
    config = Config.from_environment(env)
    assert SECRET not in repr(config)
    for name, changed in (("IS2_REDIS_URL", ""), ("IS2_SESSION_SECRET", "short"), ("IS2_ENCRYPTION_KEYS_FILE", "")):
        with pytest.raises(ConfigError, match=name.removesuffix("_FILE")):
            Config.from_environment({**env, name: changed})


def test_logs_lose_tokens_secrets_and_addresses() -> None:
    line = redact("got Atza|abc.def for ann@example.com with client_secret=hunter2 and authorization: Bearer")
    assert "Atza|abc" not in line
    assert "ann@" not in line
    assert "hunter2" not in line
