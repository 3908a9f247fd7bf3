"""A store's settings: the form after connecting, Finish Setup, and every later change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.access import owned_integration
from is2_core.accounts.display_name import integration_name
from is2_core.accounts.models import Credential, Integration, UnshippedLook
from is2_core.accounts.scope import ChangeScope, Scope
from is2_core.accounts.states import IntegrationState
from is2_core.audit import Act, record_change
from is2_core.carts.cart_settings import known_manifest
from is2_core.carts.fields import FormField, check_fields
from is2_core.errors import BadInput, Conflict
from is2_core.install.settings_form import (
    COLUMN_KEYS,
    HOME_SITE,
    INVENTORY_EVERY,
    MOST_DAYS_BACK,
    NICKNAME,
    ORDERS_FROM,
    REVIEW_FIRST,
    day_of,
    first_instant,
    setup_fields,
    setup_form,
    stored_day,
)
from is2_core.install.unshipped import check_none_is_dropped, check_none_is_left_out, first_day
from is2_core.integrations.pausing import resume
from is2_core.integrations.seller_proof import prove_connected
from is2_core.inventory.models import InventorySync
from is2_core.inventory.push.push import SETTINGS
from is2_core.inventory.push.sync_row import set_problem
from is2_core.orders.models import ImportCursor
from is2_core.platform import Platform
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.queue import NOW, enqueue
from plugins.interface import CartManifest, FieldKind, SettingsError


@dataclass(frozen=True)
class Saved:
    """Settings are stored; `message` for the top of the page, `warnings` for what is allowed but not advised."""

    message: str
    warnings: tuple[str, ...]


def settings_form(
    platform: Platform, *, integration_id: int, scope: Scope, found: UnshippedLook | None = None
) -> tuple[FormField, ...]:
    """The store's settings with their present values.

    Args:
        found: the orders that wait at the cart; before the first save they decide the day proposed for the first ones.
    """
    with platform.db.read() as session:
        integration = owned_integration(session, integration_id, scope)
    manifest = known_manifest(platform, integration.cart)
    form = setup_form(manifest, integration, first_day(platform, found), platform.config.timezone)
    inventory = str(integration.settings.get(INVENTORY_EVERY, ""))
    return tuple(
        FormField(entry.field, inventory) if entry.field.key == INVENTORY_EVERY and inventory else entry
        for entry in form
    )


def finish_setup(
    platform: Platform, *, integration_id: int, scope: ChangeScope, values: Mapping[str, str], leave_out: str = ""
) -> Saved:
    """Save the settings; the first time, start the store's schedules. Saving again later changes them.

    Args:
        leave_out: the day of which a person said that orders before it may be left out.

    Raises:
        LeavesOut: orders that wait at the cart, or here to be placed, were bought before the day typed.
    """
    with platform.db.read() as session:
        integration = owned_integration(session, integration_id, scope)
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
        row = owned_integration(session, integration_id, scope, lock=True)
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
        before = _shown(manifest, row)
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
        own = {key: value for key, value in typed.items() if key not in COLUMN_KEYS}
        row.settings = {**row.settings, **own}
        record_change(
            session,
            Act.SETTINGS_CHANGED,
            subject=f"integration {row.id}",
            before=before,
            after=_shown(manifest, row),
            account_id=row.account_id,
        )
        if first:
            row.state, row.finished_at = IntegrationState.ACTIVE, now
        elif row.state == IntegrationState.PAUSED and row.pause_code == SettingsError.default_code:
            resume(session, row, platform)
        platform.schedules.ensure(platform, session, row.id)
        if typed.get(INVENTORY_EVERY, "off") != "off":
            _try_stock_again(session, row, now)
        enqueue(session, kind=TaskKind.ORDERS_CHECK, integration=row, now=now, priority=NOW)
        enqueue(session, kind=TaskKind.ORDERS_REVIEW, integration=row, now=now)
        name = f"{manifest.label} store {integration_name(row)}"
    if first:
        return Saved(f"Success: your {name} is connected. Its first orders are being read now.", tuple(warnings))
    return Saved(f"The settings of your {name} are saved.", tuple(warnings))


def _shown(manifest: CartManifest, row: Integration) -> dict[str, Any]:
    """The settings as the audit log tells them."""
    secret = {field.key for field in manifest.store_fields if field.kind is FieldKind.SECRET}
    return {
        NICKNAME: row.nickname,
        HOME_SITE: row.home_site,
        REVIEW_FIRST: row.review_first,
        ORDERS_FROM: row.orders_from.isoformat() if row.orders_from else None,
        **{key: value for key, value in row.settings.items() if key not in secret},
    }


def _try_stock_again(session: Session, row: Integration, now: datetime) -> None:
    """Send the stock that a setting kept back."""
    sync = session.get(InventorySync, row.id)
    if sync is not None and sync.problem_code == SETTINGS:
        set_problem(session, row.id, now)
        enqueue(session, kind=TaskKind.INVENTORY_PUSH, integration=row, now=now)


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
