"""Applications registered with Amazon, as a developer's console would hold them."""

import re
from dataclasses import dataclass, field

DIRECT_TO_CONSUMER = "Direct-to-Consumer Shipping"
INVENTORY_AND_ORDERS = "Inventory and Order Tracking"
PRODUCT_LISTING = "Product Listing"

# Amazon's page "Orders API role mappings": any one of them opens the Orders reads.
ORDER_ROLES = frozenset(
    {
        "Amazon Fulfillment",
        "Buyer Communication",
        "Buyer Solicitation",
        "Finance and Accounting",
        INVENTORY_AND_ORDERS,
        "Pricing",
        PRODUCT_LISTING,
        "Selling Partner Insights",
        DIRECT_TO_CONSUMER,
        "Tax Invoicing",
        "Tax Remittance",
    }
)

# Stands for whatever port a newcomer's panel listens on; a real registration names each URI.
_LOCAL_PANEL = re.compile(
    r"http://(127\.0\.0\.1:\d+/(?:[^?#]*/)?authorized|localhost(:\d+)?/(?:[^?#]*/)?amazon/authorized)"
)


@dataclass
class Application:
    """One registered application; `secrets` are all valid, as during a rotation."""

    id: str
    name: str
    client_id: str
    secrets: list[str]
    roles: list[str]
    redirect_uris: list[str] = field(default_factory=list)
    local_panels: bool = False
    login_uri: str | None = None
    draft: bool = False

    def allows_redirect(self, uri: str) -> bool:
        """Whether `uri` is one of the registered redirect URIs."""
        return uri in self.redirect_uris or (self.local_panels and _LOCAL_PANEL.fullmatch(uri) is not None)


def preset_application() -> Application:
    """The one application a fresh simulator knows."""
    return Application(
        id="amzn1.sp.solution.is2-demo",
        name="IS2 Integration Server",
        client_id="amzn1.application-oa2-client.is2demo",
        secrets=["is2-demo-client-secret-0123456789"],
        roles=[DIRECT_TO_CONSUMER, INVENTORY_AND_ORDERS, PRODUCT_LISTING],
        local_panels=True,
    )
