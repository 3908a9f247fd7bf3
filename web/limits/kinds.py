"""How often what is limited may be asked for. The figures are for one office or one warehouse behind one address;
`IS2_LIMITS` multiplies all of them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """How often something may be asked for within a window, which begins with the first time.

    Args:
        name: names the counters, which every page of this kind shares.
        minutes: how long the window is.
        per_address: by one network address; of IPv6, by one /64, which is what one customer is given.
        per_account: by whoever is signed in for one account. Of a stranger who typed an email address, for that one
            from one network address: what others type elsewhere keeps nobody out.
        in_all: by everybody together.
        methods: which requests count; None for all.
    """

    name: str
    minutes: int
    per_address: int
    per_account: int
    in_all: int
    methods: tuple[str, ...] | None = None


# A person mistypes a few times, a shift of fifty signs in behind one address, and each try costs a tenth of a second of
# a core and 46 MiB: all together may take a tenth of one core.
SIGN_IN = Limits("sign-in", minutes=10, per_address=60, per_account=20, in_all=600, methods=("POST",))
# Each step asks the cart, whose own limits all merchants share; connecting a store takes five.
INSTALL = Limits("install", minutes=10, per_address=60, per_account=60, in_all=600)
# A script that asks every second is served; copying the whole panel page by page is not.
EXPORT = Limits("export", minutes=1, per_address=240, per_account=120, in_all=1200)
