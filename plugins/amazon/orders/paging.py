"""The page token of the order listing: Amazon's own token and what is needed to use it safely.

Amazon wants every other parameter repeated unchanged with its token, and its listings have been seen to hand out the
same page again and again under new tokens. So ours also carries a fingerprint of the query and one of the page before.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace

from plugins.interface import PageExpired

# Listings have been seen to go round in circles of more than one page.
_PAGES_KEPT = 5
EMPTY_MAX = 500
"""So many pages without orders may come one after the other: about what the published rate allows in the 24 hours a
token lives. A filter may empty many, where Amazon applies it to pages cut before; a listing of nothing else is none."""


@dataclass(frozen=True)
class Bookmark:
    """Where a listing goes on.

    Args:
        token: Amazon's `pagination.nextToken`.
        query: fingerprint of the parameters the token belongs to.
        before: fingerprints of the order ids of the last pages, the one that gave the token at the end; pages without
            orders have none.
        empty: how many pages without orders came one after the other before it.
        essential: whether Amazon gave only the essential datasets there, so that the rest is not asked for again.
    """

    token: str
    query: str
    before: tuple[str, ...]
    empty: int = 0
    essential: bool = False

    def after(self, this_page: str) -> Bookmark:
        """Return the next bookmark of the listing, after a page of this fingerprint."""
        if not this_page:
            return replace(self, empty=self.empty + 1)
        return replace(self, before=(*self.before, this_page)[-_PAGES_KEPT:], empty=0)

    def encode(self) -> str:
        """The opaque text handed to the core."""
        return base64.urlsafe_b64encode(json.dumps(asdict(self)).encode()).decode("ascii")

    @classmethod
    def decode(cls, page: str) -> Bookmark:
        """The bookmark in a text made by `encode`.

        Raises:
            PageExpired: it is none, as after an update that changed its form.
        """
        try:
            fields = json.loads(base64.urlsafe_b64decode(page.encode("ascii")))
            if not isinstance(fields["before"], list):
                raise TypeError("no list of pages")
            return cls(**{**fields, "before": tuple(fields["before"])})
        except (LookupError, ValueError, TypeError) as error:
            raise PageExpired("The listing is read again from its start.", detail="unreadable page token") from error


def query_fingerprint(params: Mapping[str, str]) -> str:
    """A short text that differs where any parameter does."""
    return _digest(json.dumps(sorted(params.items())))


def page_fingerprint(order_ids: Iterable[str]) -> str:
    """A short text that differs where a page holds other orders; "" where it holds none."""
    ids = sorted(order_ids)
    return _digest("\n".join(ids)) if ids else ""


def _digest(content: str) -> str:
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:16]
