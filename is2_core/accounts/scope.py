"""Scopes: whose data is meant. Whatever reads or changes something of an account takes a scope in place of an account's
id, and finds nothing outside of it: a page that forgets to ask who looks has none to give.

Scopes are made here alone: from the person who asks, for one account, or for what every account's is to see.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from is2_core.accounts.states import READS_ALL
from is2_core.errors import NotFound

if TYPE_CHECKING:
    from is2_core.accounts.users import SignedIn


@dataclass(frozen=True)
class Scope:
    """The accounts whose data may be read.

    Args:
        accounts: their ids; None for every account.
    """

    accounts: frozenset[int] | None

    def holds(self, account_id: int) -> bool:
        """Whether an account is among them."""
        return self.accounts is None or account_id in self.accounts

    def where(self, account_id: sa.ColumnElement[int] | sa.orm.InstrumentedAttribute[int]) -> sa.ColumnElement[bool]:
        """The condition that a row's account is among them."""
        return sa.true() if self.accounts is None else account_id.in_(sorted(self.accounts))


@dataclass(frozen=True)
class ChangeScope(Scope):
    """The accounts whose data may be changed as well. What only reads takes a `Scope`, and this is one."""

    def check(self, account_id: int) -> None:
        """Refuse an account that is not among them.

        Raises:
            NotFound: it is not, or there is none of that id.
        """
        if not self.holds(account_id):
            raise NotFound("There is no such entry in this account.")


def read_scope(person: SignedIn) -> Scope:
    """The accounts a person may look at: support and administrators all of them, anybody else the own ones."""
    return Scope(None) if person.role in READS_ALL else change_scope(person)


def change_scope(person: SignedIn) -> ChangeScope:
    """The accounts in which a person may change something: the own accounts, whatever the role."""
    return ChangeScope(frozenset(account.id for account in person.accounts))


def account_scope(account_id: int) -> ChangeScope:
    """One account, for work that nobody's browser asked for: a task's, a command's, a test's."""
    return ChangeScope(frozenset({account_id}))
