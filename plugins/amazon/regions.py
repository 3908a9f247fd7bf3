"""Amazon's sales regions, their marketplaces and hosts.

Source: the pages "SP-API Endpoints" and "Marketplace IDs", and the Seller Central addresses of the developer guide; the
hosts of Belgium, Ireland, Saudi Arabia, Egypt and South Africa stand in third-party lists only.
"""

from __future__ import annotations

from plugins.interface import Region, SettingsError, Site

REGIONS = (
    Region(
        "na",
        "North America",
        (
            Site("ATVPDKIKX0DER", "US", "United States"),
            Site("A2EUQ1WTGCTBG2", "CA", "Canada"),
            Site("A1AM78C64UM0Y8", "MX", "Mexico"),
            Site("A2Q3Y263D00KWC", "BR", "Brazil"),
        ),
    ),
    Region(
        "eu",
        "Europe",
        (
            Site("A1F83G8C2ARO7P", "GB", "United Kingdom"),
            Site("A1PA6795UKMFR9", "DE", "Germany"),
            Site("A13V1IB3VIYZZH", "FR", "France"),
            Site("APJ6JRA9NG5V4", "IT", "Italy"),
            Site("A1RKKUPIHCS9HS", "ES", "Spain"),
            Site("A1805IZSGTT6HS", "NL", "Netherlands"),
            Site("A2NODRKZP88ZB9", "SE", "Sweden"),
            Site("A1C3SOZRARQ6R3", "PL", "Poland"),
            Site("AMEN7PMS3EDWL", "BE", "Belgium"),
            Site("A28R8C7NBKEWEA", "IE", "Ireland"),
            Site("A33AVAJ2PDY3EV", "TR", "Türkiye"),
            Site("A2VIGQ35RCS4UG", "AE", "United Arab Emirates"),
            Site("A17E79C6D8DWNP", "SA", "Saudi Arabia"),
            Site("ARBP9OOSHTCHU", "EG", "Egypt"),
            Site("AE08WJ6YKNBMC", "ZA", "South Africa"),
            Site("A21TJRUUN4KGV", "IN", "India"),
        ),
    ),
    Region(
        "fe",
        "Far East",
        (
            Site("A1VC38T7YXB528", "JP", "Japan"),
            Site("A39IBJ37TRP1C6", "AU", "Australia"),
            Site("A19VAU5U5O7RUS", "SG", "Singapore"),
        ),
    ),
)

CONSENT_HOSTS = {
    "na": "sellercentral.amazon.com",
    "eu": "sellercentral-europe.amazon.com",
    "fe": "sellercentral.amazon.co.jp",
}
"""The consent page's host where only the region is known."""

CONSENT_COUNTRIES = {"na": "us", "eu": "gb", "fe": "jp"}
"""The country whose Seller Central the simulator shows for a region."""

SELLER_CENTRAL_HOSTS = (
    "sellercentral.amazon.com",
    "sellercentral.amazon.ca",
    "sellercentral.amazon.com.mx",
    "sellercentral.amazon.com.br",
    "sellercentral-europe.amazon.com",
    "sellercentral.amazon.nl",
    "sellercentral.amazon.se",
    "sellercentral.amazon.pl",
    "sellercentral.amazon.com.be",
    "sellercentral.amazon.ie",
    "sellercentral.amazon.com.tr",
    "sellercentral.amazon.ae",
    "sellercentral.amazon.sa",
    "sellercentral.amazon.eg",
    "sellercentral.amazon.co.za",
    "sellercentral.amazon.in",
    "sellercentral.amazon.co.jp",
    "sellercentral.amazon.com.au",
    "sellercentral.amazon.sg",
)

# "Selling Partner Appstore Authorization Workflow" shows its callback on amazon.com itself, not on Seller Central.
BROWSER_HOSTS = (*SELLER_CENTRAL_HOSTS, "amazon.com", "www.amazon.com")


def region_of(code: str) -> Region:
    """The sales region of that code.

    Raises:
        SettingsError: Amazon has no such region.
    """
    for region in REGIONS:
        if region.code == code:
            return region
    raise SettingsError("Choose one of Amazon's sales regions.", detail=f"region {code!r}", code="UNKNOWN_REGION")


def site_label(id: str) -> str:
    """The label of a marketplace, its id where it is none of ours."""
    return next((site.label for region in REGIONS for site in region.sites if site.id == id), id)


def known_sites(region: Region, ids: list[str]) -> tuple[str, ...]:
    """Those of `ids` that are retail marketplaces of the region, in the region's order.

    Amazon lists shops of its other businesses among a seller's marketplaces; none of them has orders for us.
    """
    wanted = set(ids)
    return tuple(site.id for site in region.sites if site.id in wanted)
