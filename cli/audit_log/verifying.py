"""`is2 audit`: whether the audit log is whole."""

from __future__ import annotations

import click

from cli.environment import platform_of_environment
from is2_core.audit.chain import Place
from is2_core.audit.verify import verify
from is2_core.crypto import UnknownKey


@click.group()
def audit() -> None:
    """Look after the audit log."""


@audit.command("verify")
@click.option(
    "--head", "noted", default="", help="An end that was printed earlier and kept elsewhere: POSITION:DIGEST."
)
def verify_command(noted: str) -> None:
    """Check that no row was changed, deleted, added or moved; the exit code is 1 where one was.

    Prints the end of the chain. Keep it where nobody who can write to the database can: given with --head later on, it
    proves that nothing was cut off since.
    """
    platform = platform_of_environment()
    try:
        found = verify(platform.db, platform.clock.now(), _place(noted) if noted else None)
    except UnknownKey as error:
        raise click.ClickException(f"The audit log cannot be checked without its key: {error}.") from error
    finally:
        platform.db.dispose()
    if found.problem:
        raise click.ClickException(f"The audit log is broken at {found.problem}. {found.rows} rows before it are good.")
    click.echo(f"{found.rows} rows are good, {found.waiting} wait for the next minute's sealing.")
    if found.anchor.position:
        click.echo(f"The {found.anchor.position} rows before them, until {found.anchor.at}, were deleted by retention.")
    if found.is_late:
        click.echo("Warning: rows wait for more than an hour. Does a dispatcher run, and a worker?", err=True)
    click.echo(f"The end is {found.head.position}:{found.head.digest or '-'}")


def _place(text: str) -> Place:
    position, _, digest = text.partition(":")
    if not (position.isascii() and position.isdigit() and digest):
        raise click.BadParameter("give it as it was printed: a number, a colon and the digest", param_hint="--head")
    return Place(int(position), digest if digest != "-" else "")
