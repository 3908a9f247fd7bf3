"""`is2 db`: the tables."""

from __future__ import annotations

import click

from cli.keys import reseal_all
from is2_core.bootstrap import build_platform
from is2_core.config import Config
from is2_core.startup import upgrade_database


@click.group()
def db() -> None:
    """Look after the database."""


@db.command("upgrade")
def upgrade_command() -> None:
    """Create the tables, or bring them to the newest revision; run it at every deployment."""
    platform = build_platform(Config.from_environment())
    upgrade_database(platform.db)
    click.echo("The database has the newest tables.")
    reseal_all(platform)
