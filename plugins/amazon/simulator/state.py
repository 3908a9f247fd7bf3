"""Everything one simulated Amazon knows; a reset makes a new one."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from plugins.amazon.simulator.access.applications import Application, preset_application
from plugins.amazon.simulator.access.buckets import Buckets, Rate
from plugins.amazon.simulator.access.consent import Consent
from plugins.amazon.simulator.access.grants import Grants
from plugins.amazon.simulator.access.lwa import LoginWithAmazon
from plugins.amazon.simulator.access.sellers import Seller, preset_sellers
from plugins.amazon.simulator.calls import CallLog
from plugins.amazon.simulator.clock import Clock
from plugins.amazon.simulator.feeds.acknowledgement_feed import AcknowledgementProcessor
from plugins.amazon.simulator.feeds.documents import Documents
from plugins.amazon.simulator.feeds.feeds import (
    ACKNOWLEDGEMENT,
    FLAT_FILE,
    FULFILLMENT,
    JSON_LISTINGS,
    Feed,
    Feeds,
    Outcome,
    Processor,
)
from plugins.amazon.simulator.feeds.flat_file_feed import FlatFileProcessor
from plugins.amazon.simulator.feeds.fulfillment_feed import FulfillmentProcessor
from plugins.amazon.simulator.listings.listings import Listings
from plugins.amazon.simulator.listings.listings_feed import ListingsFeedProcessor
from plugins.amazon.simulator.listings.listings_items import ListingsItems
from plugins.amazon.simulator.models import Models
from plugins.amazon.simulator.notifications import Notifications
from plugins.amazon.simulator.operations import OPERATIONS
from plugins.amazon.simulator.orders.custom_links import CustomLinks
from plugins.amazon.simulator.orders.order_book import OrderBook
from plugins.amazon.simulator.orders.order_search import OrderSearch
from plugins.amazon.simulator.orders.orders_v0 import OrdersV0
from plugins.amazon.simulator.shipping.shipments import Shipments
from plugins.amazon.simulator.steering.faults import FEED_PROCESSED, Faults

MERCHANT_SKUS = ("TENT-2P", "LAMP-USB", "STOVE-MINI", "000123", "Mug Blue 12oz", "BUNDLE-CAMP")
FBA_SKU = "COOLER-FBA"
# "5 feeds per 5 minutes" for JSON_LISTINGS_FEED, beside createFeed's own rate.
LISTINGS_FEED_BUCKET = "createFeed/JSON_LISTINGS_FEED"
# Previews have a ceiling of their own, 20 a second of one application (Amazon's "Listings Items API Rate Limits").
PREVIEW_BUCKET = "patchListingsItem/VALIDATION_PREVIEW"


@dataclass(frozen=True)
class Options:
    """Options a simulator is started with."""

    seed: int
    base_url: str
    feed_delay_s: float
    rate_limits: bool = True
    rates: Mapping[str, tuple[float, int]] = field(default_factory=dict)


class State:
    """The world's parts, wired together."""

    def __init__(self, options: Options, clock: Clock, models: Models | None) -> None:
        rng = random.Random(options.seed)
        self.options, self.clock, self.rng, self.models = options, clock, rng, models
        self.rate_limits = options.rate_limits
        self.calls, self.faults = CallLog(), Faults(clock)
        self.violations: list[dict[str, Any]] = []
        application = preset_application(clock.now())
        self.applications: dict[str, Application] = {application.id: application}
        self.sellers: dict[str, Seller] = preset_sellers()
        self.grants = Grants(clock, rng)
        self.login = LoginWithAmazon(self.grants, self.applications, clock)
        self.consent = Consent(self.grants, self.applications, self.sellers, rng, options.base_url)
        self.book = OrderBook(clock)
        self.links = CustomLinks(clock, rng, options.base_url)
        self.search = OrderSearch(self.book, self.links, clock, rng)
        self.orders_v0 = OrdersV0(self.book, self.links, clock, rng)
        self.shipments = Shipments(self.book, clock)
        self.listings = Listings(clock)
        self.listings_items = ListingsItems(self.listings, clock)
        self.notifications = Notifications(rng)
        self.documents = Documents(clock, rng, options.base_url)
        processors: dict[str, Processor] = {
            ACKNOWLEDGEMENT: AcknowledgementProcessor(self.book, self.listings.restock),
            FULFILLMENT: FulfillmentProcessor(self.book, self.shipments),
            FLAT_FILE: FlatFileProcessor(self.book),
            JSON_LISTINGS: ListingsFeedProcessor(self.listings, self.sellers),
        }
        self.feeds = Feeds(
            self.documents,
            clock,
            rng,
            processors,
            faults=self.faults,
            finished=self._feed_finished,
            delay_s=options.feed_delay_s,
        )
        self.buckets = _buckets(clock, options.rates)
        for seller in self.sellers.values():
            for sku in MERCHANT_SKUS:
                self.listings.put(seller, {"sku": sku})
            self.listings.put(seller, {"sku": FBA_SKU, "fba": True, "quantity": 40})

    def _feed_finished(self, feed: Feed, outcome: Outcome | None) -> None:
        call = self.calls.open(feed.ends, FEED_PROCESSED, seller=feed.seller, feed=feed.id)
        if outcome:
            call.orders_acknowledged, call.orders_cancelled = outcome.acknowledged, outcome.cancelled
            call.skus, call.packages = outcome.skus, outcome.packages


def _buckets(clock: Clock, changed: Mapping[str, Rate]) -> Buckets:
    rates = {name: (operation.rate, operation.burst) for name, operation in OPERATIONS.items()}
    # Amazon publishes no burst of the ceilings: one second's worth (unverified).
    ceilings = {
        name: (operation.application_rate, int(operation.application_rate))
        for name, operation in OPERATIONS.items()
        if operation.application_rate is not None
    }
    ceilings[PREVIEW_BUCKET] = (20, 20)
    rates |= {LISTINGS_FEED_BUCKET: (1 / 60, 5), PREVIEW_BUCKET: rates["patchListingsItem"]}
    return Buckets(clock, rates | dict(changed), ceilings)
