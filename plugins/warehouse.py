"""The contract between the IS2 core and a warehouse (WMS): everything a warehouse plugin may import.

A warehouse is a module or an object registered under the entry point group `is2.warehouses` whose functions carry
`@hookimpl`. The core calls one warehouse at a time, in one place, outside any transaction, and passes a fresh
`WarehouseContext`, which names the account, to every call. Every hook but `warehouse_manifest` may do I/O.

An exception of `plugins.errors` means that the whole call failed, and says what happens next; any other is a bug of the
plugin. `answers_since`, `carriers` and `forget` may be left out: by a warehouse that decides at once, one that names no
carriers, and one that keeps nothing of a buyer.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pluggy

from plugins.errors import Permanent, RateLimited, SettingsError, Temporary
from plugins.interface import CartHttp as Http, Clock, Effect, Reply
from plugins.types.forms import Field, FieldKind
from plugins.types.handling import HandlingKind
from plugins.types.manifest import RatePlan
from plugins.types.values import Address, Secret, require
from plugins.types.warehousing import (
    Activity,
    Already,
    Answers,
    CancelAnswer,
    Cancelled,
    CustomizationFile,
    FoundOrder,
    GiftMessage,
    HandlingRequirement,
    KnownSku,
    KnownSkus,
    LateAnswer,
    NewOrder,
    OrderLine,
    PartlyCancelled,
    Pending,
    PlaceAnswer,
    Placed,
    Refused,
    Retry,
    Service,
    Shipments,
    ShippedPackage,
    Stock,
    StoppedOrder,
    TooLate,
    Unknown,
    WaitingOrder,
    WaitsFor,
)

CONTRACT_VERSION = "1.0"
PROJECT = "is2"
ENTRY_POINTS = "is2.warehouses"
MAX_NUMBER = 50
"""Characters of an order's number, at most."""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@dataclass(frozen=True)
class WarehouseManifest:
    """A warehouse, as it describes itself.

    Args:
        name: as the entry point.
        label: its name on pages.
        version: the plugin's.
        settings: what an administrator fills in for the whole platform.
        hosts: that it may call, "*.example.com" for any subdomain; an address among the settings is allowed besides.
        unique_external_id: placing the same number twice gives Already. Where False, a number is looked up before it is
            placed, and an Unknown answer only `settle_s` seconds later; neither is repeated blindly.
        rate_plans: its limits by operation, for the whole platform.
        contract: the version it was written for.
    """

    name: str
    label: str
    version: str
    settings: tuple[Field, ...] = ()
    hosts: tuple[str, ...] = ()
    unique_external_id: bool = True
    settle_s: int = 0
    rate_plans: Mapping[str, RatePlan] = field(default_factory=dict)
    contract: str = CONTRACT_VERSION

    def __post_init__(self) -> None:
        require(bool(self.name and self.label), "a warehouse needs a name and a label")
        require(self.settle_s >= 0, "settle_s must be 0 or more")


@dataclass(frozen=True)
class WarehouseSettings:
    """The values an administrator set, by the keys of the declared fields; those of kind SECRET stand in `secrets`."""

    values: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, Secret] = field(default_factory=dict)


@dataclass(frozen=True)
class WarehouseContext:
    """The surroundings of every call.

    Args:
        account: the merchant's code, the same for all time.
        http: the only way out; see `plugins.interface.CartHttp`.
        log: knows which account and warehouse it writes about; nothing of a buyer belongs there.
    """

    account: str
    settings: WarehouseSettings
    http: Http
    clock: Clock
    log: logging.LoggerAdapter[logging.Logger]


@hookspec(firstresult=True)
def warehouse_manifest() -> WarehouseManifest:
    """Tell what this warehouse is. No I/O."""
    raise NotImplementedError


@hookspec(firstresult=True)
def place_orders(ctx: WarehouseContext, orders: Sequence[NewOrder]) -> Sequence[PlaceAnswer]:
    """Take orders: one answer per order, in their order, idempotent by number."""
    raise NotImplementedError


@hookspec(firstresult=True)
def answers_since(ctx: WarehouseContext, cursor: str) -> Answers:
    """Tell how what was Pending was decided after a cursor of an earlier answer, "" for the beginning."""
    raise NotImplementedError


@hookspec(firstresult=True)
def find_order(ctx: WarehouseContext, number: str) -> Sequence[FoundOrder]:
    """Tell what there is under a number; empty where nothing."""
    raise NotImplementedError


@hookspec(firstresult=True)
def cancel_order(ctx: WarehouseContext, number: str) -> CancelAnswer:
    """Stop an order. Asked again, also after a lost answer, it says the same."""
    raise NotImplementedError


@hookspec(firstresult=True)
def skus(ctx: WarehouseContext, cursor: str) -> KnownSkus:
    """Tell which SKUs there are: those that are new or renamed after a cursor; `complete` False: ask again."""
    raise NotImplementedError


@hookspec(firstresult=True)
def stock(ctx: WarehouseContext, skus: Sequence[str] | None) -> Sequence[Stock]:
    """Tell the stock of these SKUs, of all where None, committed read before on hand; an unknown SKU is left out."""
    raise NotImplementedError


@hookspec(firstresult=True)
def activity_since(ctx: WarehouseContext, cursor: str) -> Activity:
    """Tell which SKUs moved after a cursor."""
    raise NotImplementedError


@hookspec(firstresult=True)
def shipments_since(ctx: WarehouseContext, cursor: str) -> Shipments:
    """Tell what was shipped, corrected, voided or ended by the warehouse after a cursor, and what orders wait for."""
    raise NotImplementedError


@hookspec(firstresult=True)
def services(ctx: WarehouseContext) -> Sequence[Service]:
    """List the shipping services an order can ask for."""
    raise NotImplementedError


@hookspec(firstresult=True)
def carriers(ctx: WarehouseContext) -> Sequence[str]:
    """List the carriers this warehouse hands parcels to, by the names its packages carry."""
    raise NotImplementedError


@hookspec(firstresult=True)
def forget(ctx: WarehouseContext, number: str) -> None:
    """Erase what is stored of an order's buyer. Nothing to erase is no error."""
    raise NotImplementedError


__all__ = [
    "CONTRACT_VERSION",
    "ENTRY_POINTS",
    "MAX_NUMBER",
    "PROJECT",
    "Activity",
    "Address",
    "Already",
    "Answers",
    "CancelAnswer",
    "Cancelled",
    "Clock",
    "CustomizationFile",
    "Effect",
    "Field",
    "FieldKind",
    "FoundOrder",
    "GiftMessage",
    "HandlingKind",
    "HandlingRequirement",
    "Http",
    "KnownSku",
    "KnownSkus",
    "LateAnswer",
    "NewOrder",
    "OrderLine",
    "PartlyCancelled",
    "Pending",
    "Permanent",
    "PlaceAnswer",
    "Placed",
    "RateLimited",
    "RatePlan",
    "Refused",
    "Reply",
    "Retry",
    "Secret",
    "Service",
    "SettingsError",
    "Shipments",
    "ShippedPackage",
    "Stock",
    "StoppedOrder",
    "Temporary",
    "TooLate",
    "Unknown",
    "WaitingOrder",
    "WaitsFor",
    "WarehouseContext",
    "WarehouseManifest",
    "WarehouseSettings",
    "hookimpl",
    "hookspec",
]
