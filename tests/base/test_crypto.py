"""Sealing, opening, and what must not open."""

from __future__ import annotations

import pytest

from is2_core.config import Config, ConfigError
from is2_core.crypto import CannotOpen, Keyring
from is2_core.logs import redact

pytestmark = pytest.mark.unit


def test_what_is_sealed_opens_and_shows_nothing() -> None:
    ring = Keyring.parse(Keyring.generate("k1"))
    sealed = ring.seal("table.column", b"Ann Example")
    assert sealed.startswith("k1.")
    assert "Ann" not in sealed
    assert ring.open("table.column", sealed) == b"Ann Example"
    assert ring.seal("table.column", b"Ann Example") != sealed


def test_it_opens_for_its_purpose_and_key_only() -> None:
    ring = Keyring.parse(Keyring.generate("k1"))
    sealed = ring.seal("a.b", b"x")
    with pytest.raises(CannotOpen):
        ring.open("a.c", sealed)
    with pytest.raises(CannotOpen):
        Keyring.parse(Keyring.generate("k1")).open("a.b", sealed)
    with pytest.raises(CannotOpen):
        Keyring.parse(Keyring.generate("k2")).open("a.b", sealed)
    with pytest.raises(CannotOpen):
        ring.open("a.b", sealed[:-4] + ("AAAA" if not sealed.endswith("AAAA") else "BBBB"))


def test_a_new_key_seals_and_the_old_one_still_opens() -> None:
    old = Keyring.generate("k1")
    sealed = Keyring.parse(old).seal("p", b"x")
    both = Keyring.parse(f"{Keyring.generate('k2')},{old}")
    assert both.open("p", sealed) == b"x"
    assert both.seal("p", b"x").startswith("k2.")


@pytest.mark.parametrize("text", ["", "k1", "k1:short", "k1:!!!", ":" + "A" * 44])
def test_a_keyring_that_cannot_be_used_says_so(text: str) -> None:
    with pytest.raises(ValueError, match="key"):
        Keyring.parse(text)


def test_the_environment_may_name_files_and_says_what_is_missing(tmp_path: object) -> None:
    from pathlib import Path

    path = Path(str(tmp_path)) / "keys"
    path.write_text(Keyring.generate() + "\n")
    env = {
        "IS2_ENCRYPTION_KEYS_FILE": str(path),
        "IS2_SESSION_SECRET": "x" * 40,
        "IS2_DATABASE_URL": "sqlite://",
        "IS2_REDIS_URL": "redis://localhost",
    }
    config = Config.from_environment(env)
    assert "x" * 40 not in repr(config)
    for name, changed in (("IS2_REDIS_URL", ""), ("IS2_SESSION_SECRET", "short"), ("IS2_ENCRYPTION_KEYS_FILE", "")):
        with pytest.raises(ConfigError, match=name.removesuffix("_FILE")):
            Config.from_environment({**env, name: changed})


def test_logs_lose_tokens_secrets_and_addresses() -> None:
    line = redact("got Atza|abc.def for ann@example.com with client_secret=hunter2 and authorization: Bearer")
    assert "Atza|abc" not in line
    assert "ann@" not in line
    assert "hunter2" not in line
