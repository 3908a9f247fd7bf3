"""Carriers and their tracking numbers: when two are the same, and whether one can be of its carrier; pure.

Only of carriers whose numbers are well known is anything said. A number that is not of the shape is no error, for
carriers invent new ones: a person is asked.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_SHORTEST = 4
_UPS = re.compile(r"1Z[0-9A-Z]{15}[0-9]")
_OF_UPS = re.compile(r"\bups|united parcel", re.IGNORECASE)
_S10 = re.compile(r"[A-Z]{2}[0-9]{9}[A-Z]{2}")
_S10_WEIGHTS = (8, 6, 4, 2, 3, 5, 9, 7)
_WORD = re.compile(r"[^\W_]+")
_AROUND = re.compile(r"^[\W_]+|[\W_]+$")
# Words of the services carriers sell, and of company forms. Whatever else follows a name makes it another one: Correos
# Chile is no service of Correos. Names of places are left out, although a carrier's own branch may have one.
_OF_SERVICES = frozenset(
    """
    a aangetekend abholung access advantage after afternoon ag air am an and apex avond bag basic before box brev brevet
    brief brievenbus brievenbuspakje brievenbuspakket bulk bulky business businessparcel businesssmallparcel by carrier
    carriers carta celere certificada certificado certified chrono class classic classique collect collection connect
    consegna consigna consolidated consumer contre cool corp corporation corriere crono day days deferred delivery dia
    direct docs document documents domestic domicile domicilio door doorstep dostawa drop día e early eco ecommerce
    economico economique economy economyselect económico einschreiben einwurf ekonomi ekspres ems encomenda encomendas
    end entrega envelope envio envío epacket espresso estandar estándar eurobusinessparcel europaket evening everyday
    expedited export express expressa expresseasy expresspost extra fast filiale first flat flex flexdelivery freight
    företagspaket general giorno global globalmail gmbh gold grossbrief ground guaranteed handtekening heavy hem
    hemleverans hikyaku home hour hours import inc incorporated inrikes instant internacional international
    internationale internazionale intl kleinpaket kompaktbrief kurier kurierska large letter letterpack letters lettre
    library light lightweight limited lite livraison llc locker lockers ltd ltl m mail mailbox max maxibrief mechanical
    media medium mid midday mini mit morning mypack nachnahme nacional national nationale neighbour nekopos next nextday
    nextmorning night nominated noon normal office oficina one only optimum ordinaria ordinario overnight overseas p pac
    pacchetto pacco paccocelere pack package packages packet packetplus packets packplus paczka paczkomat paczkomaty
    paeckchen pak paket pakete paketshop pakje pakke pakket pakketje pakketpost pakketten pallet paq paquete paqueteria
    paquetería paquetes parcel parcels parcelshop parti partload pickup pieghi plc plus pm point post posta postbox
    postpaket postpakket predict preferred premium prime prio prioritaire prioritaria priority pro proximity przesyłka
    punto päckchen raccomandata rapide rate recommande recommandé recommandée regional registered regular rekommenderat
    relais relay remise residential retail return returns road sa sal same sameday sans saturday saver savers sedex
    select sendung service servicepoint services shipping shop shop2shop shopdelivery signature signed signedfor
    siguiente size small smart smartmail smartpost special speed standard suivi suivie sunday sunrise super superfast
    surepost surface takkyubin taqbin terrestre three tier time timed to track tracked tracking two ultra und untracked
    urgent urgente value varubrev versand warenpost warensendung week weekend with within worldwide xl xpect xpresspost
    xs yu yupack zone zustellung économique ゆうパケット ゆうパック クール レターパック 宅急便 宅配便 飛脚 飛脚宅配便
    """.split()
)

NO_CARRIER = "(no carrier given)"
"""How pages name the carrier of a package that came without one."""


@dataclass(frozen=True)
class Numbers:
    """The shape of a carrier's numbers.

    Args:
        shape: a pattern of all that has no check digit of its own (1Z..., the postal S10); "" where nothing is said.
        is_postal: whether the postal S10 is one of them.
    """

    shape: str = ""
    is_postal: bool = False


CARRIERS: Mapping[str, Numbers] = {
    # Freight, notices, and Mail Innovations, which the postal service delivers.
    "UPS": Numbers(r"T[0-9]{10}|[0-9]{9}|[0-9]{12}|[0-9]{18}|9[0-9]{19,33}"),
    "USPS": Numbers(r"[0-9]{20}|[0-9]{22}|[0-9]{26}|420[0-9]{27}|420[0-9]{31}|82[0-9]{8}", is_postal=True),
    "FedEx": Numbers(r"[0-9]{12}|[0-9]{14,15}|[0-9]{18}|[0-9]{20}|[0-9]{22}|[0-9]{34}"),
    "DHL Express": Numbers(r"[0-9]{10,11}|[A-Z]{2,5}[0-9]{7,25}"),
    "DHL eCommerce": Numbers(),
    "OnTrac": Numbers(),
    "Lasership": Numbers(),
    "Amazon Shipping": Numbers(),
    "Canada Post": Numbers(),
    "Purolator": Numbers(),
    "Estafeta": Numbers(),
    "Correios": Numbers(),
    "Royal Mail": Numbers(),
    "Parcelforce": Numbers(),
    "Yodel": Numbers(),
    "DPD": Numbers(),
    "GLS": Numbers(),
    "Deutsche Post": Numbers(),
    "La Poste": Numbers(),
    "Colissimo": Numbers(),
    "Correos": Numbers(),
    "SEUR": Numbers(),
    "Poste Italiane": Numbers(),
    "BRT": Numbers(),
    "PostNord": Numbers(),
    "InPost": Numbers(),
    "Australia Post": Numbers(),
    "Japan Post": Numbers(),
    "Yamato": Numbers(),
    "Sagawa": Numbers(),
}
"""Carriers a warehouse hands parcels to every day, in the order in which packers choose; any other may be typed."""


def run_together(name: str) -> str:
    """Return the key of all spellings of a carrier's name: only letters and digits count, in either case."""
    return "".join(_WORD.findall(unicodedata.normalize("NFC", name))).casefold()


def leading_name(text: str, names: Iterable[str]) -> tuple[str, str] | None:
    """Split a carrier as people write it, "FedEx Ground" or "U.P.S.-Next Day Air", into a name and a service.

    Args:
        names: as `run_together` makes them.

    Returns:
        The longest name that its first words are, and the rest as it was typed; None where it begins with none, or goes
        on with what no carrier calls a service.
    """
    text = unicodedata.normalize("NFC", text)
    known, found, start = frozenset(names), None, ""
    for word in _WORD.finditer(text):
        start += word[0].casefold()
        rest = _AROUND.sub("", text[word.end() :])
        if start in known and _names_service(rest):
            found = (start, rest)
    return found


def _names_service(text: str) -> bool:
    return all(word.casefold() in _OF_SERVICES or any(map(str.isdigit, word)) for word in _WORD.findall(text))


def plain_number(number: str) -> str:
    """Return a tracking number as it is compared: upper case, without blanks and hyphens."""
    return "".join(sign for sign in number.upper() if not sign.isspace() and sign != "-")


def shape_problem(carrier: str, number: str) -> str:
    """Return why a number looks wrong for its carrier, as a message; "" where it does not, or nobody can tell."""
    plain = plain_number(number)
    shaped = {run_together(name): name for name, numbers in CARRIERS.items() if numbers.shape}
    name, _ = leading_name(carrier, shaped) or ("", "")
    known = shaped.get(name, "")
    if _is_ups(plain) and not _OF_UPS.search(carrier):
        return f"{number} is a number of UPS, and the carrier is {carrier}."
    if known and not _fits(known, plain):
        return f"{number} does not look like a tracking number of {known}."
    if not known and (len(plain) < _SHORTEST or not any(sign.isdigit() for sign in plain) or len(number.split()) > 1):
        return f"{number} does not look like a tracking number."
    return ""


def _fits(carrier: str, plain: str) -> bool:
    if carrier == "UPS" and plain.startswith("1Z"):
        return _is_ups(plain)
    numbers = CARRIERS[carrier]
    if numbers.is_postal and _S10.fullmatch(plain):
        return _s10_is_right(plain)
    return re.fullmatch(numbers.shape, plain) is not None


def _is_ups(plain: str) -> bool:
    if not _UPS.fullmatch(plain):
        return False
    # A letter counts as its place from A = 2 on, by its last digit; every second sign counts twice.
    values = [int(sign) if sign.isdigit() else (ord(sign) - 63) % 10 for sign in plain[2:-1]]
    total = sum(values[0::2]) + 2 * sum(values[1::2])
    return -total % 10 == int(plain[-1])


def _s10_is_right(plain: str) -> bool:
    digits = plain[2:11]
    rest = 11 - sum(weight * int(digit) for weight, digit in zip(_S10_WEIGHTS, digits, strict=False)) % 11
    return {10: 0, 11: 5}.get(rest, rest) == int(digits[-1])
