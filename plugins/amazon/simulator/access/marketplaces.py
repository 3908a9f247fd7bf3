"""Marketplaces and regions (Amazon's page "Marketplace IDs")."""

from dataclasses import dataclass

REGIONS = ("na", "eu", "fe")


@dataclass(frozen=True)
class Marketplace:
    """One Amazon shop site; field names of sellers.json in Python spelling."""

    id: str
    region: str
    country: str
    name: str
    currency: str
    language: str
    domain: str

    def as_json(self) -> dict[str, str]:
        """The `Marketplace` object of sellers.json."""
        return {
            "id": self.id,
            "countryCode": self.country,
            "name": self.name,
            "defaultCurrencyCode": self.currency,
            "defaultLanguageCode": self.language,
            "domainName": self.domain,
        }


_ROWS = """
ATVPDKIKX0DER na US Amazon.com USD en_US www.amazon.com
A2EUQ1WTGCTBG2 na CA Amazon.ca CAD en_CA www.amazon.ca
A1AM78C64UM0Y8 na MX Amazon.com.mx MXN es_MX www.amazon.com.mx
A2Q3Y263D00KWC na BR Amazon.com.br BRL pt_BR www.amazon.com.br
A1F83G8C2ARO7P eu GB Amazon.co.uk GBP en_GB www.amazon.co.uk
A1PA6795UKMFR9 eu DE Amazon.de EUR de_DE www.amazon.de
A13V1IB3VIYZZH eu FR Amazon.fr EUR fr_FR www.amazon.fr
APJ6JRA9NG5V4 eu IT Amazon.it EUR it_IT www.amazon.it
A1RKKUPIHCS9HS eu ES Amazon.es EUR es_ES www.amazon.es
A1805IZSGTT6HS eu NL Amazon.nl EUR nl_NL www.amazon.nl
A2NODRKZP88ZB9 eu SE Amazon.se SEK sv_SE www.amazon.se
A1C3SOZRARQ6R3 eu PL Amazon.pl PLN pl_PL www.amazon.pl
AMEN7PMS3EDWL eu BE Amazon.com.be EUR fr_BE www.amazon.com.be
A28R8C7NBKEWEA eu IE Amazon.ie EUR en_IE www.amazon.ie
A33AVAJ2PDY3EV eu TR Amazon.com.tr TRY tr_TR www.amazon.com.tr
A2VIGQ35RCS4UG eu AE Amazon.ae AED en_AE www.amazon.ae
A17E79C6D8DWNP eu SA Amazon.sa SAR ar_SA www.amazon.sa
ARBP9OOSHTCHU eu EG Amazon.eg EGP ar_EG www.amazon.eg
AE08WJ6YKNBMC eu ZA Amazon.co.za ZAR en_ZA www.amazon.co.za
A21TJRUUN4KGV eu IN Amazon.in INR en_IN www.amazon.in
A1VC38T7YXB528 fe JP Amazon.co.jp JPY ja_JP www.amazon.co.jp
A39IBJ37TRP1C6 fe AU Amazon.com.au AUD en_AU www.amazon.com.au
A19VAU5U5O7RUS fe SG Amazon.sg SGD en_SG www.amazon.sg
"""

MARKETPLACES = {row.split()[0]: Marketplace(*row.split()) for row in _ROWS.strip().splitlines()}
BY_COUNTRY = {place.country.lower(): place for place in MARKETPLACES.values()}

# Amazon lists shops of its other businesses beside the retail ones; a client has to drop ids it does not know.
NON_RETAIL = Marketplace(
    "A1MQXOICRS2Z7M", "na", "CA", "SI CA Prod Marketplace", "CAD", "en_CA", "siprod.stores.amazon.ca"
)
