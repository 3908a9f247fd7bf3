"""An uploaded table of items beside a store's list: each item new, changed, the same or wrong. Pure."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from is2_core.errors import BadInput
from is2_core.items.sku_suggestions import KnownSkus
from is2_core.items.spoiled_cells import FALSES, TRUES
from is2_core.items.states import UnknownSku, mapped_answer
from is2_core.items.table_csv import ANSWERS, AS_SETTING, Line, TableItem
from is2_core.items.typed_items import MAX_SKU, checked_mappings, checked_sku, no_such_sku
from is2_core.text_limits import TITLE
from is2_core.whole_numbers import whole_number

# A spreadsheet writes true and false in its own language.
_YES = {"yes", "y", "1"} | TRUES
_NO = {"no", "n", "0"} | FALSES
_ANSWERS = {word: answer for answer, word in ANSWERS.items()}
_ANSWERED = {
    UnknownSku.AS_SET: "The store's setting says what becomes of it where the warehouse does not know it.",
    UnknownSku.HOLD: "Its orders are held where the warehouse does not know it.",
    UnknownSku.NOT_FROM_HERE: "It is not shipped from here: no inventory is sent for it any more.",
}


class What(StrEnum):
    """The effect of applying a row; a row with an error is left out."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    ERROR = "error"


@dataclass(frozen=True)
class PreviewRow:
    """One item of an uploaded table.

    Args:
        number: the line of the file the item begins at, the header being line 1.
        messages: why it cannot be applied, or what changes.
        warnings: what looks like a mistake, although it can be applied.
        item_id: the listed item, None where there is none yet.
    """

    number: int
    sku: str
    what: What
    messages: tuple[str, ...]
    title: str
    active: bool
    mappings: tuple[tuple[str, int], ...]
    warnings: tuple[str, ...] = ()
    item_id: int | None = None
    stock_changes: bool = False
    unknown_sku: str = UnknownSku.AS_SET
    answer_changes: bool = False
    latency: str = ""


@dataclass(frozen=True)
class Allowed:
    """Values a table may hold besides what people type: SKUs the cart itself has sent, doubtful as they look, and the
    latencies an item may have of its own, with their labels."""

    sent: Container[str] = ()
    latencies: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Listed:
    """An item as it is on the list now."""

    id: int
    item: TableItem


def plan_items(
    lines: Iterable[Line],
    listed: Mapping[str, Listed],
    warehouse_skus: Iterable[str],
    may: Allowed = Allowed(),
) -> tuple[PreviewRow, ...]:
    """Return the effect of each item of a file, in the file's order.

    Args:
        listed: the store's list, by cart SKU.
        warehouse_skus: all SKUs the warehouse has of the account.
    """
    known = KnownSkus(listed, close_only=True), KnownSkus(warehouse_skus, close_only=True)
    checks = _Checks(listed, *known, may)
    groups: dict[tuple[str, int], list[Line]] = {}
    for line in lines:
        # A SKU the cart itself lists or sends with a space around it is that SKU.
        sku = line.sku if line.sku in listed or line.sku in may.sent else line.sku.strip()
        # Lines without a SKU belong to nothing, also not to each other; nor do those of which nobody knows what the SKU
        # was: many SKUs end as the same text.
        alone = not sku or ("cart_sku" in line.spoiled and not checks.is_known(sku))
        groups.setdefault((sku, line.number if alone else 0), []).append(line)
    return tuple(checks.row(sku, group) for (sku, _), group in groups.items())


@dataclass(frozen=True)
class _Checks:
    listed: Mapping[str, Listed]
    listed_skus: KnownSkus
    warehouse_skus: KnownSkus
    may: Allowed

    def _latency(self, lines: Sequence[Line], before: Listed | None, errors: list[str]) -> str:
        said: dict[str, str] = {}
        for line in lines:
            typed = line.latency.strip().casefold()
            number = whole_number(typed)
            value = "" if typed == AS_SETTING else typed if number is None else str(number)
            if value in self.may.latencies or typed == AS_SETTING:
                said[value] = typed
            elif typed:
                choices = [AS_SETTING, *self.may.latencies]
                errors.append(
                    f'Line {line.number}: latency is not "{line.latency.strip()[:40]}" but a number of days up to '
                    f"{choices[-1]}, {' or '.join(word for word in choices if whole_number(word) is None)}."
                    if self.may.latencies
                    else f"Line {line.number}: this cart knows no latency."
                )
        if len(said) > 1:
            errors.append(f"Its lines have different latencies: {', '.join(said.values())}.")
        # An empty cell leaves it as it is.
        return next(iter(said), before.item.latency if before else "")

    def is_known(self, sku: str) -> bool:
        """Whether the store or the warehouse has this very SKU, however it looks."""
        return sku in self.listed_skus or sku in self.warehouse_skus or sku in self.may.sent

    def row(self, sku: str, lines: Sequence[Line]) -> PreviewRow:
        """The item that these lines of the file describe."""
        before = self.listed.get(sku)
        errors = [f"Line {line.number}: {line.problem}" for line in lines if line.problem]
        errors += self._spoiled(lines)
        title = self._title(lines, before, errors)
        active = self._active(lines, before, errors)
        latency = self._latency(lines, before, errors)
        mappings: dict[str, int] = {}
        try:
            if before is None and sku not in self.may.sent:
                checked_sku(sku)
            mappings = checked_mappings([(line.warehouse_sku, line.quantity) for line in lines], self.warehouse_skus)
        except BadInput as error:
            errors.append(error.message)
        errors += self._unknown(mappings)
        answer = self._answer(lines, before, mappings, errors)
        item = TableItem(sku, title, active, tuple(mappings.items()), answer, latency)
        if errors:
            return _row(lines, item, What.ERROR, tuple(errors), before)
        warnings = self._warnings(item, before, lines)
        if before is None:
            return _row(lines, item, What.NEW, (), before, warnings=warnings, stock_changes=True)
        changes = tuple(_changes(before.item, item, self.may.latencies))
        what = What.CHANGED if changes else What.SAME
        stock_changes = (
            dict(before.item.mappings) != mappings
            or (active and not before.item.active)
            or before.item.unknown_sku != answer
        )
        return _row(lines, item, what, changes, before, warnings=warnings, stock_changes=stock_changes)

    @staticmethod
    def _title(lines: Sequence[Line], before: Listed | None, errors: list[str]) -> str:
        typed = list(dict.fromkeys(line.title.strip() for line in lines if line.title.strip()))
        if len(typed) > 1:
            errors.append("Its lines have different titles.")
        errors += [TITLE.refusal(title) for title in typed if len(title) > TITLE.most]
        # An empty cell leaves the title as it is, and so does one that differs in outer spaces only.
        if before is not None and (not typed or typed[0] == before.item.title.strip()):
            return before.item.title
        return typed[0] if typed else ""

    @staticmethod
    def _active(lines: Sequence[Line], before: Listed | None, errors: list[str]) -> bool:
        said = set()
        for line in lines:
            word = line.active.strip().casefold()
            if word in _YES or word in _NO:
                said.add(word in _YES)
            elif word:
                errors.append(f'Line {line.number}: active must be yes or no, not "{line.active.strip()[:40]}".')
        if len(said) > 1:
            errors.append("Its lines say both yes and no for active.")
        return said.pop() if said else before is None or before.item.active

    @staticmethod
    def _answer(lines: Sequence[Line], before: Listed | None, mappings: Mapping[str, int], errors: list[str]) -> str:
        said: dict[str, None] = {}
        for line in lines:
            word = " ".join(re.split(r"[\s_-]+", line.unknown_sku.strip().casefold()))
            if word in _ANSWERS:
                said[_ANSWERS[word]] = None
            elif word:
                known, typed = " or ".join(_ANSWERS), line.unknown_sku.strip()[:40]
                errors.append(f'Line {line.number}: unknown_sku must be {known}, not "{typed}".')
        if len(said) > 1:
            errors.append("Its lines say different things for unknown_sku.")
        if said and mappings and UnknownSku.NOT_FROM_HERE in said:
            errors.append("It is mapped and said to be not shipped from here. Leave out one of the two.")
        if said:
            return next(iter(said))
        kept = before.item.unknown_sku if before else UnknownSku.AS_SET
        return mapped_answer(kept) if mappings else kept

    def _spoiled(self, lines: Sequence[Line]) -> Iterator[str]:
        for line in lines:
            for column, made in line.spoiled.items():
                sku = line.sku if column == "cart_sku" else line.warehouse_sku
                if not self.is_known(sku.strip()):
                    yield (
                        f"Line {line.number}: {sku.strip()[:MAX_SKU]} is {made}, as a spreadsheet writes it; the SKU "
                        "itself is lost. Have the column formatted as text and type the SKU again. Where this is the "
                        f'SKU, write it as ="{sku.strip()[:MAX_SKU]}".'
                    )

    def _unknown(self, mappings: dict[str, int]) -> Iterator[str]:
        for sku in mappings:
            if sku not in self.warehouse_skus:
                advice = "".join(
                    f" {suggestion.sku} {suggestion.reason}." for suggestion in self.warehouse_skus.similar(sku, 1)
                )
                yield no_such_sku(sku) + advice

    def _warnings(self, item: TableItem, before: Listed | None, lines: Sequence[Line]) -> tuple[str, ...]:
        found = []
        if before is None and len(lines) > 1 and item.sku.isdecimal() and not self.is_known(item.sku):
            numbers = ", ".join(str(line.number) for line in lines)
            found.append(
                f"Lines {numbers} make one bundle. Where a spreadsheet has dropped leading zeros, these were several "
                "SKUs."
            )
        if before is None:
            for suggestion in self.listed_skus.similar(item.sku, 1):
                found.append(
                    f"{suggestion.sku} is on the list already and {suggestion.reason}; this adds another item."
                )
        answered = item.unknown_sku == UnknownSku.NOT_FROM_HERE
        if not answered and not item.mappings and item.sku not in self.warehouse_skus:
            advice = "".join(
                f" {suggestion.sku} {suggestion.reason}." for suggestion in self.warehouse_skus.similar(item.sku, 1)
            )
            found.append(f"The warehouse has no SKU {item.sku}, and there is no mapping.{advice}")
        return tuple(found)


def _row(
    lines: Sequence[Line],
    item: TableItem,
    what: What,
    messages: tuple[str, ...],
    before: Listed | None,
    *,
    warnings: tuple[str, ...] = (),
    stock_changes: bool = False,
) -> PreviewRow:
    return PreviewRow(
        lines[0].number,
        item.sku,
        what,
        messages,
        item.title,
        item.active,
        item.mappings,
        warnings,
        before.id if before else None,
        stock_changes,
        item.unknown_sku,
        item.unknown_sku != (before.item.unknown_sku if before else UnknownSku.AS_SET),
        item.latency,
    )


def _changes(before: TableItem, after: TableItem, latencies: Mapping[str, str]) -> Iterator[str]:
    if after.title != before.title:
        yield f'Title: "{before.title}" becomes "{after.title}".'
    if after.active != before.active:
        yield "It is activated for sync." if after.active else "It is deactivated: its stock is no longer sent."
    if after.unknown_sku != before.unknown_sku:
        yield _ANSWERED[UnknownSku(after.unknown_sku)]
    if after.latency != before.latency:
        old, new = (latencies.get(entry.latency, "as the settings say") for entry in (before, after))
        yield f"Latency: {old} becomes {new}. It is sent with the next quantity."
    if dict(after.mappings) != dict(before.mappings):
        yield f"Mappings: {_listed(before.mappings)} becomes {_listed(after.mappings)}."


def _listed(mappings: Sequence[tuple[str, int]]) -> str:
    return " + ".join(f"{sku} \N{MULTIPLICATION SIGN} {quantity}" for sku, quantity in mappings) or "none"
