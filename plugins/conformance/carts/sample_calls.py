"""One good call of each hook, ready to be made, so that faults can be put in its way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from plugins.conformance.carts import samples
from plugins.conformance.carts.harness import Harness
from plugins.conformance.carts.hooks import WRITES
from plugins.conformance.carts.replies import check_reply
from plugins.conformance.faults import Fault
from plugins.conformance.http import Call, ShopHttp
from plugins.interface import (
    Applied,
    CartError,
    Connected,
    Effect,
    NotListed,
    NotRead,
    OrderReject,
    RateLimited,
    Rejected,
    Retry,
    Submission,
    Temporary,
    WriteReply,
)

TRIED = (
    "install",
    "check_connection",
    "prove_seller",
    "mint_access_token",
    "refresh_cart_items",
    "fetch_orders",
    "fetch_order",
    "fetch_customization",
    "acknowledge_orders",
    "push_inventory",
    "read_inventory",
    "post_tracking",
    "poll_submission",
)
"""The hooks that call the shop."""

_DONE_AFTER = timedelta(hours=2)


@dataclass(frozen=True)
class Trial:
    """A call that can be made again and again, and the way out it takes."""

    run: Callable[[], Any]
    http: ShopHttp


def prepare(harness: Harness, hook: str) -> Trial | str:
    """A trial of one hook, with orders of its own; or why there is nothing to try."""
    trial = _PREPARE[hook](harness)
    # So that no token is minted in the middle of it.
    harness.token.get()
    return trial


def entries_for(harness: Harness, hook: str, count: int = 2) -> list[Any]:
    """Return the entries of a write: fresh orders, or the SKUs the shop has."""
    if hook == "push_inventory":
        assert len(harness.author.skus) >= 2, (
            "name two SKUs of the shop in `skus`, which the stock hooks are tried with"
        )
        remote_ids = harness.remote_ids(harness.author.skus)
        return [
            samples.inventory_quantity(sku, remote_ids.get(sku, ""), 7 + place, harness.manifest)
            for place, sku in enumerate(harness.author.skus)
        ]
    orders = harness.orders(count)
    if hook == "acknowledge_orders":
        return [samples.acknowledgement(order) for order in orders]
    return [samples.package(order, harness.manifest, harness.clock.now()) for order in orders]


@dataclass(frozen=True)
class Struck:
    """A call of which one request met a fault, and its result."""

    hook: str
    fault: Fault
    place: int
    call: Call
    outcome: Any
    repeated: bool
    """Whether the cart made the same call once more."""

    def __str__(self) -> str:
        return f"{self.hook}, request {self.place + 1} ({self.call.operation}) met {self.fault.value}"


def strikes(harness: Harness, hook: str, faults: Sequence[Fault]) -> Iterator[Struck]:
    """Each request of a hook meets each of the faults, one at a time."""
    trial = _trial(harness, hook)
    before = len(trial.http.calls)
    trial.run()
    clean = trial.http.calls[before:]
    for place, request in enumerate(clean):
        for fault in faults:
            if fault.spoils_the_body and request.body_size < 2:
                continue
            # Half a file is a file to all who do not know what it should be.
            if fault is Fault.CUT and hook == "fetch_customization":
                continue
            # A package may be corrected only so many times, and a consent is good once.
            trial = _trial(harness, hook) if hook in ("post_tracking", "install") else trial
            harness.token.get()
            before = len(trial.http.calls)
            trial.http.next_answers(*[None] * place, fault)
            try:
                outcome = trial.run()
            except CartError as error:
                outcome = error
            finally:
                unmet = trial.http.clear()
            if not unmet:
                call, *later = trial.http.calls[before + place :]
                repeated = any((one.method, one.url) == (call.method, call.url) for one in later)
                yield Struck(hook, fault, place, call, outcome, repeated)


def _trial(harness: Harness, hook: str) -> Trial:
    trial = prepare(harness, hook)
    if isinstance(trial, str):
        pytest.skip(trial)
    return trial


def complaint(harness: Harness, struck: Struck) -> str:
    """Return the problem with a cart's handling of a fault; "" where there is none."""
    if struck.fault.refuses:
        return _about_refusal(struck)
    if isinstance(struck.outcome, CartError):
        return _about_error(harness, struck, struck.outcome)
    if struck.fault is Fault.CUT and struck.call.effect is Effect.WRITE:
        # A success is a success for a cart that does not need the words.
        return ""
    return _about_result(struck.hook, struck.outcome)


def _about_error(harness: Harness, struck: Struck, error: CartError) -> str:
    fault, name = struck.fault, type(error).__name__
    if fault.asks_for_a_pause:
        if not isinstance(error, RateLimited):
            return f"raised {name}; raise RateLimited(until=...), which does not count as a failure"
        return "" if error.until > harness.clock.now() else f"raised RateLimited until {error.until}, which has passed"
    if not isinstance(error, Temporary) and not (fault is Fault.AWAY and isinstance(error, RateLimited)):
        return f"raised {name}, as if it would never work; raise Temporary, so that it is tried again"
    lost = struck.call.effect is Effect.WRITE and fault.loses_the_answer
    if lost and isinstance(error, Temporary) and not error.unknown:
        return "raised Temporary without unknown=True, though the shop may have done what was asked"
    return ""


def _about_result(hook: str, result: Any) -> str:
    if isinstance(result, WriteReply):
        refused = [key for key, one in result.results.items() if isinstance(one, Rejected)]
        if refused:
            return f"rejected {refused} for good, for something that passes; answer Retry or raise"
        waits = result.pending or any(isinstance(one, Retry) for one in result.results.values())
        return "" if waits else "reported success, though not every request succeeded; answer Retry or raise"
    if hook == "read_inventory":
        return "" if any(isinstance(entry, NotRead) for entry in result) else "left out what it could not read"
    return f"returned {type(result).__name__} as if nothing had happened; raise Temporary or RateLimited"


def _about_refusal(struck: Struck) -> str:
    result = struck.outcome
    # Asking again, with another token or for less, is an answer to a refusal as well.
    if isinstance(result, CartError | OrderReject) or struck.repeated:
        return ""
    if isinstance(result, WriteReply):
        said = result.pending or any(not isinstance(one, Applied) for one in result.results.values())
        return "" if said else "reported success, though the shop refused a request; answer Rejected or raise"
    return (
        f"returned {type(result).__name__} as if nothing had happened; raise AuthorizationLost where a reconnect "
        "helps, SettingsError where a setting is wrong, else Permanent"
    )


def _install(harness: Harness) -> Trial:
    def run() -> Connected:
        step = list(harness.steps())[-1]
        assert isinstance(step, Connected)
        return step

    return Trial(run, harness.http)


def _mint(harness: Harness) -> Trial:
    return Trial(lambda: harness.mint(http=harness.http), harness.http)


def _items(harness: Harness) -> Trial | str:
    if isinstance(harness.call("refresh_cart_items", page=None), NotListed):
        return "this cart cannot list its items, so no call can fail"
    return Trial(lambda: harness.call("refresh_cart_items", page=None), harness.http)


def _orders(harness: Harness) -> Trial:
    harness.seed(2)
    return Trial(lambda: harness.call("fetch_orders", query=harness.window()), harness.http)


def _order(harness: Harness) -> Trial:
    (order_id,) = harness.seed(1)
    return Trial(lambda: harness.call("fetch_order", remote_id=order_id), harness.http)


def customization_url(harness: Harness) -> str | None:
    """Where a customized line says its customization lies; None where the author has no customized orders."""
    order_id = harness.author.seed_customized_order(harness.shop)
    if order_id is None:
        return None
    harness.let_listings_catch_up()
    urls = [line.customization_url for order in harness.listed([order_id]) for line in order.lines]
    assert any(urls), f"order {order_id} is customized, and no line of it has a customization_url"
    return next(url for url in urls if url)


def _customization(harness: Harness) -> Trial | str:
    url = customization_url(harness)
    if url is None:
        return "override seed_customized_order() to have fetch_customization checked"
    return Trial(lambda: harness.call("fetch_customization", url=url), harness.http)


def _shown(harness: Harness) -> Trial:
    return Trial(lambda: harness.call("read_inventory", skus=list(harness.author.skus)), harness.http)


def _write(hook: str) -> Callable[[Harness], Trial]:
    def prepared(harness: Harness) -> Trial:
        entries = entries_for(harness, hook)
        return Trial(lambda: harness.write(hook, entries), harness.http)

    return prepared


def submissions(harness: Harness) -> Iterator[tuple[str, Submission]]:
    """Slow work of each write that leaves some, just handed in."""
    for hook in WRITES:
        if harness.has(hook):
            for pending in harness.write(hook, entries_for(harness, hook)).pending:
                yield hook, Submission(pending.handle, hook, pending.keys, harness.clock.now())


def _poll(harness: Harness) -> Trial | str:
    hook, submission = next(submissions(harness), ("", None))
    if submission is None:
        return "no write of this cart leaves slow work to ask about"
    harness.clock.advance(_DONE_AFTER.total_seconds())

    def run() -> WriteReply:
        reply: WriteReply = harness.call("poll_submission", submission=submission)
        check_reply(hook, submission.keys, reply, harness.clock.now())
        return reply

    settled = run()
    assert all(isinstance(result, Applied) for result in settled.results.values()), settled
    return Trial(run, harness.http)


_PREPARE: dict[str, Callable[[Harness], Trial | str]] = {
    "install": _install,
    "check_connection": lambda harness: Trial(lambda: harness.call("check_connection"), harness.http),
    "prove_seller": lambda harness: Trial(lambda: harness.call("prove_seller"), harness.http),
    "mint_access_token": _mint,
    "refresh_cart_items": _items,
    "fetch_orders": _orders,
    "fetch_order": _order,
    "fetch_customization": _customization,
    "read_inventory": _shown,
    "poll_submission": _poll,
    **{hook: _write(hook) for hook in WRITES},
}
