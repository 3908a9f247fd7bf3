"""How long texts may be: one entry a text, whether a form, a table, a cart or a warehouse brings it. Pure.

What people type is refused with the number; what others send is cut, for nothing of theirs may stop the rest. What a
parcel or a mapping needs letter by letter (SKUs, addresses, methods) has rules of its own, and is never cut.
"""

from __future__ import annotations

from dataclasses import dataclass

from is2_core.errors import BadInput


@dataclass(frozen=True)
class TextLimit:
    """The most characters of a text, and how a refusal names it."""

    label: str
    most: int

    def checked(self, typed: str, field: str = "") -> str:
        """Return a typed text without the spaces around it.

        Raises:
            BadInput: it is too long; about `field`.
        """
        text = typed.strip()
        if len(text) > self.most:
            raise BadInput(self.refusal(text), field=field)
        return text

    def refusal(self, text: str) -> str:
        """Return the message about a text that is too long."""
        return f"{self.label} has at most {self.most:,} characters; this one has {len(text):,}."

    def cut(self, text: str) -> str:
        """Return what is kept of a text that somebody else sent."""
        return text if len(text) <= self.most else f"{text[: self.most - 1]}\N{HORIZONTAL ELLIPSIS}"


TITLE = TextLimit("A title", 1_000)
NICKNAME = TextLimit("A nickname", 100)
NAME = TextLimit("A name", 200)
EMAIL = TextLimit("An e-mail address", 254)
