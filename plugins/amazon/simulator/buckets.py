"""Token buckets per seller, application and operation (Amazon's page "Usage Plans and Rate Limits")."""

from collections.abc import Mapping

from plugins.amazon.simulator.clock import Clock


class Buckets:
    """Each bucket starts full, holds `burst` requests and is refilled by `rate` a second."""

    def __init__(self, clock: Clock, rates: Mapping[str, tuple[float, int]]) -> None:
        self._clock = clock
        self.rates = dict(rates)
        self._levels: dict[tuple[str, str, str], tuple[float, float]] = {}

    def take(self, seller: str, application: str, operation: str) -> bool:
        """Take one request out; False when the bucket is empty (the refused request costs nothing)."""
        rate, burst = self.rates[operation]
        key = (seller, application, operation)
        now = self._clock.now().timestamp()
        level, since = self._levels.get(key, (float(burst), now))
        level = min(float(burst), level + max(0.0, now - since) * rate)
        # A refill of exactly one request must count as one despite rounding.
        granted = level >= 1 - 1e-6
        self._levels[key] = (level - 1 if granted else level, now)
        return granted

    def limit_text(self, operation: str) -> str:
        """Value of the header `x-amzn-RateLimit-Limit`."""
        return f"{self.rates[operation][0]:g}"
