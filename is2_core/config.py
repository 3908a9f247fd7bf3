"""Configuration from the environment: `NAME`, or `NAME_FILE` naming a file that holds the value."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from is2_core.crypto import Keyring
from is2_core.errors import CannotStart
from is2_core.settings.entropy import secret_problem
from is2_core.settings.key_providers import KeySource, key_source
from is2_core.settings.links import (
    Link,
    allowed_plaintext,
    database_problem,
    is_loopback,
    panel_problem,
    redis_problem,
    trial_problem,
)

DEFAULT_PUBLIC_URL = "http://127.0.0.1:8080"
# Each that the product, its tools or its tests read.
NAMES = (
    "IS2_DATABASE_URL",
    "IS2_REDIS_URL",
    "IS2_ENCRYPTION_KEYS",
    "IS2_KEY_PROVIDER",
    "IS2_SESSION_SECRET",
    "IS2_PUBLIC_URL",
    "IS2_TIMEZONE",
    "IS2_LOG_LEVEL",
    "IS2_ALLOW_PLAIN_HTTP",
    "IS2_ALLOW_PLAINTEXT",
    "IS2_ALLOW_PRIVATE_HOSTS",
    "IS2_CLOCK_OFFSET",
    "IS2_LIMITS",
    "IS2_NO_SECOND_FACTOR",
    "IS2_TRUSTED_PROXY",
    "IS2_SPAPI_MODELS",
)
MOST_LIMITS = 100
_YES, _NO = {"1", "true", "yes", "on"}, {"", "0", "false", "no", "off"}
_DATABASES = ("postgresql+psycopg://", "sqlite:///")
_REDISES = ("redis://", "rediss://", "unix://")


class ConfigError(CannotStart):
    """The environment does not add up; the message says which variable and what to do."""


@dataclass(frozen=True)
class Config:
    """The configuration of a process.

    Args:
        database_url: SQLAlchemy URL, `sqlite:///…` or `postgresql+psycopg://…`.
        redis_url: where wake-ups and rate limits are.
        keyring, keys: keys for personal data and tokens, and where they are had from again.
        session_secret: signs the panel's cookies.
        public_url: how browsers reach the panel: scheme, host and perhaps port, without a trailing slash.
        allow_private_hosts: whether a shop's own address may be on a private network (demo and tests only).
        timezone: the warehouse's, by its tz database name; daily work is done at night there.
        allow_plain_http: whether the panel may run without TLS (loopback only).
        allow_plaintext: which links may go without TLS off the loopback address.
        clock_offset: whether the clock may be moved forward (demo and tests only, see `OffsetClock`).
        limits: how many times the usual may be asked for of what is limited; 0 has no limits (tests only).
        trusted_proxy: the address whose word is taken for who asks, `*` for any, "" for nobody's.
        second_factor: whether everybody who signs in must have a second factor (not on trials).
    """

    database_url: str
    redis_url: str
    keyring: Keyring = field(repr=False)
    session_secret: str = field(repr=False)
    public_url: str = DEFAULT_PUBLIC_URL
    allow_private_hosts: bool = False
    allow_plain_http: bool = False
    keys: KeySource | None = field(default=None, repr=False, compare=False)
    allow_plaintext: frozenset[Link] = frozenset()
    timezone: str = "UTC"
    clock_offset: bool = False
    limits: int = 1
    trusted_proxy: str = ""
    second_factor: bool = True

    @staticmethod
    def from_environment(environ: Mapping[str, str] | None = None) -> Config:
        """Read the environment.

        Raises:
            ConfigError: a needed variable is missing or unusable.
        """
        env = os.environ if environ is None else environ
        keys = key_source(env, setting(env, "IS2_ENCRYPTION_KEYS", "" if env.get("IS2_KEY_PROVIDER") else None))
        session_secret = setting(env, "IS2_SESSION_SECRET")
        if problem := secret_problem(session_secret):
            raise ConfigError(f"IS2_SESSION_SECRET {problem}: make one with `openssl rand -base64 48`")
        config = Config(
            database_url=_database_url(setting(env, "IS2_DATABASE_URL")),
            redis_url=_redis_url(setting(env, "IS2_REDIS_URL")),
            keyring=keys.keyring(),
            keys=keys,
            session_secret=session_secret,
            public_url=_public_url(setting(env, "IS2_PUBLIC_URL", DEFAULT_PUBLIC_URL)),
            allow_private_hosts=_flag(env, "IS2_ALLOW_PRIVATE_HOSTS"),
            allow_plain_http=_flag(env, "IS2_ALLOW_PLAIN_HTTP"),
            allow_plaintext=allowed_plaintext(setting(env, "IS2_ALLOW_PLAINTEXT", "")),
            timezone=_zone(setting(env, "IS2_TIMEZONE", "UTC")),
            clock_offset=_flag(env, "IS2_CLOCK_OFFSET"),
            limits=_limits(setting(env, "IS2_LIMITS", "1")),
            trusted_proxy=_proxy(setting(env, "IS2_TRUSTED_PROXY", "")),
            second_factor=not _flag(env, "IS2_NO_SECOND_FACTOR"),
        )
        config.check_links(env)
        if config.public_url != DEFAULT_PUBLIC_URL:
            config.check_sign_in()
        return config

    @property
    def is_production(self) -> bool:
        """Whether people reach the panel from elsewhere: nothing of a trial is allowed then."""
        return not is_loopback(urlsplit(self.public_url).hostname)

    @property
    def sends_cookies_in_plaintext(self) -> bool:
        """Whether the panel's cookies may be sent without TLS."""
        return self.allow_plain_http or Link.PANEL in self.allow_plaintext

    def check_links(self, environ: Mapping[str, str] | None = None) -> None:
        """Check that everything is encrypted on its way off this machine, and that a public panel has no flag of a
        trial.

        Raises:
            ConfigError: at the first that is not so.
        """
        flags = {
            "IS2_CLOCK_OFFSET": self.clock_offset,
            "IS2_ALLOW_PLAIN_HTTP": self.allow_plain_http and Link.PANEL not in self.allow_plaintext,
            "IS2_ALLOW_PRIVATE_HOSTS": self.allow_private_hosts,
            "IS2_NO_SECOND_FACTOR": not self.second_factor,
        }
        for problem in (
            database_problem(self.database_url, self.allow_plaintext, os.environ if environ is None else environ),
            redis_problem(self.redis_url, self.allow_plaintext),
            trial_problem(self.public_url, flags),
        ):
            if problem:
                raise ConfigError(problem)

    @property
    def hides_addresses(self) -> bool:
        """Whether everybody seems to ask from one address, that of a proxy in front that nobody named."""
        return self.public_url.startswith("https:") and not self.trusted_proxy

    def check_sign_in(self) -> None:
        """Check that browsers will send the panel its cookies.

        Raises:
            ConfigError: they would not, so that nobody could sign in.
        """
        problem = panel_problem(self.public_url, self.allow_plaintext, plain_http=self.allow_plain_http)
        if problem:
            raise ConfigError(problem)


def log_level(environ: Mapping[str, str] | None = None) -> str:
    """Read how many lines are logged.

    Raises:
        ConfigError: there is no such level.
    """
    level = setting(os.environ if environ is None else environ, "IS2_LOG_LEVEL", "INFO").upper()
    if level not in logging.getLevelNamesMapping():
        raise ConfigError(f"IS2_LOG_LEVEL: there is no level {level!r}; write DEBUG, INFO, WARNING or ERROR")
    return level


def warnings(environ: Mapping[str, str] | None = None) -> list[str]:
    """Return what is likely a mistake in the environment, and hinders nobody: names that nothing reads, each with the
    one it resembles, and a flag that the address does not need."""
    env = os.environ if environ is None else environ
    known = {*NAMES, *(f"{name}_FILE" for name in NAMES)}
    found = []
    for name in sorted(name for name in env if name.upper().startswith("IS2_") and name not in known):
        nearest = get_close_matches(name.upper(), sorted(known), 1)
        meant = f"; did you mean {nearest[0]}?" if nearest else ""
        found.append(f"{name} is no setting of IS2 and is ignored{meant}")
    if _flag(env, "IS2_ALLOW_PLAIN_HTTP") and env.get("IS2_PUBLIC_URL", "").lower().startswith("https:"):
        found.append("IS2_ALLOW_PLAIN_HTTP takes protection from the panel's cookies that an https address can have")
    return found


def setting(env: Mapping[str, str], name: str, default: str | None = None) -> str:
    """Read one variable, or the file that its sibling `NAME_FILE` names.

    Raises:
        ConfigError: it is needed and missing, or the file cannot be read.
    """
    if env.get(name, "").strip():
        return env[name].strip()
    path = env.get(f"{name}_FILE")
    if path:
        try:
            value = Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ConfigError(f"{name}_FILE: cannot read {path}: {error.strerror}") from error
        except ValueError as error:
            raise ConfigError(f"{name}_FILE: {path} is no text") from error
        if not value:
            raise ConfigError(f"{name}_FILE: {path} is empty")
        return value
    if default is None:
        raise ConfigError(f"set {name} or {name}_FILE (`is2 up` makes both for a local trial)")
    return default


def _database_url(url: str) -> str:
    # The address is not quoted: it may hold a password.
    if not url.startswith(_DATABASES):
        raise ConfigError(f"IS2_DATABASE_URL must begin with {' or '.join(_DATABASES)}")
    try:
        parts = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        raise ConfigError(
            "IS2_DATABASE_URL cannot be read: write postgresql+psycopg://user:password@host:5432/database, and in the "
            "password %40 for @, %3A for : and %2F for /"
        ) from None
    if not parts.database or ":memory:" in parts.database:
        raise ConfigError("IS2_DATABASE_URL names no database that several processes could share")
    return url


def _redis_url(url: str) -> str:
    if not url.startswith(_REDISES):
        raise ConfigError(f"IS2_REDIS_URL must begin with {', '.join(_REDISES[:-1])} or {_REDISES[-1]}")
    try:
        parts = urlsplit(url)
        usable = bool(parts.path if parts.scheme == "unix" else parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ConfigError("IS2_REDIS_URL cannot be read: write redis://:password@host:6379/0")
    return url


def _public_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    # The session's cookie is the whole host's (`__Host-`), so no other site may share it below another path.
    if not usable or parts.username is not None or parts.path.strip("/") or parts.query or parts.fragment:
        raise ConfigError(
            f"IS2_PUBLIC_URL is {url}: give scheme and host only, such as https://is2.example.com; the panel is served "
            "at the root of its host"
        )
    return f"{parts.scheme}://{parts.netloc}"


def _zone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (KeyError, OSError, ValueError) as error:
        raise ConfigError(f"IS2_TIMEZONE: there is no time zone {name!r}") from error


def _limits(value: str) -> int:
    if not (value.isascii() and value.isdigit() and 1 <= int(value) <= MOST_LIMITS):
        raise ConfigError(f"IS2_LIMITS is {value!r}: write how many times the usual, a number from 1 to {MOST_LIMITS}")
    return int(value)


def _proxy(value: str) -> str:
    if value in ("", "*"):
        return value
    try:
        return str(ip_address(value))
    except ValueError as error:
        raise ConfigError(
            f"IS2_TRUSTED_PROXY is {value!r}: give the IP address that the proxy reaches the panel from, or * where "
            "nobody but the proxy can reach it"
        ) from error


def _flag(env: Mapping[str, str], name: str) -> bool:
    value = setting(env, name, "").lower()
    if value not in _YES | _NO:
        raise ConfigError(f"{name} is {value!r}: write 1 for yes, or leave it out")
    return value in _YES
