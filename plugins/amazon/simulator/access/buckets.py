"""Token buckets per seller, application and operation, and per application alone (Amazon's page "Usage Plans and Rate
Limits")."""

from collections.abc import Iterable, Mapping

from plugins.amazon.simulator.clock import Clock

Rate = tuple[float, int]
_Key = tuple[str, str, str]
# The place of a seller in the key of a bucket that all sellers of an application share.
_EVERYBODY = "*"


class Buckets:
    """Each bucket starts full, holds `burst` requests and is refilled by `rate` a second.

    `rates` are by operation; `ceilings` by operation too, over all sellers of an application. A seller's own figures
    (Amazon's dynamic usage plans) go before the operation's.
    """

    def __init__(self, clock: Clock, rates: Mapping[str, Rate], ceilings: Mapping[str, Rate]) -> None:
        self._clock = clock
        self.rates = dict(rates)
        self.ceilings = dict(ceilings)
        self._own: dict[tuple[str, str], Rate] = {}
        self._levels: dict[_Key, tuple[float, float]] = {}

    def set_own(self, seller: str, operation: str, rate: Rate | None) -> None:
        """Give a seller figures of its own for an operation; None takes them back.

        Raises:
            ValueError: there is no such operation, or the figures cannot be.
        """
        if operation not in self.rates:
            raise ValueError(f"there is no operation {operation}")
        if rate is None:
            self._own.pop((seller, operation), None)
            return
        if rate[0] <= 0 or rate[1] < 1:
            raise ValueError("rate must be above 0 and burst at least 1")
        self._own[seller, operation] = rate

    def own(self, seller: str) -> dict[str, Rate]:
        """The figures a seller has for itself, by operation."""
        return {operation: rate for (owner, operation), rate in self._own.items() if owner == seller}

    def rate(self, seller: str, operation: str) -> Rate:
        """The figures that hold for a seller now."""
        return self._own.get((seller, operation), self.rates[operation])

    def take(self, seller: str, application: str, operation: str) -> str | None:
        """Take one request out of the seller's bucket and out of the application's, where there is one.

        Returns:
            None when granted, else whose bucket is empty: "seller" or "application". A refused request costs nothing.
        """
        now = self._clock.now().timestamp()
        wanted: list[tuple[str, _Key, Rate]] = [
            ("seller", (seller, application, operation), self.rate(seller, operation))
        ]
        if operation in self.ceilings:
            wanted.append(("application", (_EVERYBODY, application, operation), self.ceilings[operation]))
        levels = {key: self._level(key, rate, now) for _, key, rate in wanted}
        # A refill of exactly one request must count as one despite rounding.
        empty = next((whose for whose, key, _ in wanted if levels[key] < 1 - 1e-6), None)
        for key, level in levels.items():
            self._levels[key] = (level if empty else level - 1, now)
        return empty

    def _level(self, key: _Key, rate: Rate, now: float) -> float:
        level, since = self._levels.get(key, (float(rate[1]), now))
        return min(float(rate[1]), level + max(0.0, now - since) * rate[0])

    def limit_text(self, seller: str, operation: str) -> str:
        """Value of the header `x-amzn-RateLimit-Limit`: the seller's figure; ceilings do not show in it."""
        return f"{self.rate(seller, operation)[0]:g}"

    def set_all(self, target: str, rates: Mapping[str, Iterable[float]]) -> None:
        """Set figures {operation: [requests a second, burst]} for everybody; `target` is rates or ceilings.

        Raises:
            ValueError: there is no such operation.
        """
        known: dict[str, Rate] = getattr(self, target)
        for operation, figures in rates.items():
            if operation not in self.rates:
                raise ValueError(f"there is no operation {operation}")
            rate, burst = figures
            known[operation] = (float(rate), int(burst))
