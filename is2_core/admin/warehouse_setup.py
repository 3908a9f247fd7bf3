"""Saving the settings of a warehouse."""

from __future__ import annotations

from collections.abc import Mapping

from is2_core.audit import Act, record_change
from is2_core.calls.opening_secrets import set_at
from is2_core.calls.plugins import UnknownPlugin
from is2_core.carts.fields import check_fields
from is2_core.db.locks import LOCK
from is2_core.db.types import seal
from is2_core.errors import NotFound
from is2_core.platform import Platform
from is2_core.warehouses.models import WarehouseSetting
from is2_core.warehouses.settings import secrets_of
from plugins.warehouse import FieldKind, WarehouseManifest


def known_warehouse(platform: Platform, warehouse: str) -> WarehouseManifest:
    """The manifest of a working warehouse.

    Raises:
        NotFound: there is none of that name.
    """
    try:
        return platform.warehouses.manifest(warehouse)
    except UnknownPlugin:
        raise NotFound(f"There is no warehouse named {warehouse}.") from None


def save_warehouse_settings(platform: Platform, warehouse: str, values: Mapping[str, str]) -> None:
    """Check and store the settings; a secret left empty keeps its stored value.

    Raises:
        NotFound: there is no such warehouse.
        BadInput: at the first field that cannot be used.
    """
    manifest = known_warehouse(platform, warehouse)
    secret_keys = {field.key for field in manifest.settings if field.kind is FieldKind.SECRET}
    with platform.db.write() as session:
        row = session.get(WarehouseSetting, warehouse, with_for_update=LOCK)
        if row is None:
            row = WarehouseSetting(warehouse=warehouse, values={})
            session.add(row)
        # Where all are typed anew, those that are stored need not open: so a lost key is got over.
        stored = {} if all(values.get(key) for key in secret_keys) else secrets_of(row)
        checked = check_fields(manifest.settings, values, stored=stored).values
        before = dict(row.values)
        row.values = {key: value for key, value in checked.items() if key not in secret_keys}
        secrets = {key: value for key, value in checked.items() if key in secret_keys}
        row.secrets_set = set_at(row.secrets_set or {}, stored, secrets, platform.clock.now())
        replaced = sorted(key for key, value in secrets.items() if value != stored.get(key))
        record_change(
            session,
            Act.WAREHOUSE_CHANGED,
            subject=f"warehouse {warehouse}",
            before=before,
            after={**row.values, **({"secrets replaced": replaced} if replaced else {})},
        )
        row.secrets = seal(WarehouseSetting.secrets, secrets, warehouse) if secrets else None
        row.updated_at = platform.clock.now()
