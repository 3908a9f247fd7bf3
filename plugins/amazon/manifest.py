"""The manifest of the Amazon cart: its regions, settings, schedules and published limits."""

from __future__ import annotations

from datetime import timedelta

from plugins.amazon.endpoints import PRODUCTION, SANDBOX, SIMULATOR, SIMULATOR_URL
from plugins.amazon.regions import BROWSER_HOSTS, REGIONS
from plugins.amazon.shipping.carriers import CARRIER_CODES
from plugins.interface import (
    CONTRACT_VERSION,
    CartManifest,
    Environment,
    Field,
    FieldKind,
    LegacyAuthorization,
    RatePlan,
    ScheduleChoice,
    SchedulePlan,
)

VERSION = "0.1.0"

_LOGIN_HOST = "api.amazon.com"
# Feed documents lie behind presigned addresses of Amazon's own buckets, one a region, under the names that S3 has for
# its place. A pattern such as *.s3.amazonaws.com would let anybody's bucket in. No list of them is published; these are
# the hosts of addresses that developers quote (amzn/selling-partner-api-docs issues 949, 1239 and others). A platform
# setting takes another one.
_BUCKET_PLACES = {
    "na": ("s3", "s3-external-1", "s3.us-east-1", "s3-us-east-1"),
    "eu": ("s3", "s3.eu-west-1", "s3-eu-west-1"),
    "fe": ("s3", "s3.us-west-2", "s3-us-west-2"),
}
_DOCUMENT_HOSTS = tuple(
    f"tortuga-prod-{region}.{place}.amazonaws.com" for region, places in _BUCKET_PLACES.items() for place in places
)
# The feed document of the sandbox's fixed answers (feeds_2021-06-30.json).
_SANDBOX_DOCUMENT_HOST = "d34o8swod1owfl.cloudfront.net"
# The model files' examples of customizedUrl; what else Amazon may name is published nowhere.
_CUSTOMIZATION_HOSTS = ("zme-caps.amazon.com", "amazon.com", "www.amazon.com")

ENVIRONMENTS = (
    Environment(SIMULATOR, "Simulator", trial=True),
    Environment(
        SANDBOX,
        "Amazon sandbox",
        hosts=(
            *(f"sandbox.sellingpartnerapi-{region.code}.amazon.com" for region in REGIONS),
            _LOGIN_HOST,
            _SANDBOX_DOCUMENT_HOST,
            *_DOCUMENT_HOSTS,
            *_CUSTOMIZATION_HOSTS,
        ),
        browser_hosts=BROWSER_HOSTS,
    ),
    Environment(
        PRODUCTION,
        "Amazon",
        hosts=(
            *(f"sellingpartnerapi-{region.code}.amazon.com" for region in REGIONS),
            _LOGIN_HOST,
            *_DOCUMENT_HOSTS,
            *_CUSTOMIZATION_HOSTS,
        ),
        browser_hosts=BROWSER_HOSTS,
    ),
)

PLATFORM_FIELDS = (
    Field("application_id", "Application ID", help="Starts with amzn1.sp.solution. or amzn1.sellerapps.app."),
    Field("client_id", "LWA client identifier", help="Starts with amzn1.application-oa2-client."),
    Field(
        "client_secret",
        "LWA client secret",
        FieldKind.SECRET,
        help="Amazon wants it rotated every 180 days; the old one stays good for 7 days after a rotation, and is used "
        "for so long where Amazon refuses the new one.",
        former_for=timedelta(days=7),
    ),
    Field(
        "draft",
        "Application is a draft",
        FieldKind.YES_NO,
        default="no",
        help="While Amazon has not published the application, its consent page opens only with version=beta, "
        "which Yes adds.",
    ),
    Field(
        "simulator_url",
        "Simulator address",
        FieldKind.URL,
        required=False,
        default=SIMULATOR_URL,
        help="Only used in the Simulator environment.",
        environments=(SIMULATOR,),
    ),
    Field(
        "document_url",
        "Another storage of documents",
        FieldKind.URL,
        required=False,
        help="Only where Amazon moves the documents of feeds: the log then names a host that is not allowed, "
        "which has to be Amazon's own. Example: https://tortuga-prod-eu.s3.eu-west-1.amazonaws.com",
        environments=(SANDBOX, PRODUCTION),
    ),
)

STORE_FIELDS = (
    Field(
        "lead_days",
        "Fulfillment Latency",
        FieldKind.INTEGER,
        default="3",
        minimum=0,
        maximum=30,
        advised_minimum=2,
        help="How many days you promise Amazon and the buyer until tracking is uploaded; 1 means within 24 hours of "
        "the sale. The warehouse ships within one business day of receiving an order, so choose at least 2; the "
        "default of 3 also covers weekends and holidays. The number goes to Amazon with the inventory sync only, "
        "one SKU at a time, when that SKU's stock is sent. Since June 2026 Amazon (in the United States) flags SKUs "
        "that ship a day or more faster than promised over 30 days; after 30 more days it may set their handling time "
        "itself. A single item can have a latency of its own.",
        advice="With fewer than 2 days, orders that arrive late in the day or before a weekend will ship later than "
        "Amazon was promised.",
    ),
    Field(
        "home_site",
        "Home marketplace",
        FieldKind.CHOICE,
        help="The marketplace your account was opened in.",
    ),
    Field(
        "remote_fulfillment",
        "Remote Fulfillment With FBA",
        FieldKind.YES_NO,
        default="no",
        help="Choose Yes when your account is enrolled in Amazon's program that sells your United States FBA stock in "
        "Canada, Mexico or Brazil. Stock is then sent for the home marketplace and for SKUs you ship yourself only, "
        "so that no FBA offer is touched.",
    ),
)

ORDER_SCHEDULE = SchedulePlan(
    choices=(
        ScheduleChoice(timedelta(minutes=15), "every 15 minutes"),
        ScheduleChoice(timedelta(minutes=30), "every 30 minutes (most common)"),
        ScheduleChoice(timedelta(minutes=60), "every 60 minutes"),
    ),
    default=timedelta(minutes=30),
    floor=timedelta(minutes=15),
    help="How often new and changed orders are read from Amazon.",
)

INVENTORY_SCHEDULE = SchedulePlan(
    choices=(
        ScheduleChoice(None, "Off"),
        ScheduleChoice(timedelta(hours=24), "every 24 hours"),
        ScheduleChoice(timedelta(hours=12), "every 12 hours (twice a day, most common)"),
    ),
    default=timedelta(hours=12),
    floor=timedelta(hours=12),
    help="How often the stock of active items with activity is sent to Amazon. Amazon allows no more than twice a day.",
    off_warning="Your latency will not be sent to Amazon.",
)

CREATE_LISTINGS_FEED = "createFeed:JSON_LISTINGS_FEED"

# Published defaults (orders_2026-01-01.json, ordersV0.json, feeds_2021-06-30.json, listingsItems_2021-08-01.json,
# sellers.json). Amazon may raise those of the order operations for an account, never lower them.
RATE_PLANS = {
    "searchOrders": RatePlan(0.0056, 20),
    # A packer reads an order before it is packed.
    "getOrder": RatePlan(0.5, 30, kept=6),
    "createFeedDocument": RatePlan(0.5, 15),
    "createFeed": RatePlan(0.0083, 15),
    # Announced on 2025-05-06 for this feed type alone: 5 feeds per 5 minutes.
    # The header of createFeed speaks of createFeed.
    CREATE_LISTINGS_FEED: RatePlan(1 / 60, 5, learned=False),
    "getFeed": RatePlan(2, 15),
    "getFeedDocument": RatePlan(0.0222, 10),
    "getMarketplaceParticipations": RatePlan(0.016, 15),
    "searchListingsItems": RatePlan(5, 5),
    "getListingsItem": RatePlan(5, 10),
    "confirmShipment": RatePlan(2, 10),
}

# Page "Listings Items API Rate Limits": besides the store's own limit, one for the application (its burst is not
# published; one second's worth is assumed).
APPLICATION_PLANS = {
    "searchListingsItems": RatePlan(100, 100),
    "getListingsItem": RatePlan(100, 100),
}

# Of "The frequency of requests was greater than what is allowed for the application."
APPLICATION_LIMIT = "greater than what is allowed for the application"

OLDER_GENERATION = LegacyAuthorization(
    during="This store still carries an authorization of Amazon's older API (MWS) beside the new one. Seller Central's "
    "warning that a token expires is about the older one and can be ignored for now. Do not disable that older "
    "authorization in Seller Central until further notice here.",
    ended="The move to Amazon's new API is complete: the authorization of the older API (MWS) is no longer used. You "
    "may now disable it in Seller Central. Keep the new one.",
)

MANIFEST = CartManifest(
    name="amazon",
    label="Amazon",
    contract=CONTRACT_VERSION,
    version=VERSION,
    environments=ENVIRONMENTS,
    regions=REGIONS,
    platform_fields=PLATFORM_FIELDS,
    store_fields=STORE_FIELDS,
    manages_lead_days="Amazon manages it",
    order_schedule=ORDER_SCHEDULE,
    inventory_schedule=INVENTORY_SCHEDULE,
    rate_plans=RATE_PLANS,
    application_plans=APPLICATION_PLANS,
    # Page "Usage Plans and Rate Limits": on answers 20x, 400 and 404, per account and application, when available.
    rate_header="x-amzn-ratelimit-limit",
    shared_refusal=APPLICATION_LIMIT,
    address_missing="Amazon has given no delivery address. Either it is not available yet, or the warehouse's "
    "application lacks the role Direct-to-Consumer Shipping.",
    # Seller Central, "A buyer has asked me to ship an order to a different address" (200495820).
    address_note="Amazon covers parcels sent to the order's own address only: one that is lost on its way to another "
    "address is your loss. A buyer who wants another address can cancel the order and order again.",
    # searchOrders refuses a window that ends less than 2 minutes ago; half a minute more for clocks that disagree.
    read_lag=timedelta(seconds=150),
    overlap=timedelta(minutes=10),
    acknowledge_batch=1000,
    # The most messages one JSON_LISTINGS_FEED may hold.
    inventory_batch=25_000,
    tracking_batch=50,
    # Feeds, and searches for 20 SKUs each; packages are confirmed one by one.
    whole_batches=frozenset({"acknowledge_orders", "push_inventory", "read_inventory"}),
    carrier_codes=CARRIER_CODES,
    # Page "Renew Authorizations": at most 365 days after the seller's consent.
    authorization_life=timedelta(days=365),
    legacy_authorization=OLDER_GENERATION,
    # Data Protection Policy: buyers' data for 30 days after delivery at most, which shipping is never later than; what
    # else Amazon tells for 18 months.
    keep_buyers=timedelta(days=25),
    keep_buyers_most=timedelta(days=30),
    keep_orders=timedelta(days=18 * 30),
)
