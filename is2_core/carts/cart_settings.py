"""An admin's settings of a cart: enabled or not, environment, platform-wide settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.calls.opening_secrets import OpeningSecrets
from is2_core.calls.plugins import UnknownPlugin
from is2_core.carts.models import CartSetting
from is2_core.crypto import CannotOpen, UnknownKey
from is2_core.db.instants import AHEAD
from is2_core.db.types import SealedValue, seal
from is2_core.errors import NotFound
from is2_core.platform import Platform
from plugins.interface import CartManifest, PlatformSettings, SettingsError


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
    except UnknownPlugin:
        raise NotFound(f"There is no cart named {cart}.") from None


def is_refused_trial(platform: Platform, manifest: CartManifest, environment: str) -> bool:
    """Whether these endpoints are for trials, and people reach the panel from elsewhere."""
    is_trial = any(entry.trial for entry in manifest.environments if entry.code == environment)
    return is_trial and platform.config.is_production


def stored_settings(platform: Platform, cart: str) -> StoredSettings:
    """Return the stored settings, or defaults where there are none."""
    with platform.db.read() as session:
        row = session.get(CartSetting, cart)
    if row is None:
        return StoredSettings(False, "", {}, frozenset())
    return StoredSettings(
        row.enabled,
        row.environment,
        dict(row.values),
        frozenset(row.secrets_set or {}),
        {
            key: until
            for key, text in (row.former_until or {}).items()
            if (until := datetime.fromisoformat(text)) > platform.clock.now()
        },
    )


def platform_settings(platform: Platform, cart: str) -> PlatformSettings:
    """Return the settings as a cart gets them, secrets included; these are opened when the cart first asks for one,
    since most of what it does needs none.

    Raises:
        SettingsError: the endpoints are for trials only, and the panel is public.

    Asking for one raises:
        SettingsError: the secrets cannot be opened and have to be typed again.
        Temporary: this process lacks the key they are sealed with.
    """
    with platform.db.read() as session:
        row = session.get(CartSetting, cart)
    if row is None:
        return PlatformSettings("")
    if is_refused_trial(platform, known_manifest(platform, cart), row.environment):
        message = "The endpoints of this cart are for trials only: an administrator has to choose others."
        raise SettingsError(message, detail=f"IS2_PUBLIC_URL is {platform.config.public_url}", may_pass=False)
    return PlatformSettings(
        row.environment,
        dict(row.values),
        OpeningSecrets(lambda: _secrets_for_cart(row)),
        OpeningSecrets(lambda: {key: entry["value"] for key, entry in former_of(row, platform.clock.now()).items()}),
    )


def _secrets_for_cart(row: CartSetting) -> dict[str, str]:
    if row.secrets is not None and _opened(row.secrets, row.cart) is None:
        message = "The platform's secrets of this cart cannot be opened: an administrator has to enter them."
        raise SettingsError(message, may_pass=False)
    return secrets_of(row)


def secrets_of(row: CartSetting) -> dict[str, str]:
    """Return the secrets by their keys; none where they cannot be opened."""
    return (_opened(row.secrets, row.cart) if row.secrets else None) or {}


def former_of(row: CartSetting, now: datetime) -> dict[str, dict[str, str]]:
    """Return the former secrets that are still used; see `CartSetting`."""
    former = (_opened(row.former, row.cart) if row.former else None) or {}
    return {key: entry for key, entry in former.items() if _is_good(entry, now)}


def set_former(row: CartSetting, former: Mapping[str, Mapping[str, str]]) -> None:
    """Store the former secrets that are still used."""
    row.former = seal(CartSetting.former, former, row.cart) if former else None
    row.former_until = {key: entry["until"] for key, entry in former.items()}


def _is_good(entry: Mapping[str, str], now: datetime) -> bool:
    # One that was set in the future is of a clock that was put back: it is over. Older ones do not say.
    is_ahead = "set_at" in entry and datetime.fromisoformat(entry["set_at"]) > now + AHEAD
    return datetime.fromisoformat(entry["until"]) > now and not is_ahead


def opens(row: CartSetting) -> bool:
    """Whether this process has the keys that a cart's secrets are sealed with."""
    try:
        for value in filter(None, (row.secrets, row.former)):
            _opened(value, row.cart)
    except UnknownKey:
        return False
    return True


def _opened(value: SealedValue, cart: str) -> Any:
    """Open what is sealed in a cart's row; None where it is another row's, or damaged."""
    try:
        return value.open(cart)
    except CannotOpen:
        return None


def is_enabled(platform: Platform, cart: str) -> bool:
    """Whether merchants may install this cart and new orders are imported."""
    with platform.db.read() as session:
        return bool(session.scalar(sa.select(CartSetting.enabled).where(CartSetting.cart == cart)))


def forget_former_secrets(session: Session, now: datetime) -> None:
    """Erase what secrets were before, once that is of no use any more."""
    replaced = sa.select(CartSetting).where(CartSetting.former.is_not(None)).order_by(CartSetting.cart)
    for row in session.scalars(replaced.with_for_update(skip_locked=True)).all():
        former, still = (_opened(row.former, row.cart) if row.former else None) or {}, former_of(row, now)
        if still.keys() != former.keys():
            set_former(row, still)


def environment_label(platform: Platform) -> str:
    """For the header of every page: which endpoints the enabled carts speak to."""
    with platform.db.read() as session:
        # Without the secrets, which to open takes longer.
        spoken_to = sa.select(CartSetting.cart, CartSetting.environment).where(CartSetting.enabled)
        environments = dict(session.execute(spoken_to).all())
    parts = []
    for cart in platform.carts.names():
        manifest, environment = platform.carts.manifest(cart), environments.get(cart)
        label = next((entry.label for entry in manifest.environments if entry.code == environment), None)
        if label:
            parts.append(f"{manifest.label}: {label}")
    return ", ".join(parts)
