"""Units of an order that somebody else confirmed as shipped at the cart, told from what was posted from here; pure.

A package of ours is known by its reference, which is stored before it is first sent, or by its tracking number, which a
person may have entered at the cart before IS2 did.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from is2_core.tracking_numbers import plain_number


@dataclass(frozen=True)
class Parcel:
    """A package of an order, the cart's or ours.

    Args:
        units: by line. Of ours, the most that it could hold, so that whatever is in doubt counts as ours.
    """

    reference: str
    tracking_number: str
    units: Mapping[int, int]
    carrier: str = ""


@dataclass(frozen=True)
class Elsewhere:
    """Units that somebody else confirmed.

    Args:
        units: by line.
        parcels: of what the cart shows, those that are none of ours.
        entered: units by tracking number and line that somebody else confirmed under numbers of ours.
        sure: whether the cart tells enough to act on it without a person.
    """

    units: Mapping[int, int] = field(default_factory=dict)
    parcels: tuple[Parcel, ...] = ()
    entered: Mapping[str, Mapping[int, int]] = field(default_factory=dict)
    sure: bool = True


def shipped_elsewhere(shipped: Mapping[int, int], shown: Sequence[Parcel] | None, ours: Sequence[Parcel]) -> Elsewhere:
    """Compare what the cart shows with our packages.

    Args:
        shipped: units the cart counts as shipped, by line.
        shown: the packages it shows; None where it does not tell.
        ours: our packages of the order, voided ones too where the cart may have them.
    """
    references = {parcel.reference for parcel in ours}
    foreign = [parcel for parcel in shown or () if parcel.reference not in references]
    entered = _by_number(foreign)
    packed = _by_number(ours)
    units: Counter[int] = Counter()
    for number, confirmed in entered.items():
        units += confirmed - (packed.get(number, Counter()) if number else Counter())
    # What is counted without a package: what was sent from here and does not show yet, else somebody else's.
    seen = {parcel.reference for parcel in shown or ()}
    on_their_way = [
        parcel
        for parcel in ours
        if parcel.reference not in seen and plain_number(parcel.tracking_number) not in entered
    ]
    units += Counter(shipped) - _sum(shown or ()) - _sum(on_their_way)
    return Elsewhere(
        units=dict(units),
        parcels=tuple(parcel for parcel in foreign if plain_number(parcel.tracking_number) not in packed),
        entered={number: confirmed for number, confirmed in entered.items() if number and number in packed},
        sure=shown is not None or not ours,
    )


def _by_number(parcels: Iterable[Parcel]) -> dict[str, Counter[int]]:
    units: dict[str, Counter[int]] = {}
    for parcel in parcels:
        units.setdefault(plain_number(parcel.tracking_number), Counter()).update(parcel.units)
    return units


def _sum(parcels: Iterable[Parcel]) -> Counter[int]:
    total: Counter[int] = Counter()
    for parcel in parcels:
        total.update(parcel.units)
    return total
