"""`is2 keys`: making encryption keys, and bringing what is stored to the newest one."""

from __future__ import annotations

import click

from cli.environment import platform_of_environment
from is2_core.crypto import Keyring
from is2_core.db.reseal import all_steps, reseal
from is2_core.platform import Platform


@click.group()
def keys() -> None:
    """Make encryption keys, and change over to them."""


@keys.command()
@click.option("--id", "key_id", default="k1", show_default=True, help="A name no earlier key of yours has.")
def generate(key_id: str) -> None:
    """Print a fresh key for IS2_ENCRYPTION_KEYS.

    To rotate, put the new key in front of the old ones, separated by a comma.
    """
    if not key_id.isalnum():
        raise click.BadParameter("use letters and digits only", param_hint="--id")
    click.echo(Keyring.generate(key_id))


@keys.command("reseal")
def reseal_command() -> None:
    """Encrypt with the first key all that earlier keys, or earlier releases, encrypted.

    Beside running processes, which do the same once a day; broken off, it is simply started again.
    """
    reseal_all(platform_of_environment())


def reseal_all(platform: Platform) -> None:
    """Do it, and say how many rows changed."""
    count = reseal(platform.db.write, all_steps())
    platform.db.dispose()
    if count:
        click.echo(f"{count} stored values were encrypted anew.")
