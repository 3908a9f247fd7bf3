"""Rules of the core broken on purpose, one by one: a pytest plug-in that breaks the one IS2_BREAKAGE names."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

_NAMED = "IS2_BREAKAGE"


def no_overlap() -> None:
    """Windows begin where the one before ended."""
    from is2_core.calls.carts import CartRegistry

    manifest = CartRegistry.manifest
    CartRegistry.manifest = lambda self, name: replace(  # type: ignore[method-assign]
        manifest(self, name), overlap=timedelta(0)
    )


def acknowledged_before_it_is_accepted() -> None:
    """An order is acknowledged as soon as it is staged."""
    from is2_core.orders.importing import staging
    from is2_core.orders.states import AckState
    from is2_core.tasks.queue import enqueue

    order_row, follows = staging.order_row, staging._ask_for_what_follows

    def due_at_once(*args: Any) -> dict[str, Any]:
        return {**order_row(*args), "ack_state": AckState.DUE}

    def and_send(session: Any, integration: Any, fresh: Any, now: Any, **more: Any) -> None:
        follows(session, integration, fresh, now, **more)
        enqueue(session, kind="acknowledgements.send", integration=integration, now=now)

    staging.order_row, staging._ask_for_what_follows = due_at_once, and_send


def older_news_wins() -> None:
    """What a listing says is stored, however old it is."""
    from is2_core.orders.importing import staging

    lock = staging._lock

    class Older:
        """A stored order that was changed long before."""

        cart_updated_at = datetime.min.replace(tzinfo=UTC)

        def __init__(self, row: Any) -> None:
            self._row = row

        def __getattr__(self, name: str) -> Any:
            return getattr(self._row, name)

    def without_times(*args: Any) -> Any:
        return {remote_id: Older(row) for remote_id, row in lock(*args).items()}

    staging._lock = without_times


def units_recomputed() -> None:
    """What the cart has of a package is not looked at."""
    from is2_core.orders.fulfillment import unit_matching

    unit_matching._Matcher.keep_what_is_held = lambda self: None  # type: ignore[method-assign]


def not_found_once() -> None:
    """One answer is a fact."""
    from is2_core.integrations import finality

    once = {answer: replace(rule, answers=1, over=timedelta(0)) for answer, rule in finality.FINAL.items()}
    finality.FINAL = once  # type: ignore[misc]


def no_comparison() -> None:
    """Nothing is compared with the cart."""
    from is2_core.jobs import HANDLERS

    HANDLERS["orders.compare"] = lambda platform, run: None


def ownership_not_checked() -> None:
    """A task that stood still sends what it was about to send."""
    from is2_core.tasks.run import TaskRun

    TaskRun.before_write = lambda self: None  # type: ignore[method-assign]


def equal_lines_merged() -> None:
    """Two lines of one thing count as one."""
    from is2_core.orders.fulfillment import packages
    from is2_core.orders.fulfillment.unit_matching import LineNeed

    match = packages.match_units

    def merged(lines: Sequence[LineNeed], *rest: Any) -> Any:
        found: dict[tuple[tuple[str, int], ...], LineNeed] = {}
        for line in lines:
            made_of = tuple(sorted(line.components.items()))
            before = found.get(made_of)
            given, wanted = (before.given, before.wanted) if before else (0, 0)
            found[made_of] = replace(before or line, given=given + line.given, wanted=wanted + line.wanted)
        return match(list(found.values()), *rest)

    packages.match_units = merged  # type: ignore[assignment]


BREAKAGES: dict[str, Callable[[], None]] = {
    each.__name__: each
    for each in (
        no_overlap,
        acknowledged_before_it_is_accepted,
        older_news_wins,
        units_recomputed,
        not_found_once,
        no_comparison,
        ownership_not_checked,
        equal_lines_merged,
    )
}


def pytest_collection_finish(session: pytest.Session) -> None:
    """Break what is named, once all tests are loaded."""
    BREAKAGES[os.environ[_NAMED]]()
