"""Running what a person asked for: one way to say that it was done, and to show why it was not."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from flask import flash, redirect
from flask.typing import ResponseReturnValue

from is2_core.errors import FlowError

Outcome = TypeVar("Outcome")


def run_action(
    act: Callable[[], Outcome], *, done: str | Callable[[Outcome], str], to: str, draw: Callable[[FlowError], str]
) -> ResponseReturnValue:
    """Run an action of a slice and redirect (303), or draw the page again with the refusal and its status.

    Args:
        act: calls the slice with what was typed; what it refuses is a FlowError.
        done: what to tell once it is done, or what makes that of what the action returned.
        to: where to go then.
        draw: the page with what was typed and the refusal.
    """
    try:
        outcome = act()
    except FlowError as error:
        return draw(error), error.status
    flash(done if isinstance(done, str) else done(outcome), "success")
    return redirect(to, 303)
