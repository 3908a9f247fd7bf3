"""Every value that crosses the seam between the core and a cart.

All of them are frozen dataclasses whose invariants are checked when they are made, so that neither side
can hand the other a half-true value: money is Decimal with a currency, times are aware UTC, ids are text.
Carts import them from `plugins.interface`.
"""
