"""What an admin sets per cart: enabled or not, environment, platform-wide settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.carts import UnknownCart
from is2_core.db.locks import LOCK
from is2_core.flows.errors import BadInput, NotFound
from is2_core.flows.fields import check_fields
from is2_core.flows.pausing import resume
from is2_core.models import CartSetting, Integration, IntegrationState
from is2_core.platform import Platform
from plugins.interface import CartManifest, FieldKind, PlatformSettings, Secret, SettingsError


@dataclass(frozen=True)
class StoredSettings:
    """Settings without their secrets: only which of those are set, and until when a former one is used beside."""

    enabled: bool
    environment: str
    values: dict[str, str]
    secrets_set: frozenset[str]
    former_until: Mapping[str, datetime] = field(default_factory=dict)


def known_manifest(platform: Platform, cart: str) -> CartManifest:
    """The manifest of a working cart.

    Raises:
        NotFound: there is none of that name.
    """
    try:
        return platform.carts.manifest(cart)
    except UnknownCart:
        raise NotFound(f"There is no cart named {cart}.") from None


def stored_settings(platform: Platform, cart: str) -> StoredSettings:
    """What is stored, or defaults where nothing is."""
    with platform.db.read() as session:
        row = session.get(CartSetting, cart)
    if row is None:
        return StoredSettings(False, "", {}, frozenset())
    return StoredSettings(
        row.enabled,
        row.environment,
        dict(row.values),
        frozenset(key for key, value in (row.secrets or {}).items() if value),
        {
            key: datetime.fromisoformat(entry["until"])
            for key, entry in _still_good(row.former, platform.clock.now()).items()
        },
    )


def platform_settings(platform: Platform, cart: str) -> PlatformSettings:
    """The settings as a cart gets them, secrets included."""
    with platform.db.read() as session:
        row = session.get(CartSetting, cart)
    if row is None:
        return PlatformSettings("")
    return PlatformSettings(
        row.environment,
        dict(row.values),
        {key: Secret(value) for key, value in (row.secrets or {}).items()},
        {key: Secret(entry["value"]) for key, entry in _still_good(row.former, platform.clock.now()).items()},
    )


def is_enabled(platform: Platform, cart: str) -> bool:
    """Whether merchants may install this cart and new orders are imported."""
    return stored_settings(platform, cart).enabled


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
        row.enabled, row.updated_at = enabled, platform.clock.now()


def save_cart_settings(platform: Platform, cart: str, environment: str, values: Mapping[str, str]) -> None:
    """Check and store the platform-wide settings; a secret left empty keeps its stored value, one that is replaced
    stays beside the new one as long as its field says. Stores that were paused because of a setting go on."""
    manifest = known_manifest(platform, cart)
    if environment not in {entry.code for entry in manifest.environments}:
        raise BadInput("Choose one of the endpoints.", field="environment")
    with platform.db.write() as session:
        row = session.get(CartSetting, cart, with_for_update=LOCK)
        if row is None:
            row = CartSetting(cart=cart, values={})
            session.add(row)
        checked = check_fields(manifest.platform_fields, values, stored=row.secrets or {}).values
        secret_keys = {entry.key for entry in manifest.platform_fields if entry.kind is FieldKind.SECRET}
        values = {key: value for key, value in checked.items() if key not in secret_keys}
        # Beside another application or endpoint a former secret is no rotation's, and nobody's business there.
        rotation = (row.environment, row.values) == (environment, values)
        row.former = _former(manifest, row, checked, platform.clock.now()) if rotation else None
        row.environment, row.values = environment, values
        row.secrets = {key: value for key, value in checked.items() if key in secret_keys}
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
            row.former = None


def forget_former_secrets(session: Session, now: datetime) -> None:
    """Erase what secrets were before, once that is of no use any more."""
    for row in session.scalars(sa.select(CartSetting).where(CartSetting.former.is_not(None))).all():
        former = row.former or {}
        still = _still_good(former, now)
        if still.keys() != former.keys():
            row.former = still or None


def _former(
    manifest: CartManifest, row: CartSetting, checked: Mapping[str, str], now: datetime
) -> dict[str, dict[str, str]] | None:
    # One that is kept already stays: what took its place may have been a slip of the pen, corrected now.
    kept = _still_good(row.former, now)
    stored = row.secrets or {}
    for declared in manifest.platform_fields:
        before = stored.get(declared.key)
        if declared.former_for and before and before != checked[declared.key] and declared.key not in kept:
            kept[declared.key] = {"value": before, "until": (now + declared.former_for).isoformat()}
    return kept or None


def _still_good(former: Mapping[str, dict[str, str]] | None, now: datetime) -> dict[str, dict[str, str]]:
    return {key: entry for key, entry in (former or {}).items() if datetime.fromisoformat(entry["until"]) > now}


def environment_label(platform: Platform) -> str:
    """For the header of every page: which endpoints the enabled carts speak to."""
    parts = []
    for cart in platform.carts.names():
        stored, manifest = stored_settings(platform, cart), platform.carts.manifest(cart)
        label = next((entry.label for entry in manifest.environments if entry.code == stored.environment), None)
        if stored.enabled and label:
            parts.append(f"{manifest.label}: {label}")
    return ", ".join(parts)
