"""`is2 privacy`: what is held of buyers, and deleting it on request."""

from __future__ import annotations

from collections.abc import Callable

import click

from cli.environment import platform_of_environment
from is2_core.errors import FlowError
from is2_core.platform import Platform
from is2_core.privacy import queries, requests
from is2_core.privacy.requests import Forgotten


@click.group()
def privacy() -> None:
    """Show what is held of buyers, and delete it on request."""


@privacy.command("held")
def held() -> None:
    """Print how many buyers' addresses are held, how old the oldest is, and when the next purge is."""
    found = queries.held(platform_of_environment())
    oldest = "none whose order has ended" if found.oldest_days is None else f"{found.oldest_days} days"
    planned = f"{found.next_purge_at:%Y-%m-%d %H:%M} UTC" if found.next_purge_at else "not planned yet"
    click.echo(f"Buyers' addresses held: {found.addresses}, oldest: {oldest}, next purge: {planned}.")


@privacy.command("forget-buyer")
@click.argument("numbers", nargs=-1, required=True, metavar="ORDER_NUMBER...")
def forget_buyer(numbers: tuple[str, ...]) -> None:
    """Delete what is held of the buyers of these orders, by our numbers or the shop's. Orders that are open end."""
    _forget(lambda platform: requests.forget_buyers(platform, numbers))


@privacy.command("forget-account")
@click.argument("code")
def forget_account(code: str) -> None:
    """Delete what is held of all buyers of an account, by its code. Its stores have to be disconnected before."""
    _forget(lambda platform: requests.forget_account(platform, code))


def _forget(request: Callable[[Platform], Forgotten]) -> None:
    try:
        found = request(platform_of_environment())
    except FlowError as error:
        raise click.ClickException(error.message) from error
    click.echo(f"{found.text}\n{requests.REMAINS}")
