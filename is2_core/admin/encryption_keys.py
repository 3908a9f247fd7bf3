"""Rotating the encryption keys while all runs, and finding out which of them are still needed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import sqlalchemy as sa

from is2_core.audit import Act, record
from is2_core.crypto import CannotOpen, Keyring, UnknownKey, key_id_of
from is2_core.db.metadata import metadata
from is2_core.db.models import UnsealedText
from is2_core.db.reseal import all_steps, reseal, rows_with_keys, sealed_columns
from is2_core.db.types import keyring, seal_mark
from is2_core.errors import BadInput, CannotStart
from is2_core.platform import Platform
from is2_core.settings.key_providers import KeyFile

_BATCH = 500
# How often all is sealed again for what processes with older keys have sealed meanwhile.
PASSES = 6


@dataclass
class KeyReport:
    """The stored values by the keys they are sealed with.

    Args:
        counts: how many values each key has sealed.
        closed: values that do not open, each as "table.column of row: problem".
        unsealed: texts of an earlier release that wait to be sealed.
    """

    counts: Counter[str] = field(default_factory=Counter)
    closed: list[str] = field(default_factory=list)
    unsealed: int = 0


def check_keys(platform: Platform) -> KeyReport:
    """Open every stored value, in slices, beside whatever runs."""
    report = KeyReport()
    for column in sealed_columns(metadata):
        query = rows_with_keys(column).where(column.is_not(None))
        row_key, after = query.selected_columns[0], None
        is_further = True
        while is_further:
            part = query if after is None else query.where(row_key > after)
            with platform.db.read() as session:
                rows = session.execute(part.order_by(row_key).limit(_BATCH)).all()
            for place, value, *key in rows:
                report.counts[key_id_of(value.text)] += 1
                try:
                    value.open(*key)
                except (CannotOpen, UnknownKey) as error:
                    report.closed.append(f"{column} of row {place}: {error}")
            is_further = len(rows) == _BATCH
            after = rows[-1][0] if rows else None
    with platform.db.read() as session:
        report.unsealed = session.scalars(sa.select(sa.func.count()).select_from(UnsealedText)).one()
    return report


def remaining_values(platform: Platform) -> int:
    """Count the values that the first key did not seal."""
    mark, count = seal_mark(), 0
    with platform.db.read() as session:
        for column in sealed_columns(metadata):
            text: sa.ColumnElement[Any] = sa.type_coerce(column, sa.Text)
            found = sa.select(sa.func.count()).where(column.is_not(None), sa.func.substr(text, 1, len(mark)) != mark)
            count += session.scalars(found).one()
    return count


def add_key(platform: Platform, key_id: str) -> None:
    """Put a new key in front of those in the file that `IS2_ENCRYPTION_KEYS_FILE` names. The processes that read that
    file have it within ten seconds, and at once where they meet a value it has sealed.

    Raises:
        BadInput: there is a key of that name.
        CannotStart: the keys are in no file, or it cannot be written.
    """
    source = platform.config.keys
    if source is None or not isinstance(source.provider, KeyFile):
        raise CannotStart(
            "The keys are in no file: make one with `is2 keys generate`, put it in front where they are, restart all "
            "processes, and run `is2 keys rotate`"
        )
    if key_id in source.keyring().keys:
        raise BadInput(f"There is a key named {key_id} already.", field="new")
    before = source.keyring().current
    with platform.db.write() as session:
        # First, so that no key is there of which the log does not tell.
        record(session, Act.KEY_ADDED, subject=f"key {key_id}", before={"seals": before}, after={"seals": key_id})
    try:
        source.provider.put_in_front(Keyring.generate(key_id))
    except OSError as error:
        raise CannotStart(f"IS2_ENCRYPTION_KEYS_FILE: {source.provider.path}: {error.strerror}") from error
    source.renewed(source.keyring())


def rotate(platform: Platform, tell: Callable[[int, int], None], pause: Callable[[], None]) -> int:
    """Seal everything with the first key, again until nothing older is left; returns how many values stay older.

    A run that was killed is begun again: what is done is not found again.

    Args:
        tell: is told how many values are done, and of how many.
        pause: waits until running processes have asked for their keys again.
    """
    total = remaining_values(platform)
    left, done = total, 0
    for _ in range(PASSES):
        done += reseal(platform.db.write, all_steps(), tell=partial(_tell_further, tell, done, total))
        # Whoever had older keys when this began has the new ones after that.
        pause()
        left = remaining_values(platform)
        if not left:
            break
    with platform.db.write() as session:
        record(
            session,
            Act.KEYS_ROTATED,
            subject=f"key {keyring().current}",
            before={"older values": total},
            after={"older values": left},
        )
    return left


def _tell_further(tell: Callable[[int, int], None], before: int, total: int, changed: int) -> None:
    if changed:
        tell(before + changed, max(total, before + changed))
