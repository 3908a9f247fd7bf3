"""The tables, one noun a file."""

from is2_core.models.account import Account, MemberRole, Membership, Role, User
from is2_core.models.base import Base
from is2_core.models.cart import CartSetting
from is2_core.models.integration import Credential, InstallSession, Integration, IntegrationState, Schedule
from is2_core.models.item import CartItem, Mapping, SeenInCart, ShippingMapping
from is2_core.models.order import (
    AckState,
    Hold,
    ImportCursor,
    OrderEvent,
    PlacedComponent,
    ReceivedLine,
    ReceivedOrder,
    ReceivedState,
    Recipient,
)
from is2_core.models.submission import Submission, SubmissionLine
from is2_core.models.task import OPEN_STATES, Task, TaskState
from is2_core.models.warehouse import (
    StockMovement,
    WarehouseOrder,
    WarehouseOrderLine,
    WarehouseSku,
    WarehouseState,
)

__all__ = [
    "OPEN_STATES",
    "Account",
    "AckState",
    "Base",
    "CartItem",
    "CartSetting",
    "Credential",
    "Hold",
    "ImportCursor",
    "InstallSession",
    "Integration",
    "IntegrationState",
    "Mapping",
    "MemberRole",
    "Membership",
    "OrderEvent",
    "PlacedComponent",
    "ReceivedLine",
    "ReceivedOrder",
    "ReceivedState",
    "Recipient",
    "Role",
    "Schedule",
    "SeenInCart",
    "ShippingMapping",
    "StockMovement",
    "Submission",
    "SubmissionLine",
    "Task",
    "TaskState",
    "User",
    "WarehouseOrder",
    "WarehouseOrderLine",
    "WarehouseSku",
    "WarehouseState",
]
