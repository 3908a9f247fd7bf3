"""Putting right what a cart lost, or has otherwise, of the packages it accepted: posted once more, then a person is
told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.models import Integration
from is2_core.cases.cases import end_case, raise_case
from is2_core.cases.states import CaseKind
from is2_core.comparison.shown_posts import CartView, PostedPackage, Shown, ShownPackage, shown_of
from is2_core.comparison.states import ABOUT_PACKAGES, Difference, Outcome
from is2_core.db.types import seal
from is2_core.orders.fulfillment.models import Package
from is2_core.orders.fulfillment.packages import changed, follow_packages, match_units_again, packages_of
from is2_core.orders.fulfillment.states import PostState
from is2_core.orders.models import OrderEvent, ReceivedLine, ReceivedOrder, Recipient
from is2_core.orders.timeline import Event, record
from is2_core.orders.wording.events import EventCode
from is2_core.platform import Platform
from is2_core.tracking_numbers import plain_number
from plugins.interface import OrderState

# Carts show what they accepted only after a while.
SETTLES = timedelta(hours=3)
# Longer ago nothing of it is asked about any more.
LATELY = timedelta(days=30)


@dataclass(frozen=True)
class Checked:
    """The outcome of checking the posts of an order.

    Args:
        sure: whether the cart has shown enough to tell.
        due: whether something is to be posted.
    """

    outcome: Outcome = Outcome.AGREES
    difference: Difference = Difference.NONE
    sure: bool = True
    due: bool = False


def unseen(now: datetime) -> sa.ColumnElement[bool]:
    """The condition for packages that a cart accepted some hours ago and was not seen to have since."""
    return sa.and_(
        Package.post_state == PostState.DONE,
        Package.posted_version > Package.shown_version,
        Package.posted_at > now - LATELY,
        Package.posted_at <= now - SETTLES,
    )


def check_posts(platform: Platform, session: Session, order: ReceivedOrder, now: datetime) -> Checked:
    """Compare the packages that the cart accepted of an order with those it shows, and put right what differs.

    Args:
        order: locked.
    """
    packages = packages_of(session, order.id)
    posted = {each.id: each for each in packages if _is_posted(each, now)}
    if not posted:
        return Checked()
    lines = session.scalars(
        sa.select(ReceivedLine).where(ReceivedLine.order_id == order.id).execution_options(populate_existing=True)
    ).all()
    remote = {line.id: line.remote_id for line in lines}
    accepted = [
        PostedPackage(
            each.id,
            each.reference,
            _number(each),
            {remote[entry.line_id]: entry.quantity for entry in each.units},
        )
        for each in packages
        if each.told_to_cart and each.units and (each.post_state == PostState.DONE or each.id in posted)
    ]
    verdicts = shown_of(_cart_view(order, lines), accepted, frozenset(each.reference for each in packages))
    own_numbers = _reported_numbers(session, order.id)
    about = _About(platform, session, order, now)
    worst, unsure, again = Checked(), False, False
    for package_id, package in posted.items():
        verdict, number = verdicts[package_id]
        assert package.posted_at is not None, package_id
        since = package.posted_at if verdict is Shown.SEEN else package.posted_at + SETTLES
        if order.shown_at is None or order.shown_at < since:
            unsure = True
        elif verdict is Shown.SEEN:
            again |= _note_shown(about, package)
        elif verdict is Shown.CHANGED and plain_number(number) not in own_numbers:
            _tell_of_change(about, package)
            worst = Checked(Outcome.NEEDS_PERSON, Difference.CASE)
        else:
            lost = verdict is Shown.LOST
            difference = Difference.CONFIRMATION_LOST if lost else Difference.NUMBER_OVERWRITTEN
            again = True
            if _post_once_more(about, package, number):
                worst = worst if worst.outcome is Outcome.NEEDS_PERSON else Checked(Outcome.PUT_RIGHT, difference)
            else:
                worst = Checked(Outcome.NEEDS_PERSON, difference)
    session.flush()
    due = match_units_again(platform, session, order, now) if again else False
    return Checked(worst.outcome, worst.difference, not unsure, due)


def _is_posted(package: Package, now: datetime) -> bool:
    """Whether the cart accepted it some hours ago, and no newer version is on its way; or it lost it twice."""
    if not (package.told_to_cart and package.units and package.posted_at) or package.posted_at > now - SETTLES:
        return False
    was_lost_twice = package.post_state == PostState.REJECTED and package.repeated_version == package.version
    return was_lost_twice or (package.post_state == PostState.DONE and package.posted_version > package.shown_version)


def _number(package: Package) -> str:
    return (package.label or package).tracking_number


def _cart_view(order: ReceivedOrder, lines: Sequence[ReceivedLine]) -> CartView:
    all_gone = order.cart_state == OrderState.SHIPPED
    return CartView(
        order.cart_state,
        {line.remote_id: line.ordered - line.cancelled - (0 if all_gone else line.open) for line in lines},
        None
        if order.cart_packages is None
        else [
            ShownPackage(entry["reference"], entry["tracking_number"], entry["units"]) for entry in order.cart_packages
        ],
    )


def _reported_numbers(session: Session, order_id: int) -> set[str]:
    """Return the numbers the warehouse has reported of an order, as they are compared."""
    told = sa.select(OrderEvent.params).where(
        OrderEvent.order_id == order_id, OrderEvent.code.in_((EventCode.PACKAGE, EventCode.PACKAGE_CORRECTED))
    )
    return {plain_number(str(params.get("tracking_number", ""))) for params in session.scalars(told)}


@dataclass(frozen=True)
class _About:
    """An order whose posts are put right."""

    platform: Platform
    session: Session
    order: ReceivedOrder
    now: datetime

    def tell(self, code: EventCode, **params: str) -> None:
        record(self.session, [Event(self.order.id, code, params)], self.now)

    def label(self) -> str:
        integration = self.session.get_one(Integration, self.order.integration_id)
        return self.platform.carts.manifest(integration.cart).label

    def subject(self, package: Package) -> str:
        return f"order {self.order.number} package {package.reference}"

    def raise_case(self, kind: CaseKind, package: Package, message: str) -> None:
        raise_case(
            self.session,
            self.now,
            account_id=self.order.account_id,
            kind=kind,
            subject=self.subject(package),
            message=message,
            integration_id=self.order.integration_id,
            order_id=self.order.id,
        )


def _note_shown(about: _About, package: Package) -> bool:
    """The cart has it; returns whether that ends what a person was told."""
    package.shown_version = package.posted_version
    for kind in ABOUT_PACKAGES:
        end_case(about.session, about.now, account_id=about.order.account_id, kind=kind, subject=about.subject(package))
    if package.post_state != PostState.REJECTED:
        return False
    package.post_state, package.sealed_post_message, package.post_at = PostState.DONE, None, None
    about.tell(EventCode.TRACKING_SHOWN, tracking_number=_number(package))
    follow_packages(about.session, about.order, about.now)
    return True


def _post_once_more(about: _About, package: Package, shown: str) -> bool:
    """Have a package posted again; False where that was done before, and a person is told instead."""
    repeated = package.repeated_version == package.version
    if repeated and package.post_state == PostState.REJECTED:
        # A person was told, and it is still so.
        return False
    changed(package)
    package.repeated_version = package.version
    number = _number(package)
    if not repeated and shown:
        about.tell(EventCode.TRACKING_OVERWRITTEN, tracking_number=number, shown=shown)
    elif not repeated:
        about.tell(EventCode.TRACKING_LOST, tracking_number=number)
    if not repeated:
        return True
    label = about.label()
    message = (
        f"{label} accepted this tracking number twice and does not show it. Enter it at {label}, or send it again."
    )
    package.post_state = PostState.REJECTED
    kept = sa.select(Recipient.id).where(Recipient.order_id == package.order_id, ~Recipient.is_erased())
    if about.session.scalar(kept) is not None:
        key = (package.order_id, package.warehouse_ref)
        package.sealed_post_message = seal(Package.sealed_post_message, message, *key)
    about.raise_case(
        CaseKind.CONFIRMATION_LOST, package, f"Order {about.order.number}, tracking number {number}: {message}"
    )
    return False


def _tell_of_change(about: _About, package: Package) -> None:
    """A person changed a package at the cart: told once, and not overwritten."""
    package.shown_version = package.posted_version
    about.raise_case(
        CaseKind.NUMBER_CHANGED,
        package,
        f"Order {about.order.number}: {about.label()} shows another tracking number for the package that was posted "
        f"with {_number(package)}; somebody changed it there. Where that one is wrong, have the warehouse correct the "
        "package: its number is sent again then.",
    )
