"""The settings of a warehouse, which hold for the whole platform."""

from __future__ import annotations

from dataclasses import dataclass

from is2_core.calls.opening_secrets import OpeningSecrets
from is2_core.crypto import CannotOpen
from is2_core.platform import Platform
from is2_core.warehouses.models import WarehouseSetting
from plugins.warehouse import WarehouseSettings


@dataclass(frozen=True)
class StoredSettings:
    """Settings without their secrets: only which of those are set."""

    values: dict[str, str]
    secrets_set: frozenset[str]


def stored_settings(platform: Platform, warehouse: str) -> StoredSettings:
    """Return the stored settings, or empty ones."""
    with platform.db.read() as session:
        row = session.get(WarehouseSetting, warehouse)
    if row is None:
        return StoredSettings({}, frozenset())
    return StoredSettings(dict(row.values), frozenset(row.secrets_set or {}))


def settings_of(row: WarehouseSetting | None) -> WarehouseSettings:
    """Return the stored settings as a warehouse gets them."""
    if row is None:
        return WarehouseSettings()
    return WarehouseSettings(dict(row.values), OpeningSecrets(lambda: secrets_of(row)))


def secrets_of(row: WarehouseSetting) -> dict[str, str]:
    """The secrets by their keys; none where they cannot be opened, so that the warehouse says what it lacks."""
    try:
        return row.secrets.open(row.warehouse) if row.secrets else {}
    except CannotOpen:
        return {}
