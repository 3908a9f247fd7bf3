"""`is2 keys`: making encryption keys, and bringing what is stored to the newest one."""

from __future__ import annotations

import time

import click

from cli.environment import platform_of_environment
from is2_core.admin import encryption_keys
from is2_core.crypto import Keyring
from is2_core.db.reseal import all_steps, reseal
from is2_core.db.types import keyring
from is2_core.errors import FlowError
from is2_core.platform import Platform
from is2_core.settings.key_providers import FRESH_S

_MOST_TOLD = 20


@click.group()
def keys() -> None:
    """Make encryption keys, and change over to them."""


@keys.command()
@click.option("--id", "key_id", default="k1", show_default=True, help="A name no earlier key of yours has.")
def generate(key_id: str) -> None:
    """Print a fresh key for IS2_ENCRYPTION_KEYS.

    To rotate, put the new key in front of the old ones, separated by a comma, or let `is2 keys rotate --new` do it.
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


@keys.command("rotate")
@click.option("--new", "key_id", help="First put a new key of this name in front, in the file of the keys.")
def rotate_command(key_id: str | None) -> None:
    """Encrypt everything with the first key while all processes run.

    Broken off, it is started again and goes on. With keys in a file, running processes read it again by themselves;
    with keys in the environment, restart them before.
    """
    if key_id is not None and not key_id.isalnum():
        raise click.BadParameter("use letters and digits only", param_hint="--new")
    platform = platform_of_environment()
    if key_id is not None:
        try:
            encryption_keys.add_key(platform, key_id)
        except FlowError as error:
            raise click.ClickException(error.message) from error
        click.echo(f"Key {key_id} was put in front; the others stay behind it.")
    left = encryption_keys.rotate(platform, _tell, lambda: time.sleep(FRESH_S))
    platform.db.dispose()
    if left:
        raise click.ClickException(
            f"{left} values are sealed with an older key, or were again meanwhile: restart processes that have older "
            "keys, and run this again; `is2 keys check` names what does not open"
        )
    click.echo(f"Everything is encrypted with {keyring().current}; `is2 keys check` says which keys can go.")


def _tell(done: int, total: int) -> None:
    click.echo(f"{done} of {total} values")


@keys.command("check")
def check_command() -> None:
    """Open every encrypted value, and say which keys are still needed."""
    platform = platform_of_environment()
    report, held = encryption_keys.check_keys(platform), keyring()
    platform.db.dispose()
    for key_id in [*held.keys, *sorted(report.counts.keys() - held.keys.keys())]:
        count = report.counts[key_id]
        note = "seals" if key_id == held.current else "can be dropped, but for backups" if not count else "needed"
        click.echo(f"{key_id}: {count} values; {note if key_id in held.keys else 'needed, and missing here'}")
    if report.unsealed:
        click.echo(f"{report.unsealed} texts of an earlier release wait to be encrypted: run `is2 keys rotate`.")
    for line in report.closed[:_MOST_TOLD]:
        click.echo(line)
    if report.closed:
        raise click.ClickException(f"{len(report.closed)} values do not open")
    click.echo("Every encrypted value opens.")


def reseal_all(platform: Platform) -> None:
    """Do it, and say how many rows changed."""
    count = reseal(platform.db.write, all_steps())
    platform.db.dispose()
    if count:
        click.echo(f"{count} stored values were encrypted anew.")
