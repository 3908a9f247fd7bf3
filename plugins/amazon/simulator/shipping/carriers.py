"""The carrier codes a shipment may name (the enumeration CarrierCode of Amazon's amzn-base.xsd, as far as it is known
here)."""

from plugins.amazon.simulator.messages import invalid_input

OTHER = "Other"
# A carrier that is not here is refused, although Amazon's own list is longer: the safe side for whoever tries a code.
CARRIER_CODES = frozenset(
    each.strip()
    for each in """
    USPS, UPS, UPSMI, FedEx, FedEx SmartPost, DHL, DHL Express, DHL eCommerce, DHL Global Mail, OnTrac, Lasership,
    Newgistics, OSM, Canada Post, PUROLATOR, Royal Mail, Parcelforce, Yodel, Hermes UK, DPD, DPD Local, GLS, TNT,
    Deutsche Post, Hermes, La Poste, Chronopost, Colissimo, Poste Italiane, BRT, SDA, Correos, Seur, MRW, InPost,
    PostNord, Post NL, Polish Post, Australia Post, Sendle, YAMATO, SAGAWA, Japan Post, NITTSU, China Post, Yun Express,
    Yanwen, 4PX, SF Express, Asendia, Aramex, Amazon Shipping, Estafeta, Correios, India Post, BlueDart, Delhivery,
    Old Dominion, Estes, Saia, R+L, ABF, XPO Freight, UPS Freight, Fedex Freight, Self Delivery, Other,
    Mondial Relay, Colis Prive, BPOST, Swiss post, DHL-Paket, DHL Freight, DB Schenker, DSV, Kuehne+Nagel, UK MAIL,
    Tuffnells, DX Express, Whistl, Landmark, Correos Express, CTT EXPRESS, Nacex, Singapore Post, Ninjavan,
    Couriers Please, Australia Post-ArticleId, Australia Post-Consignment, Startrack-ArticleID, Startrack-Consignment,
    DTDC, Ecom Express, Xpressbees
    """.split(",")
)


def carrier_shown(code: str, name: str | None) -> str:
    """The carrier a package shows: its name where one is given, else its code.

    Raises:
        ApiError: 400 InvalidInput for a code that is not on the list letter by letter, or Other without a name.
    """
    if code not in CARRIER_CODES:
        raise invalid_input(f"CarrierCode {code!r} is invalid.")
    if code == OTHER and not (name or "").strip():
        raise invalid_input("CarrierName is mandatory when CarrierCode is Other.")
    return name or code
