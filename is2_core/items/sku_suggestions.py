"""Which known SKUs a SKU that matches none was probably meant to be, each with the reason. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

_NOT_WORD = re.compile(r"[\W_]+")
_LEADING_ZEROS = re.compile(r"(?<!\d)0+(?=\d)")
# Endings and beginnings that merchants give a cart SKU to tell who ships it, or that it is sold twice.
_TAG = re.compile(r"^(fba|fbm|mfn|sfp|new|used|amz|amazon)[\W_]+|[\W_]+(fba|fbm|mfn|sfp|new|used|amz|amazon)$")
# Shorter ones are one letter away from half of the alphabet.
_SHORTEST_FOR_ONE_LETTER = 4


@dataclass(frozen=True)
class SkuSuggestion:
    """A known SKU that is close, and in what it differs."""

    sku: str
    reason: str


def _folded(sku: str) -> str:
    return sku.strip().casefold()


def _without_zeros(sku: str) -> str:
    return _LEADING_ZEROS.sub("", _folded(sku))


def _letters(sku: str) -> str:
    return _NOT_WORD.sub("", _without_zeros(sku))


def _untagged(sku: str) -> str:
    return _NOT_WORD.sub("", _TAG.sub("", _without_zeros(sku)))


# From the closest on: what is left out of account, and what to call it.
_VIEWS: tuple[tuple[Callable[[str], str], str], ...] = (
    (_folded, "differs only in upper and lower case"),
    (_without_zeros, "differs only in leading zeros"),
    (_letters, "differs only in spaces and signs"),
    (_untagged, "differs only in a tag such as -FBM"),
)


class KnownSkus:
    """Known SKUs, prepared once for many questions.

    Args:
        close_only: do not look for what differs in a letter: near enough to warn, too far for a table of thousands.
    """

    def __init__(self, known: Iterable[str], *, close_only: bool = False) -> None:
        self._known = set(known)
        views = _VIEWS[:2] if close_only else _VIEWS
        self._views: list[tuple[Callable[[str], str], str, dict[str, list[str]]]] = []
        for view, reason in views:
            same: dict[str, list[str]] = {}
            for sku in sorted(self._known):
                same.setdefault(view(sku), []).append(sku)
            self._views.append((view, reason, same))
        self._by_length: dict[int, list[tuple[str, str]]] = {}
        if not close_only:
            for sku in sorted(self._known):
                self._by_length.setdefault(len(_folded(sku)), []).append((_folded(sku), sku))

    def __contains__(self, sku: object) -> bool:
        return sku in self._known

    def similar(self, sku: str, most: int = 3) -> tuple[SkuSuggestion, ...]:
        """The closest known SKUs, closest first; none where the SKU itself is known."""
        if sku in self._known:
            return ()
        found: dict[str, SkuSuggestion] = {}
        for view, reason, same in self._views:
            # Nothing of it may be left but signs; that is no likeness.
            key = view(sku)
            for name in same.get(key, ()) if key else ():
                found.setdefault(name, SkuSuggestion(name, reason))
        folded = _folded(sku)
        if len(found) < most:
            for length in (len(folded), len(folded) - 1, len(folded) + 1):
                far = min(length, len(folded)) < _SHORTEST_FOR_ONE_LETTER
                for other, name in () if far else self._by_length.get(length, ()):
                    if name not in found and _one_edit(folded, other):
                        found[name] = SkuSuggestion(name, "differs only in one character")
        return tuple(found.values())[:most]


def _one_edit(one: str, other: str) -> bool:
    """Whether one character added, left out, changed, or swapped with its neighbor makes the two the same."""
    if len(one) > len(other):
        one, other = other, one
    start = next((n for n, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), len(one))
    if len(one) != len(other):
        return one[start:] == other[start + 1 :]
    return one[start + 1 :] == other[start + 1 :] or (
        one[start : start + 2] == other[start : start + 2][::-1] and one[start + 2 :] == other[start + 2 :]
    )
