"""Faults between a cart and its shop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class Fault(Enum):
    """One way in which a call goes wrong; the value describes it."""

    NO_BUDGET = "no budget left for this operation, so nothing was sent"
    TOO_MANY = "429 with Retry-After"
    TOO_MANY_BARE = "429 without Retry-After"
    BROKEN = "500"
    AWAY = "503"
    REFUSED = "400"
    UNAUTHORIZED = "401"
    FORBIDDEN = "403"
    HTML = "an HTML page with status 200"
    CUT = "an answer cut in half"
    DROPPED = "no answer, though the shop did what was asked"

    @property
    def asks_for_a_pause(self) -> bool:
        """Whether it says "not so fast"."""
        return self in (Fault.NO_BUDGET, Fault.TOO_MANY, Fault.TOO_MANY_BARE)

    @property
    def refuses(self) -> bool:
        """Whether it says that asking again as before will not help."""
        return self in (Fault.REFUSED, Fault.UNAUTHORIZED, Fault.FORBIDDEN)

    @property
    def spoils_the_body(self) -> bool:
        """Whether the answer comes with the status of a success and cannot be read."""
        return self in (Fault.HTML, Fault.CUT)

    @property
    def loses_the_answer(self) -> bool:
        """Whether a write may have been applied although no usable answer came back."""
        return self is Fault.DROPPED or self.spoils_the_body


@dataclass(frozen=True)
class Answer:
    """An HTTP answer as a test writes it."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


SPOKEN_NAME = "Planted Simbuyer"
SPOKEN_STREET = "77 Planted Lane"


def answer_of(fault: Fault, sent_headers: Mapping[str, str]) -> Answer:
    """The page that stands in the place of the shop's answer.

    Like many an error page of the real world it shows the request it is about, and a buyer's data: a cart that quotes
    it in a log line or a message gives both away.
    """
    shown = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in sent_headers.items())
    page = f"<html><body><h1>We are sorry</h1><dl>{shown}</dl><p>{SPOKEN_NAME}, {SPOKEN_STREET}</p></body></html>"
    headers = {"content-type": "text/html; charset=utf-8"}
    if fault is Fault.TOO_MANY:
        headers["retry-after"] = "7"
    said = {Fault.HTML: 200, Fault.TOO_MANY: 429, Fault.TOO_MANY_BARE: 429}
    status = said.get(fault) or int(fault.value)
    return Answer(status, page.encode(), headers)
