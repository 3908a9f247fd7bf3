"""Configuration from the environment: `NAME`, or `NAME_FILE` naming a file that holds the value."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

from is2_core.crypto import Keyring


class ConfigError(Exception):
    """The environment does not add up; the message says which variable and what to do."""


@dataclass(frozen=True)
class Config:
    """The configuration of a process.

    Args:
        database_url: SQLAlchemy URL, `sqlite:///…` or `postgresql+psycopg://…`.
        redis_url: where wake-ups and rate limits are.
        keyring: keys for personal data and tokens.
        session_secret: signs the panel's cookies.
        public_url: how browsers reach the panel, without a trailing slash.
        allow_private_hosts: whether a shop's own address may be on a private network (demo and tests only).
        timezone: the warehouse's, by its tz database name; daily work is done at night there.
        allow_plain_http: whether the panel may run without TLS (loopback only).
        clock_offset: whether the clock may be moved forward (demo and tests only, see `OffsetClock`).
    """

    database_url: str
    redis_url: str
    keyring: Keyring = field(repr=False)
    session_secret: str = field(repr=False)
    public_url: str = "http://127.0.0.1:8080"
    allow_private_hosts: bool = False
    allow_plain_http: bool = False
    timezone: str = "UTC"
    clock_offset: bool = False

    @staticmethod
    def from_environment(environ: Mapping[str, str] | None = None) -> Config:
        """Read the environment.

        Raises:
            ConfigError: a needed variable is missing or unusable.
        """
        env = os.environ if environ is None else environ
        keys = _value(env, "IS2_ENCRYPTION_KEYS")
        try:
            keyring = Keyring.parse(keys)
        except ValueError as error:
            raise ConfigError(f"IS2_ENCRYPTION_KEYS: {error}") from error
        session_secret = _value(env, "IS2_SESSION_SECRET")
        if len(session_secret) < 32:
            raise ConfigError("IS2_SESSION_SECRET must be at least 32 characters")
        return Config(
            database_url=_value(env, "IS2_DATABASE_URL"),
            redis_url=_value(env, "IS2_REDIS_URL"),
            keyring=keyring,
            session_secret=session_secret,
            public_url=_value(env, "IS2_PUBLIC_URL", "http://127.0.0.1:8080").rstrip("/"),
            allow_private_hosts=_flag(env, "IS2_ALLOW_PRIVATE_HOSTS"),
            allow_plain_http=_flag(env, "IS2_ALLOW_PLAIN_HTTP"),
            timezone=_zone(_value(env, "IS2_TIMEZONE", "UTC")),
            clock_offset=_flag(env, "IS2_CLOCK_OFFSET"),
        )


def _value(env: Mapping[str, str], name: str, default: str | None = None) -> str:
    if env.get(name):
        return env[name]
    path = env.get(f"{name}_FILE")
    if path:
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ConfigError(f"{name}_FILE: cannot read {path}: {error.strerror}") from error
    if default is None:
        raise ConfigError(f"set {name} or {name}_FILE (`is2 up` makes both for a local trial)")
    return default


def _zone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (KeyError, OSError, ValueError) as error:
        raise ConfigError(f"IS2_TIMEZONE: there is no time zone {name!r}") from error


def _flag(env: Mapping[str, str], name: str) -> bool:
    return env.get(name, "").lower() in {"1", "true", "yes", "on"}
