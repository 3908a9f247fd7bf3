"""Whether a process can do its work as it is set up: what panel, worker, dispatcher and commands ask before they begin.

Each problem is a `CannotStart` with a message of one line that says what to do; no message quotes a password or a key.
"""

from __future__ import annotations

import logging
import multiprocessing
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.connection import Connection
from urllib.parse import urlsplit

import redis
import sqlalchemy as sa
from alembic.util import CommandError
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy.exc import SQLAlchemyError

from is2_core.db.canary import keys_problem
from is2_core.db.engine import Database
from is2_core.db.schema import is_of_later_release, revision_problem, upgrade
from is2_core.errors import CannotStart
from is2_core.platform import Platform

_log = logging.getLogger(__name__)
_REDIS_S = 5
_PROBE = "is2:start"


def check_start(platform: Platform) -> None:
    """Check database, tables, keys and Redis.

    Raises:
        CannotStart: a process cannot work with them.
    """
    check_database(platform.db)
    check_redis(platform.config.redis_url)


def check_start_in_child(platform: Platform) -> None:
    """Do the same in a child that ends before others are forked: what they would share of a connection breaks it.

    Raises:
        CannotStart: a process cannot work with them.
    """
    context = multiprocessing.get_context("fork")
    hears, tells = context.Pipe(duplex=False)
    child = context.Process(target=_tell, args=(lambda: check_start(platform), tells))
    child.start()
    tells.close()
    try:
        problem = hears.recv()
    except EOFError:
        problem = "the check at the start broke off; the lines above say where"
    child.join()
    if problem:
        raise CannotStart(problem)


def _tell(check: Callable[[], None], tells: Connection) -> None:
    problem = ""
    try:
        check()
    except CannotStart as error:
        problem = str(error)
    tells.send(problem)


def check_database(db: Database) -> None:
    """Check that the database answers, can be written, has this release's tables, and opens with these keys.

    Raises:
        CannotStart: one of them is not so.
    """
    with _database_answers(db.url):
        problem = revision_problem(db)
        if not problem and is_of_later_release(db):
            problem = "The database was upgraded by a later release of IS2: start that one, or restore a backup."
        if not problem and (closed := keys_problem(db)):
            problem = f"IS2_ENCRYPTION_KEYS are not the keys of this database: {closed}."
    if problem:
        raise CannotStart(problem)


def upgrade_database(db: Database) -> None:
    """Create the tables, or bring them to the newest revision, and check the keys.

    Raises:
        CannotStart: it cannot be done, or the keys are not this database's.
    """
    with _database_answers(db.url):
        try:
            upgrade(db.url)
        except CommandError as error:
            raise CannotStart(f"The database cannot be upgraded: {error}. Was it by a later release of IS2?") from error
    check_database(db)


@contextmanager
def _database_answers(url: str) -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error)
        # Where the server has several addresses, the driver tells of each in a line of its own, with advice indented.
        told = [line for line in reason.splitlines() if line.strip() and not line[0].isspace()]
        line = told[-1] if told else type(error).__name__
        shown = sa.make_url(url).set(query={}).render_as_string(hide_password=True)
        raise CannotStart(f"IS2_DATABASE_URL: the database {shown} cannot be used: {line}") from error


def check_redis(url: str) -> None:
    """Check that Redis answers, takes writes, and throws nothing away when its memory is short.

    Raises:
        CannotStart: one of them is not so.
    """
    try:
        with redis.Redis.from_url(
            url, socket_timeout=_REDIS_S, socket_connect_timeout=_REDIS_S, retry=Retry(NoBackoff(), 0)
        ) as client:
            client.set(_PROBE, "1", ex=1)
            settings = _settings(client)
    except (redis.RedisError, ValueError, OSError) as error:
        parts = urlsplit(url)
        shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
        line = " ".join(str(error).split()) or type(error).__name__
        if isinstance(error, redis.AuthenticationError):
            # Its own message speaks of the protocol where no password was given.
            line = "the password is missing or wrong"
        raise CannotStart(f"IS2_REDIS_URL: Redis at {shown} cannot be used: {line}") from error
    policy = settings.get("maxmemory-policy", "noeviction")
    if policy != "noeviction":
        raise CannotStart(
            f"Redis has maxmemory-policy {policy}, and may throw wake-ups away: set it to noeviction (in its "
            "configuration, or by CONFIG SET maxmemory-policy noeviction)"
        )
    if settings.get("appendonly") == "no" and settings.get("save") == "":
        _log.warning(
            "Redis keeps nothing on disk (appendonly no, no save): after it restarts, wake-ups are sent again and rate "
            "limits begin full; nothing is lost"
        )


def _settings(client: redis.Redis) -> Mapping[str | None, str | None]:
    """Read what a managed service may forbid to read; the operator's documentation names the settings."""
    try:
        return client.config_get("maxmemory-policy", "appendonly", "save")
    except redis.ResponseError:
        return {}
