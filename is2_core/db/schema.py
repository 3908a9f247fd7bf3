"""Bringing a database to the schema this code expects, with Alembic."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from is2_core.db.engine import Database

_MIGRATIONS = Path(__file__).parent / "migrations"


def alembic_config(url: str) -> Config:
    """Alembic's configuration for a database."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    # Alembic interpolates "%": a password may hold one.
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return config


def upgrade(url: str) -> None:
    """Create the tables, or bring them to the newest revision."""
    command.upgrade(alembic_config(url), "head")


def revision_problem(db: Database) -> str:
    """Return why this code cannot work on the database as it is, "" where it can.

    A revision this code does not know is one of a later release: those only add, so that processes of this one go on.
    """
    present, known = _revision(db), _known_revisions()
    if present is None:
        return "The database has no tables: run `is2 db upgrade`."
    if present in known[1:]:
        return f"The database is at revision {present}, this release needs {known[0]}: run `is2 db upgrade`."
    return ""


def is_of_later_release(db: Database) -> bool:
    """Tell whether a later release has brought the database to a revision that this one does not know."""
    return _revision(db) not in (None, *_known_revisions())


def _revision(db: Database) -> str | None:
    with db.engine.connect().execution_options(is2_writes=False) as connection:
        return MigrationContext.configure(connection).get_current_revision()


@cache
def _known_revisions() -> tuple[str, ...]:
    """Read the revisions of this release, the newest first."""
    scripts = ScriptDirectory(str(_MIGRATIONS))
    return tuple(script.revision for script in scripts.walk_revisions())
