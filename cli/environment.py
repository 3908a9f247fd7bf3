"""The platform the environment describes, for a command."""

from __future__ import annotations

import logging

import click

from is2_core.bootstrap import build_platform
from is2_core.config import Config, ConfigError
from is2_core.db.schema import is_current
from is2_core.platform import Platform


def platform_of_environment() -> Platform:
    """The platform, its database checked to have the newest tables.

    Raises:
        click.ClickException: the environment does not add up, or the database wants `is2 db upgrade`.
    """
    platform = build_platform(config_of_environment())
    # Alembic's own lines are for `is2 db upgrade`.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    if not is_current(platform.db):
        raise click.ClickException("The database does not have the newest tables. Run: is2 db upgrade")
    platform.db.dispose()
    return platform


def config_of_environment() -> Config:
    """The configuration.

    Raises:
        click.ClickException: a variable is missing or unusable; the message names it.
    """
    try:
        return Config.from_environment()
    except ConfigError as error:
        raise click.ClickException(str(error)) from error
