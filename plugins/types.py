"""Every value that crosses the seam between the core and a cart.

All of them are frozen dataclasses whose invariants are checked when they are made, so that neither side
can hand the other a half-true value: money is Decimal with a currency, times are aware UTC, ids are text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

CONTRACT_VERSION: Final = "1.0"


class OrderState(StrEnum):
    """What the cart says of an order, in the core's words. UNKNOWN is reported, never guessed."""

    PENDING = "PENDING"
    READY = "READY"
    PARTLY_SHIPPED = "PARTLY_SHIPPED"
    SHIPPED = "SHIPPED"
    CANCELLED = "CANCELLED"
    UNKNOWN = "UNKNOWN"


class FulfilledBy(StrEnum):
    """Who ships the order: the merchant (so: the warehouse) or the cart's own network."""

    MERCHANT = "MERCHANT"
    CART = "CART"
    UNKNOWN = "UNKNOWN"


class QueryBy(StrEnum):
    """Which of an order's two times a window speaks of."""

    CREATED = "CREATED"
    UPDATED = "UPDATED"


class Effect(StrEnum):
    """Whether a call only reads, or changes something at the cart (then a lost answer means *unknown*)."""

    READ = "READ"
    WRITE = "WRITE"


class FieldKind(StrEnum):
    """How the core draws and checks a declared field. YES_NO and BOX (a tick box) carry "yes" or "no", DATE
    an ISO day."""

    TEXT = "text"
    INTEGER = "integer"
    SECRET = "secret"
    CHOICE = "choice"
    YES_NO = "yes_no"
    BOX = "box"
    DATE = "date"
    URL = "url"
    SHOP_URL = "shop_url"


class RateScope(StrEnum):
    """Whose budget a call spends: the store's own, or the one all stores of the application share."""

    STORE = "STORE"
    APPLICATION = "APPLICATION"


def _require(condition: bool, sentence: str) -> None:
    if not condition:
        raise ValueError(sentence)


def _require_utc(name: str, value: datetime | None) -> None:
    if value is not None:
        _require(value.tzinfo is not None and value.utcoffset() == timedelta(0), f"{name} must be an aware UTC time")


@dataclass(frozen=True)
class Secret:
    """A text whose repr hides it, for tokens and keys on their way between core and cart."""

    value: str

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__


@dataclass(frozen=True)
class Money:
    """An amount in major units (12.50) with its ISO 4217 currency."""

    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        _require(isinstance(self.amount, Decimal) and self.amount.is_finite(), "an amount must be a finite Decimal")
        _require(len(self.currency) == 3 and self.currency.isupper(), f"{self.currency!r} is not a currency code")


@dataclass(frozen=True)
class Address:
    """Where a parcel goes. Personal data: the core stores it encrypted only, and repr hides it."""

    name: str = field(default="", repr=False)
    company: str = field(default="", repr=False)
    lines: tuple[str, ...] = field(default=(), repr=False)
    city: str = field(default="", repr=False)
    district: str = field(default="", repr=False)
    region: str = field(default="", repr=False)
    postal_code: str = field(default="", repr=False)
    country: str = ""
    phone: str = field(default="", repr=False)
    kind: str = ""
    instructions: str = field(default="", repr=False)


@dataclass(frozen=True)
class Buyer:
    """Who bought. Personal data, see Address."""

    name: str = field(default="", repr=False)
    email: str = field(default="", repr=False)
    company: str = field(default="", repr=False)
    purchase_order: str = field(default="", repr=False)


@dataclass(frozen=True)
class OrderLine:
    """One line of an order.

    Args:
        remote_id: the cart's id of the line.
        sku: the merchant's SKU exactly as in the cart (case, inner spaces, leading zeros kept); may be empty.
        ordered: units ordered.
        cancelled: units cancelled of those.
        open: units still to be shipped.
        gift_message, customization_url: personal data.
    """

    remote_id: str
    sku: str
    title: str
    ordered: int
    cancelled: int
    open: int
    unit_price: Money | None = None
    gift_message: str = field(default="", repr=False)
    gift_wrap: str = ""
    customization_url: str = field(default="", repr=False)
    demands: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _require(bool(self.remote_id), "an order line needs the cart's id")
        for name in ("ordered", "cancelled", "open"):
            value = getattr(self, name)
            _require(isinstance(value, int) and value >= 0, f"{name} of line {self.remote_id} must be 0 or more")
        _require(
            self.cancelled + self.open <= self.ordered,
            f"line {self.remote_id}: {self.cancelled} cancelled and {self.open} open of only {self.ordered} ordered",
        )


@dataclass(frozen=True)
class UnknownValue:
    """A vendor value the cart has no word for; the core holds the order and reports it."""

    field: str
    value: str


@dataclass(frozen=True)
class Order:
    """One order as the cart shows it now.

    Args:
        remote_id: the cart's order id.
        site: the cart's id of the marketplace it was bought in ("" where the cart has only one).
        shipping_method: the code the cart's `shipping_mapping_ui` knows, or the raw label.
        marks: programs and other facts worth showing (PRIME, AMAZON_BUSINESS, ...).
        ship_by, deliver_by: the latest promised instants.
        cancellation_request: the buyer's reason where a cancellation was asked for, else None.
        cart_order_number: our order number as the cart has it linked, else "".
        unknown: vendor values without a word here.
    """

    remote_id: str
    site: str
    state: OrderState
    fulfilled_by: FulfilledBy
    created_at: datetime
    updated_at: datetime
    lines: tuple[OrderLine, ...]
    shipping_method: str = ""
    recipient: Address | None = None
    buyer: Buyer | None = None
    total: Money | None = None
    ship_by: datetime | None = None
    deliver_by: datetime | None = None
    marks: tuple[str, ...] = ()
    cancellation_request: str | None = None
    cart_order_number: str = ""
    unknown: tuple[UnknownValue, ...] = ()

    def __post_init__(self) -> None:
        _require(bool(self.remote_id), "an order needs the cart's id")
        for name in ("created_at", "updated_at", "ship_by", "deliver_by"):
            _require_utc(name, getattr(self, name))
        ids = [line.remote_id for line in self.lines]
        _require(len(ids) == len(set(ids)), f"order {self.remote_id} repeats a line id")


@dataclass(frozen=True)
class OrderReject:
    """An order of a page that could not be understood; the core quarantines it visibly. `sentence` carries
    no personal data."""

    remote_id: str
    code: str
    sentence: str
    updated_at: datetime | None = None

    def __post_init__(self) -> None:
        _require(bool(self.remote_id), "a rejected order needs the cart's id, or a name that stays the same")
        _require_utc("updated_at", self.updated_at)


@dataclass(frozen=True)
class OrderQuery:
    """A window of orders: at least what was created / updated from `start` to `end`, both inclusive.

    `states` empty means every state, and then also orders the cart fulfills itself (the reconcile listing).
    `page` is None for the first page, afterwards the `next_page` of the reply before.
    """

    by: QueryBy
    start: datetime
    end: datetime
    states: tuple[OrderState, ...] = ()
    page: str | None = None

    def __post_init__(self) -> None:
        _require_utc("start", self.start)
        _require_utc("end", self.end)
        _require(self.start <= self.end, "the window ends before it starts")


@dataclass(frozen=True)
class OrderPage:
    """One page of orders. `server_time` is the cart's clock at the reply, where it tells."""

    orders: tuple[Order, ...]
    rejects: tuple[OrderReject, ...] = ()
    next_page: str | None = None
    server_time: datetime | None = None


@dataclass(frozen=True)
class AcknowledgedLine:
    """One line of an acknowledgement: the cart's line id and ours."""

    remote_id: str
    number: str


@dataclass(frozen=True)
class Acknowledgement:
    """ "We have this order under our number." `key` comes back in the reply."""

    key: str
    order_id: str
    number: str
    site: str
    lines: tuple[AcknowledgedLine, ...]


@dataclass(frozen=True)
class StockLevel:
    """The absolute quantity to show for one SKU.

    Args:
        available: units to offer, never negative.
        held_here: units this cart itself still holds unshipped.
        lead_days: days promised until tracking is uploaded, or None where the cart knows no such thing.
    """

    key: str
    sku: str
    remote_id: str
    available: int
    held_here: int = 0
    lead_days: int | None = None

    def __post_init__(self) -> None:
        _require(self.available >= 0, f"{self.sku}: a stock level cannot be negative")


@dataclass(frozen=True)
class ShownLevel:
    """Stock as the cart shows it: per channel, the merchant's own being "MERCHANT"."""

    sku: str
    channels: Mapping[str, int]
    lead_days: int | None = None


@dataclass(frozen=True)
class PackageLine:
    """Units of one order line inside a package."""

    remote_id: str
    quantity: int


@dataclass(frozen=True)
class Package:
    """One shipped package of one order. `reference` is stable over corrections; `cart_ref` is what an
    earlier post of the same package returned."""

    key: str
    order_id: str
    site: str
    reference: str
    cart_ref: str | None
    carrier_code: str
    carrier_name: str
    service: str
    tracking_number: str
    shipped_at: datetime
    lines: tuple[PackageLine, ...]

    def __post_init__(self) -> None:
        _require_utc("shipped_at", self.shipped_at)


@dataclass(frozen=True)
class Applied:
    """The cart has it. `cart_ref` is kept by the core and handed back with later writes of the same key."""

    cart_ref: str | None = None


@dataclass(frozen=True)
class Rejected:
    """The cart refused this one for good; `sentence` is shown to the merchant."""

    code: str
    sentence: str


@dataclass(frozen=True)
class Retry:
    """Not now; ask for the same key again at `when` (UTC)."""

    when: datetime

    def __post_init__(self) -> None:
        _require_utc("when", self.when)


Result = Applied | Rejected | Retry


@dataclass(frozen=True)
class PendingSubmission:
    """Slow work the cart accepted: ask `poll_submission` for these keys at `ask_at`."""

    handle: str
    keys: tuple[str, ...]
    ask_at: datetime

    def __post_init__(self) -> None:
        _require_utc("ask_at", self.ask_at)
        _require(bool(self.handle) and bool(self.keys), "a pending submission needs a handle and keys")


@dataclass(frozen=True)
class WriteReply:
    """The answer to a write: each input key exactly once, in `results` or inside one pending submission."""

    results: Mapping[str, Result] = field(default_factory=dict)
    pending: tuple[PendingSubmission, ...] = ()

    def __post_init__(self) -> None:
        keys = list(self.results) + [key for submission in self.pending for key in submission.keys]
        _require(len(keys) == len(set(keys)), "a write reply names a key twice")

    def keys(self) -> set[str]:
        """All keys this reply speaks of."""
        return set(self.results) | {key for submission in self.pending for key in submission.keys}


@dataclass(frozen=True)
class Submission:
    """A pending submission handed back to be asked about; `kind` is the verb that made it."""

    handle: str
    kind: str
    keys: tuple[str, ...]
    sent_at: datetime


@dataclass(frozen=True)
class ListedItem:
    """A row of the cart's own item list."""

    sku: str
    title: str = ""
    remote_id: str = ""


@dataclass(frozen=True)
class ItemPage:
    """One page of the cart's items; `next_page` None on the last."""

    items: tuple[ListedItem, ...]
    next_page: str | None = None


@dataclass(frozen=True)
class NotListed:
    """The cart cannot list its items; `sentence` says so to the merchant. No call was made."""

    sentence: str


@dataclass(frozen=True)
class Redirect:
    """Send the merchant's browser away.

    The core adds its own `state` under `state_param` and the address to come back to under `return_param`
    (None: the cart has it registered elsewhere), so that a cart never handles either.
    """

    url: str
    params: Mapping[str, str] = field(default_factory=dict)
    state_param: str = "state"
    return_param: str | None = "redirect_uri"


@dataclass(frozen=True)
class Field:
    """A declared form field, drawn, checked and stored by the core.

    Args:
        minimum, maximum: bounds of an INTEGER, inclusive; outside them the form is refused.
        advised_minimum, advice: below it the value is accepted with `advice` shown as a warning.
        choices: (value, label) pairs of a CHOICE.
    """

    key: str
    label: str
    kind: FieldKind = FieldKind.TEXT
    help: str = ""
    required: bool = True
    default: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    advised_minimum: int | None = None
    advice: str = ""


@dataclass(frozen=True)
class AskFields:
    """Ask the merchant for these before going on; they come back in `InstallReply.params`."""

    fields: tuple[Field, ...]
    sentence: str = ""


@dataclass(frozen=True)
class SellerIdentity:
    """Who the store is at the cart and in which sites (marketplaces) it sells."""

    remote_id: str
    name: str
    sites: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _require(bool(self.remote_id), "a seller identity needs the cart's id")


@dataclass(frozen=True)
class Connected:
    """The store is connected. `credentials` are opaque to the core, stored encrypted and handed to
    `mint_access_token`; a cart without that hook puts its key under "token"."""

    identity: SellerIdentity
    credentials: Mapping[str, Secret]


@dataclass(frozen=True)
class InstallReply:
    """What came back from the browser (query or form fields, `state` already checked and removed), and the
    address the browser was told to come back to."""

    params: Mapping[str, str]
    return_url: str


@dataclass(frozen=True)
class AccessToken:
    """A short-lived token and when it ends (UTC)."""

    value: Secret
    expires_at: datetime

    def __post_init__(self) -> None:
        _require_utc("expires_at", self.expires_at)


@dataclass(frozen=True)
class ShippingMethod:
    """A cart shipping method: its code, its label, and other names buyers or pages use for it."""

    code: str
    label: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class ShippingMappingUI:
    """What the core needs to draw the shipping-mapping page of a cart."""

    methods: tuple[ShippingMethod, ...]
    field_help: str = ""


@dataclass(frozen=True)
class Site:
    """A marketplace of a region: the cart's id, ISO country, label."""

    id: str
    country: str
    label: str


@dataclass(frozen=True)
class Region:
    """A sales region with its sites."""

    code: str
    label: str
    sites: tuple[Site, ...]


@dataclass(frozen=True)
class Environment:
    """A set of endpoints an admin can choose. `hosts` may be called by the cart; `browser_hosts` may be
    redirected to. A leading "*." matches any subdomain. URL fields of the platform settings add theirs."""

    code: str
    label: str
    hosts: tuple[str, ...] = ()
    browser_hosts: tuple[str, ...] = ()


@dataclass(frozen=True)
class RatePlan:
    """The published limit of an operation: refill per second and bucket size."""

    rate_per_s: float
    burst: int
    scope: RateScope = RateScope.STORE


@dataclass(frozen=True)
class ScheduleChoice:
    """One entry of a schedule drop-down; `every` None means off."""

    every: timedelta | None
    label: str


@dataclass(frozen=True)
class SchedulePlan:
    """The choices of one schedule, which one is preselected, and the least time between two runs."""

    choices: tuple[ScheduleChoice, ...]
    default: timedelta | None
    floor: timedelta = timedelta(0)
    help: str = ""
    off_warning: str = ""


@dataclass(frozen=True)
class CartManifest:
    """What a cart is and how it wants to be treated.

    Args:
        name: the short name used in addresses (`/amazon/install`) and tables; lower case.
        contract: the contract version it was written for; its major number must be the core's.
        platform_fields: what an admin types once for all stores of this cart.
        store_fields: what a merchant sets per store. The keys `lead_days` (days promised until tracking is
            uploaded) and `home_site` are known to the core; all others only to the cart.
        rate_plans: published limits by operation name as used in `CartHttp.call`.
        read_lag: how far behind the cart's clock a listing window must end.
        overlap: how far a window reaches back before the watermark.
        acknowledge_batch, inventory_batch, tracking_batch: most keys per write call.
        carrier_codes: warehouse carrier name -> the cart's code.
        notices: sentences shown on the cart's pages.
    """

    name: str
    label: str
    contract: str
    version: str
    environments: tuple[Environment, ...]
    order_schedule: SchedulePlan
    inventory_schedule: SchedulePlan | None = None
    regions: tuple[Region, ...] = ()
    platform_fields: tuple[Field, ...] = ()
    store_fields: tuple[Field, ...] = ()
    rate_plans: Mapping[str, RatePlan] = field(default_factory=dict)
    read_lag: timedelta = timedelta(minutes=2)
    overlap: timedelta = timedelta(minutes=10)
    acknowledge_batch: int = 1000
    inventory_batch: int = 1000
    tracking_batch: int = 100
    carrier_codes: Mapping[str, str] = field(default_factory=dict)
    notices: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _require(self.name.isidentifier() and self.name.islower(), f"{self.name!r} cannot be a cart's name")
        _require(bool(self.environments), "a cart needs at least one environment")

    def region(self, code: str) -> Region | None:
        """The region of that code, None where there is none."""
        return next((region for region in self.regions if region.code == code), None)


@dataclass(frozen=True)
class Store:
    """The connected store a call is about; `remote_id` is None until it is connected."""

    remote_id: str | None
    region: str
    sites: tuple[str, ...] = ()
    home_site: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PlatformSettings:
    """A cart's platform-wide settings as an admin typed them; secrets are `Secret`s."""

    environment: str
    values: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, Secret] = field(default_factory=dict)


def utc(value: datetime) -> datetime:
    """The same instant in UTC; refuses a naive time."""
    _require(value.tzinfo is not None, "a time without a zone crossed the seam")
    return value.astimezone(UTC)
