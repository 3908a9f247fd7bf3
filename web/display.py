"""How values look in the pages: times, states, and what every page's frame shows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from flask import Flask, g, request
from flask_wtf.csrf import generate_csrf
from markupsafe import Markup

from is2_core.accounts.display_name import integration_name
from is2_core.accounts.models import Integration
from is2_core.accounts.states import Role
from is2_core.carts.cart_settings import environment_label
from is2_core.orders.models import ReceivedOrder
from is2_core.orders.states import ACK_NOT_SENT, TO_PLACE, AckState, ReceivedState
from is2_core.orders.wording.labels import STATE_LABELS, order_label
from is2_core.orders.wording.parameters import field_label
from is2_core.platform import Platform
from is2_core.tracking_numbers import NO_CARRIER
from is2_core.visible_text import visible
from web import access, lateness
from web.inventory import shared_stock
from web.orders.handling_requirements import requirement_label, to_do
from web.orders.windows import Windows

_STATE_COLORS = {
    ReceivedState.STAGED: "secondary",
    ReceivedState.HELD: "warning",
    ReceivedState.INJECTED: "primary",
    ReceivedState.SHIPPED: "info",
    ReceivedState.COMPLETED: "success",
    ReceivedState.QUARANTINED: "danger",
}
_ACK_LABELS = {
    AckState.NOT_NEEDED: "Not needed",
    AckState.DUE: "Due",
    AckState.SENT: "Sent",
    AckState.DONE: "Acknowledged",
}


def init_app(app: Flask) -> None:
    """Add filters and the frame's values."""
    app.jinja_env.filters.update(
        when=when,
        brief=brief,
        day=day,
        readable=readable,
        age=age,
        visible=visible,
        carrier=carrier,
        field_label=field_label,
    )
    app.jinja_env.globals.update(
        csrf=csrf,
        integration_name=integration_name,
        unconfirmed_shared=shared_stock.unconfirmed,
        state_labels=STATE_LABELS,
        order_label=order_label,
        state_color=lambda state: _STATE_COLORS.get(state, "light"),
        window=window,
        narrow_window=narrow_window,
        requirement_label=requirement_label,
        to_do=to_do,
        is_late=lateness.is_late_now,
        late_integrations=lateness.late_integrations,
        platform_problems=lateness.platform_problems,
        has_role=lambda *names: access.has_role(*(Role(name) for name in names)),
        may_change=lambda: g.get("account") is not None and access.is_member(g.account.id),
        is_owner=lambda: g.get("account") is not None and access.is_owner(g.account.id),
        may_open=access.may_open,
    )
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True

    @app.context_processor
    def frame() -> dict[str, Any]:
        platform: Platform = app.extensions["is2"]
        return {
            "viewer": access.viewer(),
            "accounts": access.accounts(),
            "account": g.get("account"),
            "station": g.get("station", ""),
            "environment": _environment(platform),
            "cart_label": lambda name: cart_label(platform, name),
            "lacks": lambda cart, hook: lacks(platform, cart, hook),
            "ack_label": lambda order, cart: ack_label(platform, order, cart),
            "region_label": lambda row: region_label(platform, row),
            "here": request.endpoint or "",
        }


def _environment(platform: Platform) -> str:
    # The page that says the database is away is drawn in this frame too.
    try:
        return environment_label(platform)
    except sa.exc.SQLAlchemyError:
        return ""


def csrf() -> Markup:
    """The hidden field every form that changes something needs."""
    return Markup('<input type="hidden" name="csrf_token" value="{}">').format(generate_csrf())


def when(value: datetime | None) -> Markup | str:
    """A time, in UTC, that machines can read as well."""
    if value is None:
        return "—"
    moment = value.astimezone(UTC)
    return Markup('<time datetime="{}">{}</time>').format(
        moment.strftime("%Y-%m-%dT%H:%M:%SZ"), f"{moment:%b} {moment.day}, {moment:%Y, %H:%M} UTC"
    )


def brief(value: datetime | None) -> Markup | str:
    """A time for narrow columns: without its year where that is the present one."""
    if value is None:
        return "—"
    moment = value.astimezone(UTC)
    year = "" if moment.year == access.platform().clock.now().year else f", {moment:%Y}"
    return Markup('<time datetime="{}">{}</time>').format(
        moment.strftime("%Y-%m-%dT%H:%M:%SZ"), f"{moment:%b} {moment.day}{year}, {moment:%H:%M}"
    )


def day(value: datetime | None) -> Markup | str:
    """Only the day of a time, in UTC."""
    if value is None:
        return "—"
    moment = value.astimezone(UTC)
    return Markup('<time datetime="{}">{}</time>').format(
        moment.strftime("%Y-%m-%dT%H:%M:%SZ"), f"{moment:%b} {moment.day}, {moment:%Y}"
    )


def window(earliest: datetime | None, latest: datetime | None) -> Markup | str:
    """A promised window or deadline, in the warehouse's time zone."""
    return Windows(_zone()).window(earliest, latest)


def narrow_window(earliest: datetime | None, latest: datetime | None) -> Markup | str:
    """The same for narrow columns: without the year where that is the present one."""
    this_year = access.platform().clock.now().astimezone(_zone()).year
    return Windows(_zone(), this_year).window(earliest, latest)


def _zone() -> ZoneInfo:
    return ZoneInfo(access.platform().config.timezone)


def carrier(name: str) -> str:
    """Return a carrier as pages show it: a warehouse may name none, or one with characters that cannot be seen."""
    return visible(name) or NO_CARRIER


def age(value: datetime) -> str:
    """How long ago a time was, in its largest whole unit."""
    seconds = max(0, int((access.platform().clock.now() - value).total_seconds()))
    for unit, length in (("day", 86_400), ("hour", 3600)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit}s"
    minutes = seconds // 60
    return f"{minutes} minute{'s' if minutes != 1 else ''}" if minutes else "less than a minute"


def readable(value: str) -> str:
    """A constant such as AMAZON_BUSINESS in words."""
    return value.replace("_", " ").capitalize() if value.isupper() else value


def cart_label(platform: Platform, name: str) -> str:
    """The cart's label; its bare name where it is no longer installed."""
    return platform.carts.manifest(name).label if name in platform.carts.names() else name


def region_label(platform: Platform, row: Integration) -> str:
    """The label of an integration's region, "" for a cart without regions."""
    if row.cart not in platform.carts.names():
        return row.region
    region = platform.carts.manifest(row.cart).region(row.region)
    return region.label if region else row.region


def lacks(platform: Platform, cart: str, hook: str) -> bool:
    """Whether a cart is known to be without a capability; nothing is said of one that is not installed."""
    return cart in platform.carts.names() and not platform.carts.has(cart, hook)


def ack_label(platform: Platform, order: ReceivedOrder, cart: str) -> str:
    """Where the acknowledgement stands, in words; the reason where it was refused."""
    if order.ack_state in ACK_NOT_SENT and lacks(platform, cart, "acknowledge_orders"):
        return f"{cart_label(platform, cart)} takes none"
    if order.ack_state == AckState.REJECTED:
        return f"Refused: {order.ack_message}" if order.ack_message else "Refused"
    if order.ack_state == AckState.NONE:
        return "Not yet" if order.state in TO_PLACE else "—"
    return _ACK_LABELS.get(AckState(order.ack_state), order.ack_state)
