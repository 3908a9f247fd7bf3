"""Answers to cart SKUs that the warehouse does not know, given by people for one item or for many."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.access import owned_integration
from is2_core.accounts.models import Integration
from is2_core.accounts.scope import ChangeScope, Scope
from is2_core.db.locks import lock_rows
from is2_core.errors import BadInput, Conflict, NotFound
from is2_core.items.activity import note_sold
from is2_core.items.custom_items import review
from is2_core.items.known_skus import known_skus
from is2_core.items.models import CartItem
from is2_core.items.states import SeenInCart, UnknownSku, setting_of
from is2_core.items.typed_items import checked_answer
from is2_core.platform import Platform
from is2_core.visible_text import visible

FIELD = "unknown_sku"
# Items of one transaction, so that nobody waits long for its locks.
_AT_ONCE = 500


class Shown(StrEnum):
    """Items a list is narrowed to: those without an answer to their being unknown but to hold, and those not shipped
    from here."""

    UNKNOWN = "unknown"
    NOT_FROM_HERE = "not_from_here"


@dataclass(frozen=True)
class Answered:
    """How many items have the answer now, and the SKUs left as they were because they are mapped."""

    count: int
    mapped: Sequence[str]


def answer_items(
    platform: Platform, *, integration_id: int, scope: ChangeScope, item_ids: Collection[int], answer: str
) -> Answered:
    """Answer for listed items, so many in a transaction. Orders that wait are looked at again; what ended because of
    the former answer and is still open at the cart goes on.

    Args:
        answer: an `UnknownSku`, as it was chosen.

    Raises:
        BadInput: it is none, or no item was chosen.
        NotFound: an item is not on this integration's list.
        Conflict: all of them are mapped.
    """
    chosen = checked_answer(answer)
    if not item_ids:
        raise BadInput("Choose at least one item.", field="item")
    with platform.db.read() as session:
        owned_integration(session, integration_id, scope)
        listed = sa.select(CartItem.id).where(CartItem.integration_id == integration_id)
        ids = sorted(set(session.scalars(listed)).intersection(item_ids))
    if len(ids) < len(set(item_ids)):
        raise NotFound("An item that was chosen is not on the list any more.")
    count, mapped = 0, list[str]()
    for start in range(0, len(ids), _AT_ONCE):
        with platform.db.write() as session:
            integration = owned_integration(session, integration_id, scope)
            items = _lock(session, integration_id, ids[start : start + _AT_ONCE])
            mapped += [item.sku for item in items if _is_mapped(item, chosen)]
            to_change = [item for item in items if not _is_mapped(item, chosen)]
            _answer(platform, session, integration, to_change, chosen)
            count += len(to_change)
    if mapped and not count:
        raise Conflict(_mapped_message(mapped), field=FIELD)
    return Answered(count, mapped)


def ids_found(platform: Platform, *, integration_id: int, scope: Scope, q: str, show: str) -> list[int]:
    """Return the ids of all items that a list shows; see `shown_items`."""
    with platform.db.read() as session:
        integration = owned_integration(session, integration_id, scope)
        return list(session.scalars(sa.select(CartItem.id).where(*shown_items(session, integration, q, show))))


def answer_sent_sku(platform: Platform, session: Session, integration: Integration, sku: str, answer: str) -> None:
    """Answer for a cart SKU that the cart itself has sent, as it stands; one that is not listed is listed for that, not
    activated.

    Raises:
        BadInput: the answer is none.
        Conflict: it is mapped.
    """
    chosen = checked_answer(answer)
    known = sa.select(CartItem.id).where(CartItem.integration_id == integration.id, CartItem.sku == sku)
    items = _lock(session, integration.id, session.scalars(known).all())
    if not items:
        item = CartItem(
            account_id=integration.account_id,
            integration_id=integration.id,
            sku=sku,
            custom=True,
            active=False,
            seen_in_cart=SeenInCart.CANNOT_CHECK,
            created_at=platform.clock.now(),
            mappings=[],
        )
        session.add(item)
        items = [item]
    if _is_mapped(items[0], chosen):
        raise Conflict(_mapped_message([sku]), field=FIELD)
    _answer(platform, session, integration, items, chosen)


def shown_items(session: Session, integration: Integration, q: str, show: str) -> list[sa.ColumnElement[bool]]:
    """Return the conditions of the items a list shows.

    Args:
        q: searched for in SKUs and titles, "" for all.
        show: a `Shown`, anything else for all.
    """
    found = [CartItem.integration_id == integration.id]
    if q:
        found.append(sa.or_(CartItem.sku.icontains(q, autoescape=True), CartItem.title.icontains(q, autoescape=True)))
    if show in list(Shown):
        known = known_skus(session, integration.account_id, integration.wms_target)
        unknown = sa.and_(CartItem.sku.not_in(known), ~CartItem.mappings.any())
        answered = CartItem.unknown_sku == UnknownSku.NOT_FROM_HERE
        if setting_of(integration.settings) is UnknownSku.NOT_FROM_HERE:
            answered = sa.or_(answered, sa.and_(unknown, CartItem.unknown_sku == UnknownSku.AS_SET))
        found.append(answered if show == Shown.NOT_FROM_HERE else sa.and_(unknown, ~answered))
    return found


def leave_out(session: Session, item_ids: Collection[int]) -> None:
    """Forget what was wrong with the stock of items, locked, that are not shipped from here: none is sent any more."""
    if item_ids:
        nothing = {"withheld": "", "push_message": "", "drift": ""}
        session.execute(
            sa.update(CartItem)
            .where(CartItem.id.in_(item_ids))
            .values(nothing)
            .execution_options(synchronize_session=False)
        )


def _lock(session: Session, integration_id: int, item_ids: Collection[int]) -> Sequence[CartItem]:
    found = lock_rows(session, CartItem.id, item_ids)
    return session.scalars(
        sa.select(CartItem)
        .where(CartItem.id.in_(found), CartItem.integration_id == integration_id)
        .order_by(CartItem.id)
        .execution_options(populate_existing=True)
    ).all()


def _is_mapped(item: CartItem, answer: UnknownSku) -> bool:
    return bool(item.mappings) and answer is UnknownSku.NOT_FROM_HERE


def _mapped_message(skus: Sequence[str]) -> str:
    if len(skus) == 1:
        return f"{visible(skus[0])} is mapped to warehouse SKUs. Take its mappings away first."
    return "All items that were chosen are mapped to warehouse SKUs. Take their mappings away first."


def _answer(
    platform: Platform, session: Session, integration: Integration, items: Sequence[CartItem], answer: UnknownSku
) -> None:
    if not items:
        return
    for item in items:
        if item.unknown_sku == UnknownSku.NOT_FROM_HERE:
            item.due_version, item.channel_read_at = item.due_version + 1, None
        item.unknown_sku = answer
    session.flush()
    if answer is UnknownSku.NOT_FROM_HERE:
        leave_out(session, [item.id for item in items])
    # Orders may hold units of a warehouse SKU of the same name.
    note_sold(session, integration, [item.sku for item in items], platform)
    review(platform, session, integration)
