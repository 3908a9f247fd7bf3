"""Running what a person asked for: one way to say that it was done, and to show why it was not."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from flask import flash, redirect
from flask.typing import ResponseReturnValue

from is2_core.errors import FlowError

Outcome = TypeVar("Outcome")


def run_action(
    act: Callable[[], Outcome],
    *,
    done: str | Callable[[Outcome], str],
    to: str | Callable[[Outcome], str],
    draw: Callable[[FlowError], str],
    warnings: Callable[[Outcome], Iterable[str]] | None = None,
) -> ResponseReturnValue:
    """Run an action of a slice and redirect (303), or draw the page again with the refusal and its status.

    Args:
        act: calls the slice with what was typed; what it or the form refuses is a FlowError.
        done: what to tell once it is done, or what makes that of what the action returned.
        to: where to go then, or what finds that by what the action returned.
        draw: the page with what was typed and the refusal.
        warnings: what else to tell: what was done all the same, and may not be meant.
    """
    try:
        outcome = act()
    except FlowError as error:
        return draw(error), error.status
    flash(done if isinstance(done, str) else done(outcome), "success")
    for warning in warnings(outcome) if warnings else ():
        flash(warning, "warning")
    return redirect(to if isinstance(to, str) else to(outcome), 303)
