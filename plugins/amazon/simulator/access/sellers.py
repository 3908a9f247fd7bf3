"""The simulated selling partners."""

from dataclasses import dataclass, replace

from plugins.amazon.simulator.access.marketplaces import BY_COUNTRY, MARKETPLACES, NON_RETAIL


@dataclass
class Seller:
    """One selling partner account. `roles` narrows the application's roles for this seller; None means all of them.

    `sales_lower_stock`: whether each order that comes in takes its units off the listing at once, as at Amazon; off as
    long as nobody switches it, because generated orders are a store's past. `older_token`: the seller also authorized
    the application in the older API (MWS), so its consent brings that token.
    """

    id: str
    name: str
    region: str
    marketplaces: list[str]
    remote_fulfillment: bool = False
    roles: list[str] | None = None
    default_lead_days: int = 2
    non_retail: bool = False
    older_token: bool = False
    sales_lower_stock: bool = False

    @property
    def home(self) -> str:
        """Id of the first marketplace."""
        return self.marketplaces[0]

    def participations(self) -> list[dict[str, object]]:
        """`MarketplaceParticipationList` of sellers.json."""
        places = [MARKETPLACES[place] for place in self.marketplaces] + ([NON_RETAIL] if self.non_retail else [])
        return [
            {
                "marketplace": place.as_json(),
                "participation": {"isParticipating": True, "hasSuspendedListings": False},
                "storeName": self.name,
            }
            for place in places
        ]

    def account(self) -> dict[str, object]:
        """`Account` of sellers.json, without what the model leaves optional."""
        return {
            "businessType": "PRIVATE_LIMITED",
            "sellingPlan": "PROFESSIONAL",
            "marketplaceParticipationList": self.participations(),
        }


def preset_sellers() -> dict[str, Seller]:
    """The sellers every fresh simulator knows, by id."""

    def seller(id: str, name: str, countries: str) -> Seller:
        places = [BY_COUNTRY[country.lower()] for country in countries.split()]
        return Seller(id, name, places[0].region, [place.id for place in places])

    sellers = [
        replace(seller("A2SIMNA0000001", "Northwind Outdoor", "US CA MX"), non_retail=True),
        seller("A2SIMNA0000002", "Blue Harbor Home", "US BR"),
        replace(seller("A2SIMNA0000003", "Summit Remote Goods", "US CA MX"), remote_fulfillment=True),
        seller("A2SIMEU0000001", "Alpen Camping", "GB DE FR IT ES"),
        seller("A2SIMFE0000001", "Sakura Trail", "JP AU"),
        seller("A2SIMFE0000002", "Merlion Living", "SG AU"),
    ]
    return {seller.id: seller for seller in sellers}
