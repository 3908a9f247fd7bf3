"""The tables, one noun a file."""

from is2_core.models.account import Account, MemberRole, Membership, Role, User
from is2_core.models.base import Base, Owned
from is2_core.models.cart import CarrierCode, CartSetting
from is2_core.models.clock import ClockOffset
from is2_core.models.heartbeat import Heartbeat
from is2_core.models.integration import (
    WAITS_FOR_A_PERSON,
    Credential,
    InstallSession,
    Integration,
    IntegrationState,
    Schedule,
    SellerClaim,
    UnshippedLook,
)
from is2_core.models.inventory import (
    InventorySync,
    PushResult,
    StockActivity,
    StockBuffer,
    StockPush,
    StockPushLine,
    WarehouseCursor,
)
from is2_core.models.item import CartItem, Mapping, SeenInCart, ShippingMapping
from is2_core.models.order import (
    AckState,
    CustomizationState,
    Hold,
    ImportCursor,
    LineCustomization,
    OrderEvent,
    PlacedComponent,
    ReceivedLine,
    ReceivedOrder,
    ReceivedState,
    Recipient,
)
from is2_core.models.package import Package, PackageContent, PackageOffer, PackageUnits, PostState
from is2_core.models.submission import Submission, SubmissionLine
from is2_core.models.support import CaseKind, SupportCase
from is2_core.models.task import OPEN_STATES, Task, TaskState, TaskTurn
from is2_core.models.upload import ItemUpload
from is2_core.models.warehouse import (
    StockMovement,
    WarehouseActivity,
    WarehouseFeed,
    WarehouseOrder,
    WarehouseOrderLine,
    WarehousePackage,
    WarehousePackageLine,
    WarehouseSku,
    WarehouseState,
)

__all__ = [
    "OPEN_STATES",
    "WAITS_FOR_A_PERSON",
    "Account",
    "AckState",
    "Base",
    "CarrierCode",
    "CartItem",
    "CartSetting",
    "CaseKind",
    "ClockOffset",
    "Credential",
    "CustomizationState",
    "Heartbeat",
    "Hold",
    "ImportCursor",
    "InstallSession",
    "Integration",
    "IntegrationState",
    "InventorySync",
    "ItemUpload",
    "LineCustomization",
    "Mapping",
    "MemberRole",
    "Membership",
    "OrderEvent",
    "Owned",
    "Package",
    "PackageContent",
    "PackageOffer",
    "PackageUnits",
    "PlacedComponent",
    "PostState",
    "PushResult",
    "ReceivedLine",
    "ReceivedOrder",
    "ReceivedState",
    "Recipient",
    "Role",
    "Schedule",
    "SeenInCart",
    "SellerClaim",
    "ShippingMapping",
    "StockActivity",
    "StockBuffer",
    "StockMovement",
    "StockPush",
    "StockPushLine",
    "Submission",
    "SubmissionLine",
    "SupportCase",
    "Task",
    "TaskState",
    "TaskTurn",
    "UnshippedLook",
    "User",
    "WarehouseActivity",
    "WarehouseCursor",
    "WarehouseFeed",
    "WarehouseOrder",
    "WarehouseOrderLine",
    "WarehousePackage",
    "WarehousePackageLine",
    "WarehouseSku",
    "WarehouseState",
]
