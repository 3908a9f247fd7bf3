"""Last steps: a store that carries a token of Amazon's older API is told to leave it, and later that it may go."""

from __future__ import annotations

from cli.demo import setup
from cli.demo.participants import Demo
from cli.demo.verification.comparison import Row
from cli.trial import SIMULATED_CART

DURING, ENDED = "Older token: leave it for now", "Older token: it may go now"
# What the two notices say and nothing else on the page does.
_SAYS = {DURING: "until further notice", ENDED: "no longer used"}


def begin(demo: Demo) -> None:
    """One seller has a token of the older API, and the admin's switch is on."""
    demo.amazon.give_legacy_token(setup.WITH_LEGACY_TOKEN.seller)
    demo.admin.begin_migration(SIMULATED_CART)


def end(demo: Demo) -> list[Row]:
    """Compare the stores' notices before and after the admin ends the switch."""
    demo.show.step("A store with an older token shows its notice; the admin ends the switch: the further notice.")
    rows = _notices(demo, DURING)
    demo.admin.end_migration(SIMULATED_CART)
    return rows + _notices(demo, ENDED)


def _notices(demo: Demo, name: str) -> list[Row]:
    sellers = demo.amazon.sellers()
    rows = []
    for store in demo.stores:
        told = _SAYS[name] in demo.merchant(store).settings_page(store.integration)
        carries = bool(sellers[store.plan.seller]["older_token"])
        if told or carries:
            seller, none = frozenset({store.plan.seller}), frozenset[str]()
            rows.append(Row(name, seller if told else none, seller if carries else none, store.plan.nickname))
    return rows
