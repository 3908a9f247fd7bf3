"""Invented buyers. Every name, street, phone and message carries a sentinel, so that a scan can find where they go."""

import random
from typing import Any

# What a leak scan looks for: these never occur in anything but buyers' data.
SENTINELS = ("Simbuyer", "Simstreet", "555-01", "simbuyer-", "Simgift")

_FIRST = ("Ada", "Ben", "Cleo", "Dana", "Eli", "Fay", "Gus", "Hana", "Ivo", "June")
_FIRST_ELSEWHERE = ("Zoë", "Łukasz", "Søren", "Renée", "José", "Björk", "花子", "Ελένη", "Дмитро", "Nguyễn")
_CITIES = {
    "US": ("Portland", "OR", "97201"),
    "CA": ("Toronto", "ON", "M5V 2T6"),
    "MX": ("Ciudad de México", "CDMX", "06600"),
    "BR": ("São Paulo", "SP", "01310-100"),
    "GB": ("Leeds", "West Yorkshire", "LS1 4AP"),
    "DE": ("Köln", "Nordrhein-Westfalen", "50667"),
    "FR": ("Orléans", "Centre", "45000"),
    "IT": ("Torino", "TO", "10121"),
    "ES": ("A Coruña", "A Coruña", "15001"),
    # Addresses of Japan have no city: what would be one stands in the street line.
    "JP": ("", "東京都", "150-0002"),
    "AU": ("Brisbane", "QLD", "4000"),
    "SG": ("Singapore", "Singapore", "018956"),
    "NL": ("Utrecht", "", "3511 AB"),
    "SE": ("Malmö", "", "211 20"),
    "PL": ("Łódź", "", "90-001"),
    "BE": ("Liège", "", "4000"),
    "IE": ("Cork", "Co. Cork", "T12 X70A"),
    "TR": ("Çankaya", "Ankara", "06420"),
    "AE": ("Dubai", "Dubai", ""),
    "SA": ("Riyadh", "", "11564"),
    "EG": ("Cairo", "Cairo", "11511"),
    "ZA": ("Cape Town", "Western Cape", "8001"),
    "IN": ("Pune", "MAHARASHTRA", "411001"),
}


def buyer(rng: random.Random, number: int, *, beyond_ascii: bool = False) -> dict[str, Any]:
    """A `Buyer` of the model."""
    return {
        "buyerName": f"{rng.choice(_FIRST_ELSEWHERE if beyond_ascii else _FIRST)} Simbuyer",
        "buyerEmail": f"simbuyer-{number:06d}@marketplace.example",
    }


def recipient(rng: random.Random, country: str, name: str, *, beyond_ascii: bool = False) -> dict[str, Any]:
    """A `Recipient` of the model, in a real town of the country."""
    city, state, postal_code = _CITIES[country]
    address = {
        "name": name,
        "addressLine1": f"{rng.randint(1, 999)} Simstreet",
        "city": city,
        "stateOrRegion": state,
        "postalCode": postal_code,
        "countryCode": country,
        "phone": f"+1-555-01{rng.randint(0, 99):02d}",
        "addressType": rng.choice(("RESIDENTIAL", "RESIDENTIAL", "COMMERCIAL")),
    }
    address = {name: value for name, value in address.items() if value}
    if beyond_ascii:
        address["addressLine2"] = "c/o Bäckerei „Übermut“, 2º piso, Simstreet-Hof ½"
    elif rng.random() < 0.2:
        address["addressLine2"] = f"Apt {rng.randint(1, 60)}, Simstreet Court"
    return {"deliveryAddress": address}
