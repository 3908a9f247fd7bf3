"""Amazon's sales regions, their marketplaces and hosts.

Source: the pages "SP-API Endpoints" and "Marketplace IDs", and the Seller Central addresses of the developer guide; the
hosts of Belgium, Ireland, Saudi Arabia, Egypt and South Africa stand in third-party lists only.
"""

from __future__ import annotations

from dataclasses import dataclass

from plugins.interface import Region, SettingsError, Site


@dataclass(frozen=True)
class Marketplace:
    """A retail marketplace and the host of the Seller Central that its sellers sign in at."""

    site: Site
    seller_central: str


_EUROPE = "sellercentral-europe.amazon.com"

# The first of each region is the one whose Seller Central is shown where the seller's country is not known.
_NORTH_AMERICA = (
    Marketplace(Site("ATVPDKIKX0DER", "US", "United States"), "sellercentral.amazon.com"),
    Marketplace(Site("A2EUQ1WTGCTBG2", "CA", "Canada"), "sellercentral.amazon.ca"),
    Marketplace(Site("A1AM78C64UM0Y8", "MX", "Mexico"), "sellercentral.amazon.com.mx"),
    Marketplace(Site("A2Q3Y263D00KWC", "BR", "Brazil"), "sellercentral.amazon.com.br"),
)
_EUROPE_AND_INDIA = (
    Marketplace(Site("A1F83G8C2ARO7P", "GB", "United Kingdom"), _EUROPE),
    Marketplace(Site("A1PA6795UKMFR9", "DE", "Germany"), _EUROPE),
    Marketplace(Site("A13V1IB3VIYZZH", "FR", "France"), _EUROPE),
    Marketplace(Site("APJ6JRA9NG5V4", "IT", "Italy"), _EUROPE),
    Marketplace(Site("A1RKKUPIHCS9HS", "ES", "Spain"), _EUROPE),
    Marketplace(Site("A1805IZSGTT6HS", "NL", "Netherlands"), "sellercentral.amazon.nl"),
    Marketplace(Site("A2NODRKZP88ZB9", "SE", "Sweden"), "sellercentral.amazon.se"),
    Marketplace(Site("A1C3SOZRARQ6R3", "PL", "Poland"), "sellercentral.amazon.pl"),
    Marketplace(Site("AMEN7PMS3EDWL", "BE", "Belgium"), "sellercentral.amazon.com.be"),
    Marketplace(Site("A28R8C7NBKEWEA", "IE", "Ireland"), "sellercentral.amazon.ie"),
    Marketplace(Site("A33AVAJ2PDY3EV", "TR", "Türkiye"), "sellercentral.amazon.com.tr"),
    Marketplace(Site("A2VIGQ35RCS4UG", "AE", "United Arab Emirates"), "sellercentral.amazon.ae"),
    Marketplace(Site("A17E79C6D8DWNP", "SA", "Saudi Arabia"), "sellercentral.amazon.sa"),
    Marketplace(Site("ARBP9OOSHTCHU", "EG", "Egypt"), "sellercentral.amazon.eg"),
    Marketplace(Site("AE08WJ6YKNBMC", "ZA", "South Africa"), "sellercentral.amazon.co.za"),
    Marketplace(Site("A21TJRUUN4KGV", "IN", "India"), "sellercentral.amazon.in"),
)
_FAR_EAST = (
    Marketplace(Site("A1VC38T7YXB528", "JP", "Japan"), "sellercentral.amazon.co.jp"),
    Marketplace(Site("A39IBJ37TRP1C6", "AU", "Australia"), "sellercentral.amazon.com.au"),
    Marketplace(Site("A19VAU5U5O7RUS", "SG", "Singapore"), "sellercentral.amazon.sg"),
)
_MARKETPLACES = {"na": _NORTH_AMERICA, "eu": _EUROPE_AND_INDIA, "fe": _FAR_EAST}


def _region(code: str, label: str) -> Region:
    return Region(code, label, tuple(place.site for place in _MARKETPLACES[code]))


REGIONS = (_region("na", "North America"), _region("eu", "Europe"), _region("fe", "Far East"))

# "Selling Partner Appstore Authorization Workflow" shows its callback on amazon.com itself, not on Seller Central.
BROWSER_HOSTS = tuple(
    dict.fromkeys(
        [
            *(place.seller_central for places in _MARKETPLACES.values() for place in places),
            "amazon.com",
            "www.amazon.com",
        ]
    )
)
"""Where a browser may be sent to: every Seller Central, and Amazon's own front."""


def region_of(code: str) -> Region:
    """The sales region of that code.

    Raises:
        SettingsError: Amazon has no such region.
    """
    for region in REGIONS:
        if region.code == code:
            return region
    message = "Choose one of Amazon's sales regions."
    raise SettingsError(message, detail=f"region {code!r}", code="UNKNOWN_REGION", may_pass=False)


def consent_marketplace(region: str, home_site: str) -> Marketplace:
    """The marketplace whose Seller Central asks for consent: the home one, the region's first where it is not known.

    Raises:
        SettingsError: Amazon has no such region.
    """
    places = _MARKETPLACES[region_of(region).code]
    return next((place for place in places if place.site.id == home_site), places[0])


def site_label(id: str) -> str:
    """The label of a marketplace, its id where it is none of ours."""
    return next((site.label for region in REGIONS for site in region.sites if site.id == id), id)


def known_sites(region: Region, ids: list[str]) -> tuple[str, ...]:
    """Those of `ids` that are retail marketplaces of the region, in the region's order.

    Amazon lists shops of its other businesses among a seller's marketplaces; none of them has orders for us.
    """
    wanted = set(ids)
    return tuple(site.id for site in region.sites if site.id in wanted)
