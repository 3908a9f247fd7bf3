"""`is2 admin`, `is2 account`, `is2 user`: who may sign in, without needing the panel for the first of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TextIO

import click
import sqlalchemy as sa

from cli.environment import platform_of_environment
from is2_core.accounts import access_review, people, roles, users
from is2_core.accounts.models import Account
from is2_core.accounts.signing_in import administration
from is2_core.accounts.signing_in.links import Link
from is2_core.accounts.signing_in.password_rules import generate_password
from is2_core.accounts.states import MemberRole, Role
from is2_core.errors import FlowError
from is2_core.platform import Platform

_ROLES = click.Choice([role.value for role in Role])
_MEMBER_ROLES = click.Choice([role.value for role in MemberRole])
_password_options = (
    click.option("--password-file", type=click.File("r"), help="Holds the password; - is standard input."),
    click.option("--generate-password", "generated", is_flag=True, help="Make a password up and print it once."),
)


@click.group()
def admin() -> None:
    """Administrators of the platform."""


@admin.command("create")
@click.argument("email")
@click.option("--name", default="", help="How the panel calls them; the e-mail address where left out.")
@_password_options[0]
@_password_options[1]
def create_admin(email: str, name: str, password_file: TextIO | None, generated: bool) -> None:
    """Make an administrator."""
    password = _password(password_file, generated)
    _create_user(platform_of_environment(), email, name, Role.ADMIN, password, show=generated)


@click.group()
def account() -> None:
    """Merchant accounts."""


@account.command("create")
@click.argument("name")
def create_account(name: str) -> None:
    """Make a merchant account."""
    try:
        account_id = users.create_account(platform_of_environment(), name)
    except FlowError as error:
        raise click.ClickException(error.message) from error
    click.echo(f"The account {name.strip()} was made (number {account_id}).")


@click.group()
def user() -> None:
    """People who sign in."""


@user.command("create")
@click.argument("email")
@click.option("--name", default="", help="How the panel calls them; the e-mail address where left out.")
@click.option("--role", type=_ROLES, default=Role.MERCHANT.value, show_default=True)
@click.option("--account", "account_name", help="The account a merchant's user belongs to.")
@click.option("--as", "member_role", type=_MEMBER_ROLES, default=MemberRole.OWNER.value, show_default=True)
@_password_options[0]
@_password_options[1]
def create_user(
    *,
    email: str,
    name: str,
    role: str,
    account_name: str | None,
    member_role: str,
    password_file: TextIO | None,
    generated: bool,
) -> None:
    """Make a user."""
    password = _password(password_file, generated)
    platform = platform_of_environment()
    place = {}
    if account_name:
        place = {"account_id": _account_id(platform, account_name), "member_role": member_role}
    _create_user(platform, email, name, role, password, show=generated, **place)


@user.command("disable")
@click.argument("email")
def disable_user(email: str) -> None:
    """Sign a user out everywhere and let them sign in no more."""
    _change(email, "is disabled.", lambda platform, user_id: _set_enabled(platform, user_id, False))


@user.command("enable")
@click.argument("email")
def enable_user(email: str) -> None:
    """Let a disabled user sign in again."""
    _change(email, "can sign in.", lambda platform, user_id: _set_enabled(platform, user_id, True))


@user.command("set-password")
@click.argument("email")
@_password_options[0]
@_password_options[1]
def set_password(email: str, password_file: TextIO | None, generated: bool) -> None:
    """Give a user another password; all their sessions end."""
    password = _password(password_file, generated)
    _change(
        email,
        "has the new password.",
        lambda platform, user_id: people.set_password(platform, user_id=user_id, password=password, by=None),
    )
    if generated:
        click.echo(f"Password, shown only now: {password}")


@user.command("invite")
@click.argument("email")
@click.option("--name", default="", help="How the panel calls them; the e-mail address where left out.")
@click.option("--role", type=_ROLES, default=Role.MERCHANT.value, show_default=True)
@click.option("--account", "account_name", help="The account a merchant's user belongs to.")
@click.option("--as", "member_role", type=_MEMBER_ROLES, default=MemberRole.OWNER.value, show_default=True)
def invite(*, email: str, name: str, role: str, account_name: str | None, member_role: str) -> None:
    """Make a user who chooses a password by a link, and print the link."""
    platform = platform_of_environment()
    place: dict[str, Any] = {}
    if account_name:
        place = {"account_id": _account_id(platform, account_name), "member_role": member_role}
    try:
        user_id = users.create_user(platform, email=email, name=name, password=None, role=role, **place)
        link = administration.make_link(platform, user_id=user_id, by=None)
    except FlowError as error:
        raise click.ClickException(error.message) from error
    _print_link(link)


@user.command("reset-link")
@click.argument("email")
def reset_link(email: str) -> None:
    """Print a link by which a user chooses another password; links of before end."""
    platform = platform_of_environment()
    try:
        link = administration.make_link(platform, user_id=people.user_id_of(platform, email), by=None)
    except FlowError as error:
        raise click.ClickException(error.message) from error
    _print_link(link)


@user.command("unlock")
@click.argument("email")
def unlock_user(email: str) -> None:
    """Let a user sign in again at once, whatever was tried in vain."""
    _change(email, "can sign in again.", lambda p, user_id: administration.unlock(p, user_id=user_id, by=None))


@user.command("reset-second-factor")
@click.argument("email")
def reset_second_factor(email: str) -> None:
    """Take a user's second factor away: all their sessions end, and they set up another at the next sign-in."""
    _change(
        email,
        "has no second factor any more.",
        lambda p, user_id: administration.reset_second_factor(p, user_id=user_id, by=None),
    )


@user.command("set-role")
@click.argument("email")
@click.argument("role", type=_ROLES)
@click.option("--account", "account_name", help="The account a merchant is to belong to.")
@click.option("--as", "member_role", type=_MEMBER_ROLES, default=MemberRole.MEMBER.value, show_default=True)
def set_role(email: str, role: str, account_name: str | None, member_role: str) -> None:
    """Make a user something else; staff leave every account."""

    def change(platform: Platform, user_id: int) -> None:
        account_id = _account_id(platform, account_name) if account_name else None
        roles.change_role(platform, user_id=user_id, role=role, account_id=account_id, member_role=member_role, by=None)

    _change(email, f"is {role} now.", change)


@user.command("review")
@click.option("--done", is_flag=True, help="Note that the list was looked through.")
def review(done: bool) -> None:
    """List everybody who can sign in, for the access review, and say when the next is due."""
    platform = platform_of_environment()
    for each in access_review.people_with_access(platform):
        state = "disabled" if each.disabled else f"unused for {each.unused_days} days"
        factor = "second factor" if each.second_factor_at else "no second factor"
        click.echo("\t".join((each.email, each.role, ", ".join(each.places) or "-", factor, state)))
    if done:
        access_review.note_reviewed(platform, by=None)
    due = access_review.review_due(platform)
    last = f"Reviewed by {due.last_by} at {due.last_at:%Y-%m-%d}." if due.last_at else "Never reviewed."
    click.echo(f"{last} The next review is due {due.due_at:%Y-%m-%d}{', which is over' if due.is_overdue else ''}.")


def _set_enabled(platform: Platform, user_id: int, enabled: bool) -> None:
    people.set_enabled(platform, user_id=user_id, enabled=enabled, by=None)


def _change(email: str, done: str, change: Callable[[Platform, int], None]) -> None:
    platform = platform_of_environment()
    try:
        change(platform, people.user_id_of(platform, email))
    except FlowError as error:
        raise click.ClickException(error.message) from error
    click.echo(f"{email.strip().lower()} {done}")


def _password(file: TextIO | None, generated: bool) -> str:
    if generated and file:
        raise click.UsageError("Give --password-file or --generate-password, not both.")
    if generated:
        return generate_password()
    if file:
        try:
            return file.read().rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise click.ClickException("The password file is no UTF-8 text.") from error
    typed: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return typed


def _print_link(link: Link) -> None:
    kind = "chooses a password" if link.is_invitation else "chooses another password"
    click.echo(f"By this link {link.email} {kind}, once, until {link.expires_at:%Y-%m-%d %H:%M} UTC:\n{link.address}")


def _account_id(platform: Platform, name: str) -> int:
    with platform.db.read() as session:
        found = session.scalar(sa.select(Account.id).where(Account.name == name))
    if found is None:
        raise click.ClickException(f"There is no account named {name}. Make it with: is2 account create '{name}'")
    return found


def _create_user(
    platform: Platform, email: str, name: str, role: str, password: str, *, show: bool, **place: Any
) -> None:
    try:
        users.create_user(platform, email=email, name=name, password=password, role=role, **place)
    except FlowError as error:
        raise click.ClickException(error.message) from error
    click.echo(f"The user {email.strip().lower()} was made.")
    if show:
        click.echo(f"Password, shown only now: {password}")
