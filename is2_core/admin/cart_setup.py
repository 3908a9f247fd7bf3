"""Saving an admin's settings of a cart: enabled or not, environment, platform-wide settings."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa

from is2_core.accounts.models import Integration
from is2_core.accounts.states import IntegrationState
from is2_core.audit import Act, record, record_change
from is2_core.calls.opening_secrets import set_at
from is2_core.carts.cart_settings import former_of, is_refused_trial, known_manifest, opens, secrets_of, set_former
from is2_core.carts.fields import check_fields
from is2_core.carts.models import CartSetting
from is2_core.db.locks import LOCK
from is2_core.db.types import seal
from is2_core.errors import BadInput
from is2_core.integrations.pausing import resume
from is2_core.platform import Platform
from plugins.interface import CartManifest, FieldKind, SettingsError


def enable_cart(platform: Platform, cart: str) -> None:
    """Allow installs and imports."""
    _set_enabled(platform, cart, True)


def disable_cart(platform: Platform, cart: str) -> None:
    """Stop installs and imports; what is placed already goes on to its end."""
    _set_enabled(platform, cart, False)


def _set_enabled(platform: Platform, cart: str, enabled: bool) -> None:
    known_manifest(platform, cart)
    with platform.db.write() as session:
        row = session.get(CartSetting, cart, with_for_update=LOCK)
        if row is None:
            row = CartSetting(cart=cart, values={})
            session.add(row)
        record_change(
            session,
            Act.CART_CHANGED,
            subject=f"cart {cart}",
            before={"enabled": bool(row.enabled)},
            after={"enabled": enabled},
        )
        row.enabled, row.updated_at = enabled, platform.clock.now()


def save_cart_settings(platform: Platform, cart: str, environment: str, values: Mapping[str, str]) -> None:
    """Check and store the platform-wide settings; a secret left empty keeps its stored value, one that is replaced
    stays beside the new one as long as its field says. Stores that were paused because of a setting go on."""
    manifest = known_manifest(platform, cart)
    if environment not in {entry.code for entry in manifest.environments}:
        raise BadInput("Choose one of the endpoints.", field="environment")
    if is_refused_trial(platform, manifest, environment):
        public = platform.config.public_url
        raise BadInput(f"This is for trials on one machine, and IS2_PUBLIC_URL is {public}.", field="environment")
    with platform.db.write() as session:
        row = session.get(CartSetting, cart, with_for_update=LOCK)
        if row is None:
            row = CartSetting(cart=cart, values={})
            session.add(row)
        secret_keys = {entry.key for entry in manifest.platform_fields if entry.kind is FieldKind.SECRET}
        # Where all are typed anew, those that are stored need not open: so a lost key is got over.
        is_new = all(values.get(key) for key in secret_keys)
        stored = {} if is_new and not opens(row) else secrets_of(row)
        checked = check_fields(manifest.platform_fields, values, stored=stored).values
        values = {key: value for key, value in checked.items() if key not in secret_keys}
        # Beside another application or endpoint a former secret is no rotation's, and nobody's business there.
        rotation = (row.environment, row.values) == (environment, values)
        set_former(row, _former(manifest, row, checked, platform.clock.now()) if rotation and opens(row) else {})
        before = {"environment": row.environment, **row.values}
        row.environment, row.values = environment, values
        secrets = {key: value for key, value in checked.items() if key in secret_keys}
        row.secrets_set = set_at(row.secrets_set or {}, stored, secrets, platform.clock.now())
        row.secrets = seal(CartSetting.secrets, secrets, cart)
        replaced = sorted(key for key, value in secrets.items() if value != stored.get(key))
        record_change(
            session,
            Act.CART_CHANGED,
            subject=f"cart {cart}",
            before=before,
            after={"environment": environment, **values, **({"secrets replaced": replaced} if replaced else {})},
        )
        row.updated_at = platform.clock.now()
        waiting = session.scalars(
            sa.select(Integration).where(
                Integration.cart == cart,
                Integration.state == IntegrationState.PAUSED,
                Integration.pause_code == SettingsError.default_code,
            )
        )
        for integration in waiting.all():
            resume(session, integration, platform)


def forget_former(platform: Platform, cart: str) -> None:
    """Erase what the secrets of a cart were before at once, as after a leak."""
    known_manifest(platform, cart)
    with platform.db.write() as session:
        row = session.get(CartSetting, cart)
        if row is not None:
            set_former(row, {})
            record(session, Act.CART_CHANGED, subject=f"cart {cart}", after={"former secrets": "erased"})


def _former(
    manifest: CartManifest, row: CartSetting, checked: Mapping[str, str], now: datetime
) -> dict[str, dict[str, str]]:
    # One that is kept already stays: what took its place may have been a slip of the pen, corrected now.
    kept, stored = former_of(row, now), secrets_of(row)
    for declared in manifest.platform_fields:
        before = stored.get(declared.key)
        if declared.former_for and before and before != checked[declared.key] and declared.key not in kept:
            until = (now + declared.former_for).isoformat()
            kept[declared.key] = {"value": before, "until": until, "set_at": now.isoformat()}
    return kept
