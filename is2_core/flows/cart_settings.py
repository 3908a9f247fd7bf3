"""What an admin sets per cart: enabled or not, environment, platform-wide settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from is2_core.carts import UnknownCart
from is2_core.flows.errors import BadInput, NotFound
from is2_core.flows.fields import check_fields
from is2_core.flows.pausing import resume
from is2_core.models import CartSetting, Integration, IntegrationState
from is2_core.platform import Platform
from plugins.interface import CartManifest, FieldKind, PlatformSettings, Secret, SettingsError


@dataclass(frozen=True)
class StoredSettings:
    """Settings without their secrets: only which of those are set."""

    enabled: bool
    environment: str
    values: dict[str, str]
    secrets_set: frozenset[str]


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
    )


def platform_settings(platform: Platform, cart: str) -> PlatformSettings:
    """The settings as a cart gets them, secrets included."""
    with platform.db.read() as session:
        row = session.get(CartSetting, cart)
    if row is None:
        return PlatformSettings("")
    return PlatformSettings(
        row.environment, dict(row.values), {key: Secret(value) for key, value in (row.secrets or {}).items()}
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
        row = session.get(CartSetting, cart)
        if row is None:
            row = CartSetting(cart=cart, values={})
            session.add(row)
        row.enabled, row.updated_at = enabled, platform.clock.now()


def save_cart_settings(platform: Platform, cart: str, environment: str, values: Mapping[str, str]) -> None:
    """Check and store the platform-wide settings; a secret left empty keeps its stored value. Stores that were
    paused because of a setting go on."""
    manifest = known_manifest(platform, cart)
    if environment not in {entry.code for entry in manifest.environments}:
        raise BadInput("Choose one of the endpoints.", field="environment")
    with platform.db.write() as session:
        row = session.get(CartSetting, cart)
        if row is None:
            row = CartSetting(cart=cart, values={})
            session.add(row)
        checked = check_fields(manifest.platform_fields, values, stored=row.secrets or {}).values
        secret_keys = {field.key for field in manifest.platform_fields if field.kind is FieldKind.SECRET}
        row.environment = environment
        row.values = {key: value for key, value in checked.items() if key not in secret_keys}
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


def environment_label(platform: Platform) -> str:
    """For the header of every page: which endpoints the enabled carts speak to."""
    parts = []
    for cart in platform.carts.names():
        stored, manifest = stored_settings(platform, cart), platform.carts.manifest(cart)
        label = next((entry.label for entry in manifest.environments if entry.code == stored.environment), None)
        if stored.enabled and label:
            parts.append(f"{manifest.label}: {label}")
    return ", ".join(parts)
