"""Checking that what is sent elsewhere is encrypted on its way, and that nothing of a trial is set where people work.

Off the loopback address a link needs TLS with a certificate that is verified, or a name in `IS2_ALLOW_PLAINTEXT`, by
which an operator says that the network between is private.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from enum import StrEnum
from ipaddress import ip_address
from urllib.parse import parse_qsl, urlsplit

import sqlalchemy as sa

from is2_core.errors import CannotStart


class Link(StrEnum):
    """Links that may be named in `IS2_ALLOW_PLAINTEXT`: the ways of a process to others, and PANEL that of browsers
    to it."""

    DATABASE = "database"
    REDIS = "redis"
    PANEL = "panel"
    CART = "shop"


# PostgreSQL's libpq verifies certificate and host name in this mode alone (its manual, "Client Verification of Server
# Certificates"): require encrypts towards whoever answers, verify-ca takes any certificate of the same authority.
_VERIFIES = "verify-full"
# Of the options redis-py reads from an address, those that take nothing away from the verification of a certificate.
_REDIS_TLS = frozenset({"ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_keyfile", "ssl_password"})
_REDIS_FIXED = {"ssl_cert_reqs": "required", "ssl_check_hostname": "true"}


def allowed_plaintext(text: str) -> frozenset[Link]:
    """Read `IS2_ALLOW_PLAINTEXT`.

    Raises:
        CannotStart: a name is none of the links.
    """
    names = [name.strip().lower() for name in text.split(",") if name.strip()]
    known = ", ".join(Link)
    for name in names:
        if name not in list(Link):
            raise CannotStart(f"IS2_ALLOW_PLAINTEXT names {name!r}: write one or more of {known}, separated by commas")
    return frozenset(Link(name) for name in names)


def is_loopback(host: str | None) -> bool:
    """Whether a host is this machine whatever a name server says; a folder, of a Unix socket, is too."""
    name = (host or "").strip("[]").lower()
    if name.startswith("/") or name == "localhost":
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def database_problem(url: str, allowed: frozenset[Link], environ: Mapping[str, str] = os.environ) -> str:
    """Return why the way to the database is not safe, "" where it is."""
    parts = sa.make_url(url)
    if parts.drivername.startswith("sqlite") or Link.DATABASE in allowed:
        return ""
    query = {name: value if isinstance(value, str) else value[-1] for name, value in parts.query.items()}
    if all(is_loopback(host) for host in _database_hosts(parts.host, query, environ)):
        return ""
    mode = query.get("sslmode") or environ.get("PGSSLMODE") or "prefer"
    if mode == _VERIFIES:
        return ""
    flaw = "encrypts towards whoever answers, which is not verification" if mode == "require" else "verifies nobody"
    if mode == "verify-ca":
        flaw = "takes any certificate of the same authority"
    return (
        f"IS2_DATABASE_URL leads off this machine and sslmode={mode} {flaw}: add ?sslmode=verify-full&sslrootcert="
        "<file of the authority>, or, where the network between is private, set IS2_ALLOW_PLAINTEXT=database"
    )


def _database_hosts(host: str | None, query: Mapping[str, str], environ: Mapping[str, str]) -> Iterator[str]:
    """List where libpq would connect to, which takes several hosts at once, and what is not given from elsewhere."""
    if "service" in query or (not host and environ.get("PGSERVICE")):
        # A file of libpq's own says where that is.
        yield "service"
    for given in (query.get("host") or host, query.get("hostaddr")):
        yield from (given or "").split(",") if given else ()
    if not (host or query.get("host") or query.get("hostaddr")):
        yield from (environ.get("PGHOSTADDR") or environ.get("PGHOST") or "/").split(",")


def redis_problem(url: str, allowed: frozenset[Link]) -> str:
    """Return why the way to Redis is not safe, "" where it is."""
    parts = urlsplit(url)
    if parts.scheme == "rediss":
        for name, value in parse_qsl(parts.query, keep_blank_values=True):
            weakens = name.startswith("ssl_") and name not in _REDIS_TLS and _REDIS_FIXED.get(name) != value.lower()
            if weakens:
                return (
                    f"IS2_REDIS_URL has {name}, and how certificates are verified cannot be changed: take it out "
                    "(ssl_ca_certs may name the file of an authority of your own)"
                )
        return ""
    if parts.scheme == "unix" or is_loopback(parts.hostname) or Link.REDIS in allowed:
        return ""
    return (
        "IS2_REDIS_URL leads off this machine without TLS: write rediss://, or, where the network between is private, "
        "set IS2_ALLOW_PLAINTEXT=redis"
    )


def panel_problem(url: str, allowed: frozenset[Link], *, plain_http: bool) -> str:
    """Return why browsers would not reach the panel safely, or not at all, "" where they do.

    Args:
        plain_http: `IS2_ALLOW_PLAIN_HTTP`, which is good for the loopback address only.
    """
    parts = urlsplit(url)
    if parts.scheme == "https" or Link.PANEL in allowed:
        return ""
    if not is_loopback(parts.hostname):
        return (
            f"IS2_PUBLIC_URL is {url}, and passwords would travel in plain text: give the https address of the proxy "
            "in front of the panel, or, where the network between is private, set IS2_ALLOW_PLAINTEXT=panel"
        )
    if plain_http:
        return ""
    return (
        f"IS2_PUBLIC_URL is {url}, and without TLS nobody can sign in: give the https address of the proxy in front of "
        "the panel, or for a trial on the loopback address set IS2_ALLOW_PLAIN_HTTP=1"
    )


def trial_problem(url: str, flags: Mapping[str, bool]) -> str:
    """Return which flag of a trial is set although the panel is a public one, "" where none is.

    Args:
        flags: by the variable's name.
    """
    if is_loopback(urlsplit(url).hostname):
        return ""
    name = next((name for name, is_set in flags.items() if is_set), "")
    return f"{name} is for trials on one machine, and IS2_PUBLIC_URL is {url}: take {name} out" if name else ""
