"""`is2 db`: the tables."""

from __future__ import annotations

import click

from cli.environment import config_of_environment
from cli.keys import reseal_all
from is2_core.bootstrap import build_platform
from is2_core.db.schema import upgrade


@click.group()
def db() -> None:
    """Look after the database."""


@db.command("upgrade")
def upgrade_command() -> None:
    """Create the tables, or bring them to the newest revision; run it at every deployment."""
    config = config_of_environment()
    upgrade(config.database_url)
    click.echo("The database has the newest tables.")
    reseal_all(build_platform(config))
