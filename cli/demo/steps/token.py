"""Last act: a store that carries a token of Amazon's older API is told to leave it, and later that it may go."""

from __future__ import annotations

from cli.demo import setup
from cli.demo.participants import Cast
from cli.demo.verification.comparison import Row
from cli.trial import SIMULATED_CART

DURING, ENDED = "Older token: leave it for now", "Older token: it may go now"
# What the two notices say and nothing else on the page does.
_SAYS = {DURING: "until further notice", ENDED: "no longer used"}


def begin(cast: Cast) -> None:
    """One seller has a token of the older API, and the admin's switch is on."""
    cast.amazon.give_older_token(setup.WITH_OLDER_TOKEN.seller)
    cast.admin.begin_migration(SIMULATED_CART)


def end(cast: Cast) -> list[Row]:
    """What the stores say before and after the admin ends the switch."""
    cast.show.step("A store with an older token shows its notice; the admin ends the switch: the further notice.")
    rows = _notices(cast, DURING)
    cast.admin.end_migration(SIMULATED_CART)
    return rows + _notices(cast, ENDED)


def _notices(cast: Cast, name: str) -> list[Row]:
    sellers = cast.amazon.sellers()
    rows = []
    for shop in cast.shops:
        told = _SAYS[name] in cast.merchant(shop).settings_page(shop.store)
        carries = bool(sellers[shop.plan.seller]["older_token"])
        if told or carries:
            seller, none = frozenset({shop.plan.seller}), frozenset[str]()
            rows.append(Row(name, seller if told else none, seller if carries else none, shop.plan.nickname))
    return rows
