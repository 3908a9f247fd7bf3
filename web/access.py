"""Whose data a page may show and change. Every page asks here before it reads a merchant's row.

A merchant sees the accounts of the own memberships; support and admins see all, and change nothing there. Rows of
any other account do not exist for the viewer: 404, with a line in the log.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any, NoReturn, ParamSpec, Protocol, TypeVar

import sqlalchemy as sa
from flask import abort, current_app, g, request, session
from sqlalchemy.orm import Session

from is2_core.accounts import scope
from is2_core.accounts.models import Account, Integration
from is2_core.accounts.scope import ChangeScope, Scope
from is2_core.accounts.states import READS_ALL, MemberRole, Role
from is2_core.accounts.users import AccountRef, SignedIn
from is2_core.audit import Actor, become
from is2_core.db.base import Owned
from is2_core.platform import Platform

_log = logging.getLogger(__name__)

Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")
Row = TypeVar("Row", bound=Owned)


class OfAccount(Protocol):
    """Anything that belongs to an account."""

    @property
    def account_id(self) -> int:
        """The account's id."""


Found = TypeVar("Found", bound=OfAccount)


def platform() -> Platform:
    """The platform of this process."""
    found: Platform = current_app.extensions["is2"]
    return found


def enter(signed_in: SignedIn) -> None:
    """Note who asks, and which accounts they see, for the rest of this request."""
    g.viewer = signed_in
    become(Actor(signed_in.id, signed_in.email, signed_in.role, request.remote_addr or ""))
    g.accounts = signed_in.accounts
    if signed_in.role in READS_ALL:
        own = {account.id: account for account in signed_in.accounts}
        with platform().db.read() as db:
            rows = db.execute(sa.select(Account.id, Account.name).order_by(Account.name)).all()
        g.accounts = tuple(own.get(row.id) or AccountRef(row.id, row.name, "") for row in rows)
    chosen = session.get("account_id")
    g.account = next((a for a in g.accounts if a.id == chosen), g.accounts[0] if g.accounts else None)


def viewer() -> SignedIn | None:
    """The signed-in user, None on a public page read by a stranger."""
    signed_in: SignedIn | None = g.get("viewer")
    return signed_in


def user() -> SignedIn:
    """The signed-in user of a page that is not public."""
    signed_in: SignedIn = g.viewer
    return signed_in


def accounts() -> tuple[AccountRef, ...]:
    """The accounts the viewer sees."""
    seen: tuple[AccountRef, ...] = g.get("accounts", ())
    return seen


def account() -> AccountRef:
    """The account the page is about: 404 where the viewer has none."""
    if g.get("account") is None:
        abort(404, "You do not belong to a merchant account yet. An administrator can add you to one.")
    current: AccountRef = g.account
    _require_owner(current.id)
    return current


def choose_account(account_id: int) -> None:
    """Make another of the viewer's accounts the current one."""
    found = next((a for a in accounts() if a.id == account_id), None)
    if found is None:
        _deny("account", account_id)
    session["account_id"] = account_id
    g.account = found


def has_role(*roles: Role) -> bool:
    """Whether the viewer has one of these roles."""
    signed_in = viewer()
    return signed_in is not None and signed_in.role in roles


def require_role(*roles: Role) -> Callable[[Callable[Asked, Answer]], Callable[Asked, Answer]]:
    """Let only users of these roles in; 403 for others."""

    def decorate(view: Callable[Asked, Answer]) -> Callable[Asked, Answer]:
        @wraps(view)
        def guarded(*args: Asked.args, **kwargs: Asked.kwargs) -> Answer:
            if not has_role(*roles):
                _log.warning("user %s (%s) was refused %s", user().id, user().role, request.endpoint)
                abort(403)
            return view(*args, **kwargs)

        return guarded

    return decorate


def owner_only(view: Callable[Asked, Answer]) -> Callable[Asked, Answer]:
    """Mark a view that is for owners of the account: connections, disconnecting, people. Its other members get a 403,
    as soon as the view asks for the account or a row of it; who sees every account looks at it."""
    view.owner_methods = ("GET", "HEAD", "POST")  # type: ignore[attr-defined]  # a mark on the function
    return view


def owners_change(view: Callable[Asked, Answer]) -> Callable[Asked, Answer]:
    """Mark a view on which all members look and only owners change something; see `owner_only`."""
    view.owner_methods = ("POST",)  # type: ignore[attr-defined]  # a mark on the function
    return view


def may_open(endpoint: str) -> bool:
    """Whether the viewer may look at a page of the present account, as far as only owners may."""
    methods = getattr(current_app.view_functions[endpoint], "owner_methods", ())
    current = g.get("account")
    return "GET" not in methods or current is None or current.role != MemberRole.MEMBER


def is_owner(account_id: int) -> bool:
    """Whether the viewer is an owner of the account."""
    return any(a.id == account_id and a.role == MemberRole.OWNER for a in user().accounts)


def _require_owner(account_id: int) -> None:
    view = current_app.view_functions.get(request.endpoint or "")
    is_marked = request.method in getattr(view, "owner_methods", ())
    if is_marked and is_member(account_id) and not is_owner(account_id):
        _log.warning("user %s is no owner of account %s and was refused %s", user().id, account_id, request.endpoint)
        abort(403, "Only an owner of this account can do this: connections, their settings and people are theirs.")


def is_member(account_id: int) -> bool:
    """Whether the viewer belongs to the account, and so may change its things."""
    return any(a.id == account_id for a in user().accounts)


def require_member(account_id: int) -> None:
    """403 where the viewer may look at the account but not change it."""
    if not is_member(account_id):
        _log.warning("user %s (%s) may not change account %s", user().id, user().role, account_id)
        abort(403, "You can look at this account but not change it.")
    _require_owner(account_id)


def read_scope() -> Scope:
    """Whose data the viewer may look at, for what reads; see `Scope`."""
    return scope.read_scope(user())


def change_scope() -> ChangeScope:
    """Whose data the viewer may change, for what changes something."""
    return scope.change_scope(user())


def owned(db: Session, table: type[Row], row_id: int, *options: Any) -> Row:
    """A row of an account the viewer sees, see `visible`."""
    return visible(db.scalar(sa.select(table).where(table.id == row_id).options(*options)), table.__tablename__, row_id)


def visible(found: Found | None, kind: str, row_id: int) -> Found:
    """Return the row an id in the address names, if the viewer sees its account, which becomes the page's account;
    404 otherwise.

    A request that changes something needs a membership as well (403).
    """
    owner = next((a for a in accounts() if found is not None and a.id == found.account_id), None)
    if found is None or owner is None:
        _deny(kind, row_id)
    if request.method not in ("GET", "HEAD"):
        require_member(owner.id)
    g.account = owner
    _require_owner(owner.id)
    return found


def owned_integration(integration_id: int) -> Integration:
    """The integration, see `owned`."""
    with platform().db.read() as db:
        return owned(db, Integration, integration_id)


def _deny(kind: str, row_id: int) -> NoReturn:
    _log.warning("user %s asked for %s %s, which is none of theirs", user().id, kind, row_id)
    abort(404)
