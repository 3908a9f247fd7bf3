"""Amazon's names of the carriers a warehouse hands its packages to.

Source: the enumeration CarrierCode of amzn-base.xsd, whose values confirmShipment takes. An admin may add others.
"""

from __future__ import annotations

import unicodedata

OTHER = "Other"
"""The code of a carrier that Amazon has no code for; its name is told beside it."""

_LENGTH = 50

_SAME_NAME = (
    "USPS",
    "UPS",
    "UPSMI",
    "FedEx",
    "FedEx SmartPost",
    "DHL",
    "DHL Express",
    "DHL eCommerce",
    "DHL Global Mail",
    "OnTrac",
    "Lasership",
    "Newgistics",
    "OSM",
    "Canada Post",
    "Royal Mail",
    "Parcelforce",
    "Yodel",
    "Hermes UK",
    "DPD",
    "DPD Local",
    "GLS",
    "TNT",
    "Deutsche Post",
    "Hermes",
    "La Poste",
    "Chronopost",
    "Colissimo",
    "Poste Italiane",
    "BRT",
    "SDA",
    "Correos",
    "Seur",
    "MRW",
    "InPost",
    "PostNord",
    "Post NL",
    "Polish Post",
    "Australia Post",
    "Sendle",
    "Japan Post",
    "China Post",
    "Yun Express",
    "Yanwen",
    "4PX",
    "SF Express",
    "Asendia",
    "Aramex",
    "Amazon Shipping",
    "Estafeta",
    "Correios",
    "India Post",
    "BlueDart",
    "Delhivery",
    "Old Dominion",
    "Estes",
    "Saia",
    "R+L",
    "ABF",
    "XPO Freight",
    "UPS Freight",
    "Self Delivery",
    "BPOST",
    "Correos Express",
    "CTT EXPRESS",
    "Mondial Relay",
    "Colis Prive",
    "Nacex",
    "DHL-Paket",
    "DHL Freight",
    "DB Schenker",
    "DSV",
    "Kuehne+Nagel",
    "Singapore Post",
    "Swiss post",
    "UK MAIL",
    "Tuffnells",
    "DX Express",
    "Whistl",
    "Landmark",
    "Ninjavan",
    "Couriers Please",
    "Australia Post-Consignment",
    "Australia Post-ArticleId",
    "Startrack-Consignment",
    "Startrack-ArticleID",
    "DTDC",
    "Ecom Express",
    "Xpressbees",
)
_OTHER_NAME = {
    "UPS Mail Innovations": "UPSMI",
    "FedEx Freight": "Fedex Freight",
    "LaserShip": "Lasership",
    "Purolator": "PUROLATOR",
    "Yamato": "YAMATO",
    "Sagawa": "SAGAWA",
    "Nittsu": "NITTSU",
}

CARRIER_CODES = {name: name for name in _SAME_NAME} | _OTHER_NAME
"""Warehouse carrier name -> Amazon's code."""


def readable(text: str) -> str:
    """Return the name of a carrier or service as Amazon is told it: on one line, without what cannot be seen, and of no
    more characters than the feed's schema allows (OrderFulfillment.xsd, type String); "" where nothing is left."""
    shown = (sign if sign.isprintable() else " " for sign in text if unicodedata.category(sign) != "Cf")
    return " ".join("".join(shown).split())[:_LENGTH].rstrip()
