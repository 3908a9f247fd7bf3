"""Deletion on request: the buyers of orders, or all buyers of an account."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from is2_core.accounts.models import Account, Integration
from is2_core.accounts.states import CONNECTED
from is2_core.audit.acts import Act
from is2_core.audit.record import record as audit
from is2_core.db.chunks import chunks
from is2_core.db.locks import LOCK
from is2_core.db.ownership import Erased
from is2_core.errors import BadInput, Conflict, NotFound
from is2_core.orders.models import ReceivedOrder
from is2_core.orders.wording.events import EventCode, Told
from is2_core.platform import Platform
from is2_core.privacy.erasing import IS_ERASED, erase, erase_texts_of_account, tables_with
from is2_core.privacy.open_orders import end_and_erase
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.queue import NOW, enqueue

_PART = 50
FIELD = "numbers"
MOST = 1000
# What a law of trade or tax asks for, and what the warehouse's books need; it says nothing of a buyer.
REMAINS = (
    "Orders stay without their buyers until their time is up: numbers, SKUs, quantities, prices and tracking numbers, "
    "as the law asks of whoever sold and shipped. So do the stock ledger and the audit log."
)


@dataclass(frozen=True)
class Forgotten:
    """Of how many orders the buyers' data was erased, how many of those were open and were ended, and of how many it
    had been erased before."""

    erased: int
    ended: int
    before: int

    @property
    def text(self) -> str:
        """Say what came of it."""
        told = [f"The buyers' data of {self.erased} orders was erased."]
        if self.ended:
            told.append(f"{self.ended} of them were open: they will not ship, and the warehouse is asked to stop them.")
        if self.before:
            told.append(f"Of {self.before} it had been erased before.")
        return " ".join([*told, "The warehouses are asked to forget it until each has answered."])


def forget_buyers(platform: Platform, numbers: str | Sequence[str], *, user_id: int | None = None) -> Forgotten:
    """Erase all that is held of the buyers of orders, and have the warehouses forget it; orders that are open end.

    Args:
        numbers: our numbers of the orders or the carts', as typed: apart by blanks or commas, or one by one.
        user_id: who asks, None for the command line.

    Raises:
        BadInput: none is given, or one of them is no order's; then nothing was erased.
    """
    wanted = set(numbers.replace(",", " ").split() if isinstance(numbers, str) else numbers)
    if not wanted or len(wanted) > MOST:
        raise BadInput(f"Name at least one order number, and at most {MOST}.", field=FIELD)
    ids, known = set(), set()
    with platform.db.read() as session:
        columns = (ReceivedOrder.id, ReceivedOrder.number, ReceivedOrder.remote_id)
        is_named = sa.or_(ReceivedOrder.number.in_(wanted), ReceivedOrder.remote_id.in_(wanted))
        for order_id, *names in session.execute(sa.select(*columns).where(is_named)):
            ids.add(order_id)
            known.update(names)
    if missing := sorted(wanted - known):
        raise BadInput(f"There is no order {', '.join(missing)}. Nothing was erased.", field=FIELD)
    return _forget(platform, ids, user_id)


def forget_account(platform: Platform, code: str, *, user_id: int | None = None) -> Forgotten:
    """Erase all that is held of the buyers of an account; its orders that are open end.

    Args:
        code: the account's code, as the warehouse knows it.

    Raises:
        NotFound: there is no such account.
        Conflict: a store of it is connected, and would go on reading orders.
    """
    with platform.db.read() as session:
        account_id = session.scalar(sa.select(Account.id).where(Account.code == code))
        if account_id is None:
            raise NotFound(f"There is no account {code}.", field="code")
        connected = (Integration.account_id == account_id, Integration.state.in_(CONNECTED))
        if session.scalar(sa.select(Integration.id).where(*connected).limit(1)) is not None:
            raise Conflict("Disconnect the stores of this account first: they would go on reading orders.")
        ids = set(session.scalars(sa.select(ReceivedOrder.id).where(ReceivedOrder.account_id == account_id)))
    found = _forget(platform, ids, user_id)
    with platform.db.write() as session:
        erase_texts_of_account(session, account_id)
        audit(session, Act.ACCOUNT_FORGOTTEN, subject=f"account {account_id}", account_id=account_id)
    return found


def _forget(platform: Platform, ids: Collection[int], user_id: int | None) -> Forgotten:
    """Erase in parts: one that fails leaves those before it erased, and asked again it goes on."""
    erased = ended = 0
    for part in _parts(ids):
        with platform.db.write() as session:
            now = platform.clock.database_now(session)
            wanted = sa.select(ReceivedOrder).where(ReceivedOrder.id.in_(part), ~IS_ERASED).order_by(ReceivedOrder.id)
            orders = session.scalars(wanted.with_for_update(**LOCK)).all()
            still_open = [order for order in orders if order.ended_at is None]
            end_and_erase(platform, session, still_open, Told(EventCode.FORGOTTEN), now, user_id=user_id)
            over = [order.id for order in orders if order not in still_open]
            if over:
                erase(session, over, now)
            for order in orders:
                audit(session, Act.BUYER_FORGOTTEN, subject=f"order {order.id}", account_id=order.account_id)
            enqueue(session, kind=TaskKind.PRIVACY_FORGET, now=now, priority=NOW)
        erased, ended = erased + len(orders), ended + len(still_open)
    platform.db.scrub(table.name for table in tables_with(*Erased))
    return Forgotten(erased, ended, len(ids) - erased)


def _parts(ids: Iterable[int]) -> Iterator[list[int]]:
    for part in chunks(ids):
        yield from (part[start : start + _PART] for start in range(0, len(part), _PART))
