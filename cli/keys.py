"""`is2 keys`: making encryption keys."""

from __future__ import annotations

import click

from is2_core.crypto import Keyring


@click.group()
def keys() -> None:
    """Make encryption keys."""


@keys.command()
@click.option("--id", "key_id", default="k1", show_default=True, help="A name no earlier key of yours has.")
def generate(key_id: str) -> None:
    """Print a fresh key for IS2_ENCRYPTION_KEYS.

    To rotate, put the new key in front of the old ones, separated by a comma.
    """
    if not key_id.isalnum():
        raise click.BadParameter("use letters and digits only", param_hint="--id")
    click.echo(Keyring.generate(key_id))
