"""The manifest of a cart: regions, endpoints, limits, schedules, shipping methods."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from plugins.types.forms import Field
from plugins.types.values import require

CONTRACT_VERSION: Final = "2.1"


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
    redirected to. A leading "*." matches any subdomain. URL fields of the platform settings add theirs. One for `trial`
    is refused where the panel is public (since 2.1)."""

    code: str
    label: str
    hosts: tuple[str, ...] = ()
    browser_hosts: tuple[str, ...] = ()
    trial: bool = False


@dataclass(frozen=True)
class RatePlan:
    """The published limit of an operation: refill per second and bucket size. `learned` False: the manifest's
    `rate_header` speaks of another limit than this one and is not heeded for it. `kept` calls of the bucket are left to
    people who wait: background work takes none of the last ones."""

    rate_per_s: float
    burst: int
    learned: bool = True
    kept: int = 0

    def __post_init__(self) -> None:
        require(self.rate_per_s > 0 and self.burst >= 1, "a rate plan needs a rate above 0 and a burst of at least 1")
        require(0 <= self.kept < self.burst, "what is kept for people is less than the burst")


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
class ShippingMethod:
    """A cart shipping method: its code, its label, and other names buyers or pages use for it."""

    code: str
    label: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class ShippingMappingUI:
    """All that the core needs to draw the shipping-mapping page of a cart."""

    methods: tuple[ShippingMethod, ...]
    field_help: str = ""


@dataclass(frozen=True)
class LegacyAuthorization:
    """Notices to stores that still carry an authorization of the cart's older API generation: while the migration
    runs, and once it has ended."""

    during: str
    ended: str


@dataclass(frozen=True)
class CartManifest:
    """A cart, and how it wants to be treated.

    Args:
        name: the short name used in addresses (`/amazon/install`) and tables; lower case.
        contract: the contract version it was written for; its major number must be the core's.
        platform_fields: what an admin types once for all stores of this cart.
        store_fields: what a merchant sets per store. The keys `lead_days` (days promised until tracking is
            uploaded) and `home_site` are known to the core; all others only to the cart.
        manages_lead_days: the label of the choice to leave the lead days to the cart, "" where it cannot take a
            quantity alone and keep them (since 2.1).
        rate_plans: published limits of each store by operation name as used in `CartHttp.call`.
        application_plans: limits that all stores of the platform's application share, in addition to their own; the
            core gives each store that calls at the time the same part of it.
        rate_header: the reply header (lower case) that tells the store's present rate per second of an operation, ""
            where there is none; what it says takes the place of the published rate.
        read_lag: how far behind the cart's clock a listing window must end.
        overlap: how far a window reaches back before the watermark.
        acknowledge_batch, inventory_batch, tracking_batch: most keys per write call.
        whole_batches: names of hooks for which a batch of any size is a few HTTP calls, as where it is one file. Any
            other hook that takes a batch is given one key first, and then as many as 10 HTTP calls or 20 seconds
            suffice for.
        carrier_codes: warehouse carrier name -> the cart's code.
        authorization_life: how long an authorization lasts until the merchant must renew it; None: for ever.
        older_generation: set where stores may carry an authorization of an older API generation.
        shared_refusal: words that tell, in the body of a 429, that the limit all stores share was reached and not the
            store's own; "" where nothing tells.
        address_missing: the message for an order without an address, naming what the merchant or the warehouse lacks
            at the cart; "" for a general one.
        address_note: what a person should know before correcting the address of an order, as where the cart's cover
            for lost parcels ends; "" where nothing.
        keep_buyers: how long a buyer's data is kept after an order is shipped entirely or ends otherwise; None where an
            admin decides (since 2.1).
        keep_buyers_most: how long it may be kept by the cart's rules, whatever fails (since 2.1).
        keep_orders: how long the rest of an order is kept after it was received; None where an admin decides (since
            2.1).
        notices: messages shown on the cart's pages.
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
    manages_lead_days: str = ""
    rate_plans: Mapping[str, RatePlan] = field(default_factory=dict)
    application_plans: Mapping[str, RatePlan] = field(default_factory=dict)
    rate_header: str = ""
    shared_refusal: str = ""
    address_missing: str = ""
    address_note: str = ""
    read_lag: timedelta = timedelta(minutes=2)
    overlap: timedelta = timedelta(minutes=10)
    acknowledge_batch: int = 1000
    inventory_batch: int = 1000
    tracking_batch: int = 100
    whole_batches: frozenset[str] = frozenset()
    carrier_codes: Mapping[str, str] = field(default_factory=dict)
    authorization_life: timedelta | None = None
    legacy_authorization: LegacyAuthorization | None = None
    keep_buyers: timedelta | None = None
    keep_buyers_most: timedelta | None = None
    keep_orders: timedelta | None = None
    notices: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        require(self.name.isidentifier() and self.name.islower(), f"{self.name!r} cannot be a cart's name")
        require(bool(self.environments), "a cart needs at least one environment")
        kept = (self.keep_buyers, self.keep_buyers_most, self.keep_orders)
        require(all(each is None or each > timedelta(0) for each in kept), "what is kept is kept for some time")
        most = self.keep_buyers_most
        require(
            most is None or (self.keep_buyers is not None and self.keep_buyers <= most),
            "buyers' data is kept for no longer than it may be",
        )

    def region(self, code: str) -> Region | None:
        """The region of that code, None where there is none."""
        return next((region for region in self.regions if region.code == code), None)
