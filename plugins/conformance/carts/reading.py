"""Checks of the orders a hook returns, and the reason why some of them are missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from unittest.mock import patch

from plugins.interface import Money, Order, OrderPage
from plugins.types import orders as order_types, values

_DECIMALS_MAX = 6


def orders_in(result: object) -> Sequence[Order]:
    """The orders a result holds."""
    if isinstance(result, OrderPage):
        return result.orders
    return [result] if isinstance(result, Order) else []


def check_orders(hook: str, result: object) -> None:
    """Check that each order stands once on its page, and that no amount was a float.

    Raises:
        AssertionError: it is not so; the text tells what to change.
    """
    counts = Counter(order.remote_id for order in orders_in(result))
    if isinstance(result, OrderPage):
        # Several rejects may bear one name: that of an order without an id.
        counts.update({reject.remote_id for reject in result.rejects})
    twice = [remote_id for remote_id, count in counts.items() if count > 1]
    assert not twice, (
        f"{hook} lists {twice} more than once on one page: each order stands there once, as it is now, or as a reject"
    )
    for order in orders_in(result):
        for name, money in _amounts(order):
            assert _decimals(money) <= _DECIMALS_MAX, (
                f"{hook}, order {order.remote_id}: {name} was made of the float {float(money.amount)!r} and is "
                f"{money.amount} {money.currency}. Make it of text, Decimal(str(value)), or read the answer with "
                "json.loads(reply.body, parse_float=Decimal); round what is divided"
            )


@contextmanager
def refusals(said: list[str]) -> Iterator[None]:
    """Keep why types of the contract refuse what they are given, for a cart may make a reject of it without a word."""
    original = values.require

    def require(condition: bool, message: str) -> None:
        if not condition:
            said.append(message)
        original(condition, message)

    with patch.object(values, "require", require), patch.object(order_types, "require", require):
        yield


def explain_missing(missing: Sequence[str], pages: Iterable[OrderPage], refused: Sequence[str]) -> str:
    """Describe which orders a listing lacks, with the cause as far as it is known.

    Args:
        refused: what types of the contract refused meanwhile, the first first.
    """
    rejects = {reject.remote_id: reject for page in pages for reject in page.rejects if reject.remote_id in missing}
    if not rejects:
        return f"fetch_orders does not list {missing}, which the shop has: an order missed never reaches the warehouse"
    message = next(iter(rejects.values())).message
    cause = f": a type of the contract refused it, saying {refused[0]!r}" if refused else ""
    return f"fetch_orders rejects {sorted(rejects)}, which are sound{cause}. The cart's own message is {message!r}"


def _amounts(order: Order) -> Iterator[tuple[str, Money]]:
    found = [("total", order.total)]
    found += [(f"the unit_price of line {line.remote_id}", line.unit_price) for line in order.lines]
    return ((name, money) for name, money in found if money is not None)


def _decimals(money: Money) -> int:
    exponent = money.amount.as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0
