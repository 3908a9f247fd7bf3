"""The actor of this flow of control, and where they act from: set by the panel for each request, by the command line
for each command, by the worker for each task.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class Actor:
    """Whoever acts.

    Args:
        user_id: of a person who is signed in.
        name: a person's e-mail address, "command line (user of the operating system)", or the kind of a task; "" for
            somebody of whom only the address is known.
        role: the role on the platform; "" where there is none.
        address: of the network the request came from; "" where none did.
    """

    user_id: int | None = None
    name: str = ""
    role: str = ""
    address: str = ""


_NOBODY = Actor()
_actor: ContextVar[Actor] = ContextVar("is2_actor", default=_NOBODY)


def current_actor() -> Actor:
    """Return who acts here."""
    return _actor.get()


@contextmanager
def acting(actor: Actor) -> Iterator[None]:
    """Have what is done inside be done by this actor, or by those it becomes."""
    token = _actor.set(actor)
    try:
        yield
    finally:
        _actor.reset(token)


def become(actor: Actor) -> None:
    """From here to the end of the enclosing `acting` somebody else acts: who a request comes from is learned in it."""
    _actor.set(actor)
