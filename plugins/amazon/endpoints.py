"""Which addresses stand for Amazon in the chosen environment."""

from __future__ import annotations

from urllib.parse import urlsplit

from plugins.amazon.regions import BROWSER_HOSTS, consent_marketplace, region_of
from plugins.interface import PlatformSettings

SIMULATOR = "simulator"
SANDBOX = "sandbox"
PRODUCTION = "production"

SIMULATOR_URL = "http://127.0.0.1:8765"
LWA_URL = "https://api.amazon.com/auth/o2/token"


def simulator_url(app: PlatformSettings) -> str:
    """The simulator's address without a final slash."""
    return (app.values.get("simulator_url") or SIMULATOR_URL).rstrip("/")


def api_base(app: PlatformSettings, region: str) -> str:
    """The Selling Partner API of a region, e.g. https://sellingpartnerapi-na.amazon.com (page "SP-API Endpoints")."""
    code = region_of(region).code
    if app.environment == SIMULATOR:
        return f"{simulator_url(app)}/{code}"
    prefix = "sandbox." if app.environment == SANDBOX else ""
    return f"https://{prefix}sellingpartnerapi-{code}.amazon.com"


def token_url(app: PlatformSettings) -> str:
    """Login with Amazon's token endpoint; one for all regions, and the sandbox takes real tokens."""
    return f"{simulator_url(app)}/auth/o2/token" if app.environment == SIMULATOR else LWA_URL


def consent_url(app: PlatformSettings, region: str, home_site: str) -> str:
    """The page on which a seller lets the application in (page "Website Authorization Workflow").

    Args:
        home_site: the marketplace the seller's account was opened in, "" where it is not known yet.
    """
    place = consent_marketplace(region, home_site)
    if app.environment == SIMULATOR:
        return f"{simulator_url(app)}/sellercentral/{place.site.country.lower()}/apps/authorize/consent"
    return f"https://{place.seller_central}/apps/authorize/consent"


def is_consent_address(app: PlatformSettings, url: str) -> bool:
    """Whether `url` is a page of Amazon's authorization, so that a browser may be sent there."""
    try:
        parts = urlsplit(url)
        if parts.username is not None or parts.password is not None or "\\" in url:
            return False
        if app.environment == SIMULATOR:
            home = urlsplit(simulator_url(app))
            return (parts.scheme, parts.hostname, parts.port) == (home.scheme, home.hostname, home.port)
        return parts.scheme == "https" and parts.port in (None, 443) and parts.hostname in BROWSER_HOSTS
    except ValueError:
        return False
