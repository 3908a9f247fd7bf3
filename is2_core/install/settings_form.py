"""The settings of a store as one form: what its cart declares and what the core adds, in the merchant's order."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from is2_core.carts.fields import LEAD_DAYS, FormField
from is2_core.carts.latency import LEAD_DAYS_MANAGED
from is2_core.items.states import UNKNOWN_SKUS, UnknownSku
from is2_core.text_limits import NICKNAME as NICKNAME_LIMIT
from plugins.interface import CartManifest, Field, FieldKind, SchedulePlan

if TYPE_CHECKING:
    from is2_core.accounts.models import Integration

ORDERS_EVERY = "orders_every"
INVENTORY_EVERY = "inventory_every"
NICKNAME = "nickname"
ORDERS_FROM = "orders_from"
REVIEW_FIRST = "review_first"
HOME_SITE = "home_site"
# Kept in columns of the integration, the others in its settings.
COLUMN_KEYS = frozenset({NICKNAME, ORDERS_FROM, REVIEW_FIRST, HOME_SITE})
MOST_DAYS_BACK = 90


def setup_fields(manifest: CartManifest, integration: Integration, zone: str) -> tuple[Field, ...]:
    """The fields in the order a merchant meets them.

    Args:
        zone: the time zone days are meant in, by its tz database name.
    """
    declared = {field.key: field for field in manifest.store_fields}
    lead, home = declared.pop(LEAD_DAYS, None), declared.pop(HOME_SITE, None)
    scheduling = [_schedule_field(ORDERS_EVERY, "Scheduling: check for new orders", manifest.order_schedule)]
    if manifest.inventory_schedule:
        scheduling.append(
            _schedule_field(INVENTORY_EVERY, "Scheduling: send available inventory", manifest.inventory_schedule)
        )
    nickname = Field(
        NICKNAME,
        "Nickname",
        required=False,
        max_length=NICKNAME_LIMIT.most,
        help="Tells this store from your others, wherever it is named.",
    )
    orders_from = Field(
        ORDERS_FROM,
        "First orders from",
        FieldKind.DATE,
        help=f"Orders bought on this day or later are shipped by the warehouse; the day begins at midnight in the time "
        f"zone {zone}. Earlier ones are not asked for: one that changes later is listed, but not shipped from here.",
    )
    unknown = Field(
        UNKNOWN_SKUS,
        "Unknown SKUs",
        FieldKind.CHOICE,
        required=False,
        help="For items that the warehouse does not know, neither by their SKU nor by a mapping. Hold: the whole order "
        "waits until you say what they are. Not shipped from here: you ship them yourself, and the warehouse ships the "
        "rest of the order. What a custom item says of itself comes first.",
        default=UnknownSku.HOLD,
        choices=((UnknownSku.HOLD, "Hold their orders"), (UnknownSku.NOT_FROM_HERE, "Not shipped from here")),
    )
    review = Field(
        REVIEW_FIRST,
        "Review first orders before they ship",
        FieldKind.BOX,
        required=False,
        help="Each order waits for your approval until you untick this box in the settings.",
    )
    return tuple(
        field
        for field in (
            lead,
            _managed_field(manifest) if lead and manifest.manages_lead_days else None,
            *scheduling,
            nickname,
            _home_field(home, manifest, integration) if home else None,
            orders_from,
            *declared.values(),
            unknown,
            review,
        )
        if field is not None
    )


def setup_form(manifest: CartManifest, integration: Integration, first_day: date, zone: str) -> tuple[FormField, ...]:
    """The fields with what is stored, or their defaults before the first save: `first_day` for the first orders."""
    fields = setup_fields(manifest, integration, zone)
    if integration.finished_at is None:
        defaults = {ORDERS_FROM: first_day.isoformat()}
        return tuple(FormField(field, defaults.get(field.key, field.default)) for field in fields)
    stored = {
        **{key: str(value) for key, value in integration.settings.items()},
        NICKNAME: integration.nickname,
        HOME_SITE: integration.home_site,
        ORDERS_FROM: stored_day(integration, zone),
        REVIEW_FIRST: "yes" if integration.review_first else "no",
    }
    return tuple(FormField(field, stored.get(field.key, field.default)) for field in fields)


def interval(text: str) -> timedelta | None:
    """The time behind a schedule choice's value; None for off."""
    return timedelta(seconds=int(text)) if text != "off" else None


def first_instant(day: str, zone: str) -> datetime:
    """When an ISO day begins in a time zone; the first of two midnights, and the end of a gap over midnight."""
    return datetime.combine(date.fromisoformat(day), datetime.min.time(), ZoneInfo(zone)).astimezone(UTC)


def day_of(moment: datetime, zone: str) -> date:
    """The day a moment belongs to in a time zone."""
    return moment.astimezone(ZoneInfo(zone)).date()


def stored_day(integration: Integration, zone: str) -> str:
    """The stored day of the first orders as the form shows it, "" before there is one."""
    return day_of(integration.orders_from, zone).isoformat() if integration.orders_from else ""


def _managed_field(manifest: CartManifest) -> Field:
    return Field(
        LEAD_DAYS_MANAGED,
        manifest.manages_lead_days,
        FieldKind.BOX,
        required=False,
        help=f"Tick this where {manifest.label} or you there set the latency, as with automated handling time: then "
        "quantities alone are sent, and the latency there stays as it is.",
    )


def _value(every: timedelta | None) -> str:
    return str(int(every.total_seconds())) if every else "off"


def _schedule_field(key: str, label: str, plan: SchedulePlan) -> Field:
    return Field(
        key,
        label,
        FieldKind.CHOICE,
        help=plan.help,
        default=_value(plan.default),
        choices=tuple((_value(choice.every), choice.label) for choice in plan.choices),
    )


def _home_field(field: Field, manifest: CartManifest, integration: Integration) -> Field | None:
    region = manifest.region(integration.region)
    sites = [site for site in region.sites if site.id in integration.sites] if region else []
    if not sites:
        return None
    return Field(
        field.key,
        field.label,
        FieldKind.CHOICE,
        help=field.help,
        default=integration.home_site if integration.home_site in integration.sites else sites[0].id,
        choices=tuple((site.id, site.label) for site in sites),
    )
