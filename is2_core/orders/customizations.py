"""Customizations of lines: fetched from the cart at once, because their addresses do not last."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.access import owned
from is2_core.accounts.models import Integration
from is2_core.accounts.scope import Scope
from is2_core.carts.context import cart_context
from is2_core.crypto import CannotOpen
from is2_core.db.locks import LOCK
from is2_core.db.types import opened, seal
from is2_core.errors import PluginBug
from is2_core.integrations.finality import Answer, note_answer
from is2_core.orders.models import LineCustomization, ReceivedLine, ReceivedOrder, Recipient
from is2_core.orders.states import USES_CUSTOMIZATION, CustomizationState
from is2_core.orders.timeline import Event, record
from is2_core.orders.wording.events import EventCode, Told
from is2_core.orders.wording.sealing import order_keys
from is2_core.platform import Platform
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.queue import NOW, enqueue
from is2_core.tasks.run import TaskRun
from plugins.interface import CartContext, Customization, Order, OrderState, Permanent, RateLimited, Temporary

GIVE_UP_AFTER = 12
AGAIN = timedelta(seconds=100)


class _OrderNotFound(Exception):
    """The cart does not find the order, which is no fact yet."""


@dataclass(frozen=True)
class _Line:
    id: int
    remote_id: str
    order_id: int
    integration_id: int
    order_remote_id: str
    tries: int


@dataclass(frozen=True)
class _Fetched:
    """The outcome of fetching by the address that was stored; "" where none was."""

    url: str
    outcome: Customization | _Failure


@dataclass(frozen=True)
class _Failure:
    """Why it was not fetched. `final`: it will not be tried again; `until`: put off by the cart, which counts as no
    try."""

    message: str
    final: bool = False
    until: datetime | None = None


def fetch_customizations(platform: Platform, run: TaskRun) -> None:
    """Task `orders.customize`: fetch every customization that is due; what fails is tried again a few times, then given
    up visibly. An order waits for its own, and no line for another's."""
    with platform.db.read() as session:
        integration = session.get_one(Integration, run.integration_id)
    if not platform.carts.has(integration.cart, "fetch_customization"):
        return
    context = cart_context(platform, integration, before_call=run.heartbeat)
    last = 0
    while (line := _next_line(platform, integration.id, last)) is not None and run.has_time():
        last = line.id
        _store(platform, run, line, _fetch(platform, run, integration, context, line))
    with platform.db.read() as session:
        again_at = _earliest(session, integration.id, platform.clock.now())
    with run.write() as session:
        run.finish(session, again_at=again_at)


def customization_of(platform: Platform, *, line_id: int, scope: Scope) -> Customization | None:
    """The customization of an order's line, decrypted; None where it is not here."""
    with platform.db.read() as session:
        line = session.get(ReceivedLine, line_id)
        order = owned(session, ReceivedOrder, line.order_id if line else 0, scope)
        row = session.scalar(sa.select(LineCustomization).where(LineCustomization.line_id == line_id))
    if line is None or row is None or row.sealed is None:
        return None
    content = row.sealed.open(order.integration_id, order.remote_id, line.remote_id)
    name = opened(row.sealed_name, order.integration_id, order.remote_id, line.remote_id) or ""
    return Customization(name, row.content_type, base64.b64decode(content))


def _due(query: sa.Select[*tuple[Any, ...]], integration_id: int) -> sa.Select[*tuple[Any, ...]]:
    return (
        query.select_from(ReceivedLine)
        .join(ReceivedOrder, ReceivedOrder.id == ReceivedLine.order_id)
        .outerjoin(LineCustomization, LineCustomization.line_id == ReceivedLine.id)
        .where(
            ReceivedOrder.integration_id == integration_id,
            ReceivedOrder.state.in_(USES_CUSTOMIZATION),
            ReceivedOrder.cart_state != OrderState.PENDING,
            ReceivedLine.customization == CustomizationState.DUE,
            ReceivedOrder.cart_may_write(),
        )
    )


def _earliest(session: Session, integration_id: int, now: datetime) -> datetime | None:
    """When the next one may be fetched; None where none is due."""
    times = session.scalars(_due(sa.select(LineCustomization.next_try_at), integration_id)).all()
    return min((at or now for at in times), default=None)


def _next_line(platform: Platform, integration_id: int, after: int) -> _Line | None:
    query = sa.select(
        ReceivedLine.id,
        ReceivedLine.remote_id,
        ReceivedOrder.id,
        ReceivedOrder.integration_id,
        ReceivedOrder.remote_id,
        sa.func.coalesce(LineCustomization.tries, 0),
    )
    due = _due(query, integration_id).where(
        ReceivedLine.id > after,
        sa.or_(LineCustomization.next_try_at.is_(None), LineCustomization.next_try_at <= platform.clock.now()),
    )
    with platform.db.read() as session:
        row = session.execute(due.order_by(ReceivedLine.id).limit(1)).one_or_none()
    return _Line(*row) if row is not None else None


def _fetch(platform: Platform, run: TaskRun, integration: Integration, context: CartContext, line: _Line) -> _Fetched:
    """Return the file the cart gave, by the address that is stored or, where that is not good any more, by a newer one.

    Raises:
        AuthorizationLost, SettingsError: not about this line.
    """
    with platform.db.read() as session:
        url = _stored_url(session, line)
    try:
        return _Fetched(url, _outcome(platform, integration, context, line, url))
    except _OrderNotFound:
        key = (integration.id, Answer.ORDER_NOT_FOUND, line.order_remote_id)
        with run.write() as session:
            verdict = note_answer(session, *key, platform.clock.now())
        failure = _Failure("The cart does not know this order.", final=verdict.is_final, until=verdict.ask_again_at)
        return _Fetched(url, failure)


def _stored_url(session: Session, line: _Line) -> str:
    """Return the address the cart gave with the order; "" where it gave none, or what is stored does not open."""
    sealed = session.scalar(sa.select(Recipient.sealed).where(Recipient.order_id == line.order_id))
    try:
        pii = sealed.open(line.integration_id, line.order_remote_id) if sealed else {}
    except CannotOpen:
        return ""
    return str((pii.get("lines", {}).get(line.remote_id) or {}).get("customization_url", ""))


def _outcome(
    platform: Platform, integration: Integration, context: CartContext, line: _Line, url: str
) -> Customization | _Failure:
    try:
        if url:
            try:
                return _call(platform, integration, context, url)
            except Permanent:
                pass
        newer = _newer_url(platform, integration, context, line)
        if not newer:
            return _Failure("The cart gives no address for it any more.", final=True)
        return _call(platform, integration, context, newer)
    except RateLimited as error:
        return _Failure(error.message, until=error.until)
    except Temporary as error:
        return _Failure(error.message, final=line.tries + 1 >= GIVE_UP_AFTER)
    except (Permanent, PluginBug) as error:
        return _Failure(error.message, final=True)


def _call(platform: Platform, integration: Integration, context: CartContext, url: str) -> Customization:
    found: Customization = platform.carts.call(integration.cart, "fetch_customization", ctx=context, url=url)
    return found


def _newer_url(platform: Platform, integration: Integration, context: CartContext, line: _Line) -> str | None:
    if not platform.carts.has(integration.cart, "fetch_order"):
        return None
    order = platform.carts.call(integration.cart, "fetch_order", ctx=context, remote_id=line.order_remote_id)
    if order is None:
        raise _OrderNotFound
    lines = order.lines if isinstance(order, Order) else ()
    return next((entry.customization_url for entry in lines if entry.remote_id == line.remote_id), None)


def _store(platform: Platform, run: TaskRun, line: _Line, fetched: _Fetched) -> None:
    now, outcome = platform.clock.now(), fetched.outcome
    row: dict[str, Any] = {"account_id": run.account_id, "line_id": line.id}
    key = (line.integration_id, line.order_remote_id, line.remote_id)
    if isinstance(outcome, Customization):
        state, told = CustomizationState.STORED, Told(EventCode.CUSTOMIZATION)
        content = base64.b64encode(outcome.content).decode("ascii")
        row |= {"content_type": outcome.content_type, "fetched_at": now}
        row["sealed"] = seal(LineCustomization.sealed, content, *key)
        row["sealed_name"] = seal(LineCustomization.sealed_name, outcome.name, *key)
    else:
        state = CustomizationState.FAILED if outcome.final else CustomizationState.DUE
        told = Told(EventCode.CUSTOMIZATION_MISSING, {"message": outcome.message})
        row["sealed_message"] = seal(LineCustomization.sealed_message, outcome.message, *key)
        if not outcome.final:
            row["tries"] = line.tries + (outcome.until is None)
            row["next_try_at"], row["set_at"] = outcome.until or now + AGAIN, now
    with run.write() as session:
        # Orders before their lines, as everywhere.
        order = session.get_one(ReceivedOrder, line.order_id, with_for_update=LOCK)
        if _stored_url(session, line) != fetched.url or not order_keys(session, [order.id]):
            # The cart gave another address meanwhile: what it leads to is fetched next. Or the buyer is forgotten.
            return
        platform.db.upsert_from_cart(session, LineCustomization, [row])
        if state is CustomizationState.DUE:
            return
        session.execute(sa.update(ReceivedLine).where(ReceivedLine.id == line.id).values(customization=state))
        record(session, [Event(order.id, told.code, told.params)], now)
        integration = session.get_one(Integration, run.integration_id)
        enqueue(session, kind=TaskKind.ORDERS_REVIEW, integration=integration, now=now, priority=NOW)
