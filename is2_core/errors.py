"""Errors of flows: a person asked for something that cannot be done."""

from __future__ import annotations

import traceback


class CannotStart(Exception):
    """A process or a command cannot do its work as it is set up; the message, of one line, says why and what to do."""


class PluginBug(Exception):
    """A cart raised something that is not part of the contract, or broke it; `trace` is for the admin."""

    def __init__(self, cart: str, hook: str, trace: str) -> None:
        super().__init__(f"{cart}.{hook} failed unexpectedly")
        self.message = "Something went wrong inside this integration; the platform's administrators can see what."
        self.trace = trace


def trace_without_values(error: BaseException) -> str:
    """Where it happened and which class, without the message: that may quote a buyer's data."""
    lines = [f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
    return "\n".join([*lines, type(error).__name__])


class FlowError(Exception):
    """Base: a message for the person, the HTTP status it deserves, and the form field it belongs to."""

    status = 400

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class BadInput(FlowError):
    """A typed value cannot be used."""


class Forbidden(FlowError):
    """Not this person, or not now."""

    status = 403


class NotFound(FlowError):
    """There is no such thing for this account."""

    status = 404


class Conflict(FlowError):
    """It stands against something that already is."""

    status = 409


class Unconfirmed(FlowError):
    """It can be done, once the person has confirmed what looks wrong; `confirmation` names just that."""

    status = 409

    def __init__(self, message: str, confirmation: str, *, field: str) -> None:
        super().__init__(message, field=field)
        self.confirmation = confirmation
