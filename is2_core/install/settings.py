"""A store's settings: the form after connecting, Finish Setup, and every later change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.access import owned_integration
from is2_core.accounts.display_name import integration_name
from is2_core.accounts.models import Credential, Integration, UnshippedLook
from is2_core.accounts.states import IntegrationState
from is2_core.carts.cart_settings import known_manifest
from is2_core.carts.fields import FormField, check_fields
from is2_core.errors import BadInput, Conflict
from is2_core.install.settings_form import (
    CORE_KEYS,
    HOME_SITE,
    INVENTORY_EVERY,
    MOST_DAYS_BACK,
    NICKNAME,
    ORDERS_EVERY,
    ORDERS_FROM,
    REVIEW_FIRST,
    day_of,
    first_instant,
    interval,
    setup_fields,
    setup_form,
    stored_day,
)
from is2_core.install.unshipped import check_none_is_dropped, check_none_is_left_out, first_day
from is2_core.integrations.pausing import resume
from is2_core.integrations.seller_proof import prove_connected
from is2_core.inventory.drift import can_compare, night_slot
from is2_core.inventory.models import InventorySync
from is2_core.inventory.push.push import SETTINGS
from is2_core.inventory.push.sync_row import set_problem
from is2_core.orders.models import ImportCursor
from is2_core.platform import Platform
from is2_core.shipments.warehouse_news import READ_EVERY_S
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.models import Schedule
from is2_core.tasks.queue import NOW, enqueue
from is2_core.tasks.schedule import next_slot
from plugins.interface import SettingsError

DAY_S = 86_400
# At night, where few wait for what it delays.
RECONCILE_AT, COMPARE_AT = "02:30", "03:30"


@dataclass(frozen=True)
class Saved:
    """Settings are stored; `message` for the top of the page, `warnings` for what is allowed but not advised."""

    message: str
    warnings: tuple[str, ...]


def settings_form(
    platform: Platform, *, integration_id: int, account_id: int, found: UnshippedLook | None = None
) -> tuple[FormField, ...]:
    """The store's settings with their present values.

    Args:
        found: the orders that wait at the cart; before the first save they decide the day proposed for the first ones.
    """
    with platform.db.read() as session:
        integration = owned_integration(session, integration_id, account_id)
        schedules = {
            row.kind: row
            for row in session.scalars(sa.select(Schedule).where(Schedule.integration_id == integration_id))
        }
    manifest = known_manifest(platform, integration.cart)
    form = setup_form(manifest, integration, schedules, first_day(platform, found), platform.config.timezone)
    inventory = str(integration.settings.get(INVENTORY_EVERY, ""))
    return tuple(
        FormField(entry.field, inventory) if entry.field.key == INVENTORY_EVERY and inventory else entry
        for entry in form
    )


def finish_setup(
    platform: Platform, *, integration_id: int, account_id: int, values: Mapping[str, str], leave_out: str = ""
) -> Saved:
    """Save the settings; the first time, start the store's schedules. Saving again later changes them.

    Args:
        leave_out: the day of which a person said that orders before it may be left out.

    Raises:
        LeavesOut: orders that wait at the cart, or here to be placed, were bought before the day typed.
    """
    with platform.db.read() as session:
        integration = owned_integration(session, integration_id, account_id)
        if session.get(Credential, integration_id) is None:
            raise Conflict("This store is not connected yet: finish the sign-in first.")
    if integration.state == IntegrationState.SETUP:
        prove_connected(platform, integration)
    manifest = known_manifest(platform, integration.cart)
    zone = platform.config.timezone
    checked = check_fields(setup_fields(manifest, integration, zone), values)
    typed = checked.values
    if typed[ORDERS_FROM] != stored_day(integration, zone):
        _check_orders_from(platform, typed)
    warnings = list(checked.warnings)
    if manifest.inventory_schedule and typed[INVENTORY_EVERY] == "off" and manifest.inventory_schedule.off_warning:
        warnings.append(manifest.inventory_schedule.off_warning)
    with platform.db.write() as session:
        row = owned_integration(session, integration_id, account_id, lock=True)
        if row.state == IntegrationState.DISCONNECTED:
            raise Conflict("This store is disconnected: reconnect it first.")
        if row.seller_id is None:
            raise Conflict("The seller of this store has been connected to another account since.")
        first = row.state == IntegrationState.SETUP
        if first:
            check_none_is_left_out(platform, session, row.id, typed[ORDERS_FROM], agreed=leave_out)
        elif typed[ORDERS_FROM] > stored_day(row, zone):
            check_none_is_dropped(platform, session, row, typed[ORDERS_FROM], agreed=leave_out)
        _check_nickname(session, row, typed[NICKNAME])
        now = platform.clock.now()
        row.nickname = typed[NICKNAME]
        row.home_site = typed.get(HOME_SITE, "")
        row.review_first = typed[REVIEW_FIRST] == "yes"
        start = first_instant(typed[ORDERS_FROM], zone)
        if row.orders_from is not None and typed[ORDERS_FROM] == stored_day(row, zone):
            # The day as it was shown: it may have been stored by another zone's midnight.
            start = row.orders_from
        if row.orders_from is not None and start < row.orders_from:
            # Read again from the earlier day, by creation, as at first.
            session.execute(sa.delete(ImportCursor).where(ImportCursor.integration_id == row.id))
        row.orders_from = start
        own = {key: value for key, value in typed.items() if key not in CORE_KEYS}
        if manifest.inventory_schedule:
            own[INVENTORY_EVERY] = typed[INVENTORY_EVERY]
        row.settings = {**row.settings, **own}
        if first:
            row.state, row.finished_at = IntegrationState.ACTIVE, now
        elif row.state == IntegrationState.PAUSED and row.pause_code == SettingsError.default_code:
            resume(session, row, platform)
        every = interval(typed[ORDERS_EVERY])
        assert every is not None
        _schedule(platform, session, row, TaskKind.ORDERS_CHECK, int(every.total_seconds()), now)
        _schedule(platform, session, row, TaskKind.WAREHOUSE_READ, READ_EVERY_S, now)
        _schedule_daily(platform, session, row, TaskKind.ORDERS_RECONCILE, RECONCILE_AT, now)
        _schedule_inventory(platform, session, row, typed, now)
        enqueue(session, kind=TaskKind.ORDERS_CHECK, integration=row, now=now, priority=NOW)
        enqueue(session, kind=TaskKind.ORDERS_REVIEW, integration=row, now=now)
        name = f"{manifest.label} store {integration_name(row)}"
    if first:
        return Saved(f"Success: your {name} is connected. Its first orders are being read now.", tuple(warnings))
    return Saved(f"The settings of your {name} are saved.", tuple(warnings))


def _schedule_inventory(
    platform: Platform, session: Session, row: Integration, typed: Mapping[str, str], now: datetime
) -> None:
    """Start, change or end the sending of stock; what a setting kept back is tried again."""
    every = interval(typed[INVENTORY_EVERY]) if INVENTORY_EVERY in typed else None
    kinds = (TaskKind.INVENTORY_PUSH, TaskKind.INVENTORY_COMPARE, TaskKind.INVENTORY_DRIFT)
    if every is None:
        session.execute(sa.delete(Schedule).where(Schedule.integration_id == row.id, Schedule.kind.in_(kinds)))
        return
    _schedule(platform, session, row, TaskKind.INVENTORY_PUSH, int(every.total_seconds()), now)
    _schedule_daily(platform, session, row, TaskKind.INVENTORY_COMPARE, COMPARE_AT, now)
    if can_compare(platform, row):
        _schedule_daily(platform, session, row, TaskKind.INVENTORY_DRIFT, night_slot(row.id), now)
    sync = session.get(InventorySync, row.id)
    if sync is not None and sync.problem_code == SETTINGS:
        set_problem(session, row.id, "", "", (), now)
        enqueue(session, kind=TaskKind.INVENTORY_PUSH, integration=row, now=now)


def _schedule(platform: Platform, session: Session, row: Integration, kind: str, every_s: int, first: datetime) -> None:
    now = platform.clock.now()
    platform.db.upsert(
        session,
        Schedule,
        [{"integration_id": row.id, "kind": kind, "every_s": every_s, "next_at": first, "set_at": now}],
        key=["integration_id", "kind"],
        update=["every_s"],
    )
    # A shorter interval counts from now on, not from the end of the longer one.
    session.execute(
        sa.update(Schedule)
        .where(
            Schedule.integration_id == row.id,
            Schedule.kind == kind,
            Schedule.next_at > now + timedelta(seconds=every_s),
        )
        .values(next_at=now + timedelta(seconds=every_s), set_at=now)
    )


def _schedule_daily(
    platform: Platform, session: Session, row: Integration, kind: str, daily_at: str, now: datetime
) -> None:
    zone = platform.config.timezone
    first = next_slot(after=now, last=now, every_s=DAY_S, daily_at=daily_at, zone=zone)
    slot = {"every_s": DAY_S, "daily_at": daily_at, "zone": zone, "next_at": first, "set_at": now}
    platform.db.upsert(
        session,
        Schedule,
        [{"integration_id": row.id, "kind": kind, **slot}],
        key=["integration_id", "kind"],
        update=list(slot),
    )


def _check_orders_from(platform: Platform, typed: Mapping[str, str]) -> None:
    zone = platform.config.timezone
    day, today = date.fromisoformat(typed[ORDERS_FROM]), day_of(platform.clock.now(), zone)
    if day > today:
        raise BadInput(f"First orders from: this day has not begun yet (time zone {zone}).", field=ORDERS_FROM)
    if day < today - timedelta(days=MOST_DAYS_BACK):
        raise BadInput(f"First orders from: at most {MOST_DAYS_BACK} days back.", field=ORDERS_FROM)


def _check_nickname(session: Session, row: Integration, nickname: str) -> None:
    taken = nickname and session.scalar(
        sa.select(Integration.id).where(
            Integration.account_id == row.account_id,
            Integration.cart == row.cart,
            sa.func.lower(Integration.nickname) == nickname.lower(),
            Integration.id != row.id,
        )
    )
    if taken:
        raise BadInput("Another of your stores has this nickname.", field=NICKNAME)
