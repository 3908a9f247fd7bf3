"""The item list of a store as a table: downloaded, changed in a spreadsheet, previewed and applied.

A table adds and changes items; what it does not name stays as it is. A long one is applied in parts, each of them
planned again and written in one transaction with how far it came: what a killed process leaves is gone on with.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from is2_core.accounts.access import owned, owned_integration
from is2_core.accounts.models import Integration
from is2_core.accounts.scope import ChangeScope, Scope, account_scope
from is2_core.carts.latency import latency_choices
from is2_core.errors import BadInput, Conflict, NotFound
from is2_core.items import custom_items
from is2_core.items.activity import note_sold
from is2_core.items.known_skus import known_among, known_skus, learn_missing
from is2_core.items.models import ItemUpload
from is2_core.items.table_csv import Line, decode, read_table, write_table
from is2_core.items.table_parts import (
    PART,
    Items,
    applied_message,
    items_of,
    listed_items as _listed,
    lock_items,
    write_rows,
)
from is2_core.items.table_plan import Allowed, PreviewRow, What, plan_items
from is2_core.platform import Platform
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.queue import NOW, enqueue
from is2_core.tasks.run import TaskRun

AT_ONCE = 2_000
"""Items that are applied while a person waits; more of them are left to a task."""
# Of an integration, those of these cart SKUs that look doubtful and that the cart itself has sent on orders.
Sent = Callable[[Session, int, Collection[str]], set[str]]


def nothing_sent(session: Session, integration_id: int, skus: Collection[str]) -> set[str]:
    """Return none, for a file that holds what people type only."""
    return set()


@dataclass(frozen=True)
class Preview:
    """The effect an uploaded table would have on the list as it is now."""

    upload_id: int
    integration_id: int
    rows: tuple[PreviewRow, ...]

    def count(self, what: What) -> int:
        """How many rows are new, changed, the same or wrong."""
        return sum(row.what is what for row in self.rows)

    @property
    def new(self) -> int:
        """Items that would be added."""
        return self.count(What.NEW)

    @property
    def changed(self) -> int:
        """Items that would be changed."""
        return self.count(What.CHANGED)

    @property
    def same(self) -> int:
        """Items that are like that already."""
        return self.count(What.SAME)

    @property
    def errors(self) -> int:
        """Items that would be left out."""
        return self.count(What.ERROR)


def download(platform: Platform, *, integration_id: int, scope: Scope) -> str:
    """The item list as CSV text, see `table_csv`."""
    with platform.db.read() as session:
        owned_integration(session, integration_id, scope)
        listed = _listed(session, integration_id)
    return write_table(entry.item for entry in listed.values())


def preview(
    platform: Platform,
    *,
    integration_id: int,
    scope: ChangeScope,
    user_id: int,
    content: bytes,
    sent: Sent = nothing_sent,
) -> Preview:
    """Keep an uploaded file and say what it would do; an earlier one of this user for this store is dropped.

    Args:
        sent: which SKUs the cart itself has sent; here and below.

    Raises:
        BadInput: the file as a whole cannot be read.
    """
    text = decode(content)
    lines = read_table(text)
    if not lines:
        raise BadInput("The file has a header but no items.", field="file")
    with platform.db.read() as session:
        integration = owned_integration(session, integration_id, scope)
    learn_missing(platform, integration, {line.warehouse_sku or line.sku for line in lines})
    # Before anything is written: SQLite has one write lock, and a plan of many lines takes its time.
    with platform.db.read() as session:
        integration = owned_integration(session, integration_id, scope)
        planned = _planned(session, integration, lines, _rules(platform, integration, sent))
    with platform.db.write() as session:
        owned_integration(session, integration_id, scope)
        upload = ItemUpload(
            account_id=integration.account_id,
            integration_id=integration_id,
            user_id=user_id,
            content=text,
            items=len(items_of(lines)),
            at=platform.clock.now(),
        )
        session.add(upload)
        session.flush()
        # Only now, or SQLite gives the new one the number of the old, which another window may still show. One that is
        # being applied goes on.
        session.execute(
            sa.delete(ItemUpload).where(
                ItemUpload.integration_id == integration_id,
                ItemUpload.user_id == user_id,
                ItemUpload.id != upload.id,
                sa.or_(ItemUpload.begun_at.is_(None), ItemUpload.finished_at.is_not(None)),
            )
        )
        return Preview(upload.id, integration_id, planned)


def read_preview(platform: Platform, *, upload_id: int, scope: Scope, sent: Sent = nothing_sent) -> Preview:
    """Return the effect a kept file would have now."""
    with platform.db.read() as session:
        upload = owned(session, ItemUpload, upload_id, scope)
        integration = owned_integration(session, upload.integration_id, scope)
        return Preview(
            upload.id,
            integration.id,
            _planned(session, integration, read_table(upload.content), _rules(platform, integration, sent)),
        )


def apply(platform: Platform, *, upload_id: int, scope: ChangeScope, sent: Sent = nothing_sent) -> str:
    """Write every row of a kept file that has no error; returns a message.

    Up to `PART` items are written all or none. Rows are checked again: what became wrong since the preview is left
    out and counted.

    Raises:
        Conflict: the list was changed at the very same moment; what was written before stays.
    """
    items = _items(platform, upload_id, scope)
    try:
        while True:
            with platform.db.write() as session:
                upload = _apply_part(
                    platform, session, owned(session, ItemUpload, upload_id, scope, lock=True), items, sent
                )
                if upload.finished_at is not None:
                    message = applied_message(upload)
                    session.delete(upload)
                    return message
    except IntegrityError as error:
        raise Conflict("Somebody changed the list at this moment. Look at the preview again.") from error


def apply_later(platform: Platform, *, upload_id: int, scope: ChangeScope) -> None:
    """Have a task write a kept file; its row tells how far that is, and stays for a day with what came of it."""
    with platform.db.write() as session:
        upload = owned(session, ItemUpload, upload_id, scope, lock=True)
        now = platform.clock.now()
        upload.begun_at = upload.begun_at or now
        # Of the account: an integration that waits for a person keeps nobody from its item list.
        enqueue(
            session,
            kind=TaskKind.ITEMS_APPLY,
            account_id=upload.account_id,
            now=now,
            priority=NOW,
            key=str(upload_id),
            payload={"upload_id": upload_id},
        )


def apply_kept(platform: Platform, run: TaskRun, *, sent: Sent = nothing_sent) -> None:
    """Task `items.apply`: write a kept file, part by part, from where the run before came to."""
    assert run.account_id is not None
    upload_id, scope = run.payload["upload_id"], account_scope(run.account_id)
    try:
        items = _items(platform, upload_id, scope)
    except NotFound:
        # Dropped meanwhile, or applied by somebody who waited for it.
        return
    while run.has_time():
        with run.write() as session:
            upload = _apply_part(
                platform, session, owned(session, ItemUpload, upload_id, scope, lock=True), items, sent
            )
            if upload.finished_at is not None:
                run.finish(session)
                return


def _items(platform: Platform, upload_id: int, scope: Scope) -> Items:
    with platform.db.read() as session:
        content = owned(session, ItemUpload, upload_id, scope).content
    return items_of(read_table(content))


def _apply_part(platform: Platform, session: Session, upload: ItemUpload, items: Items, sent: Sent) -> ItemUpload:
    """Write the next items of a kept file; returns its row, finished where they were the last.

    Args:
        upload: the file's row, locked.
        items: all of the file.
    """
    integration = session.get_one(Integration, upload.integration_id)
    part = items[upload.items_done : upload.items_done + PART]
    lines = [line for item in part for line in item]
    named = {sku for line in lines for sku in (line.sku, line.sku.strip())}
    lock_items(session, integration.id, named)
    # Of a file that is one part the whole list is read; of a longer one only what each part names.
    skus = None if part == items else named
    now = platform.clock.now()
    rows = _planned(session, integration, lines, _rules(platform, integration, sent), skus)
    write_rows(session, integration, rows, now)
    note_sold(session, integration, [row.sku for row in rows if row.answer_changes], platform)
    plan = Preview(upload.id, integration.id, rows)
    upload.begun_at = upload.begun_at or now
    upload.items_done += len(part)
    upload.added, upload.changed = upload.added + plan.new, upload.changed + plan.changed
    upload.left_out += plan.errors
    session.flush()
    if upload.items_done >= len(items):
        upload.finished_at, upload.content = now, ""
        if upload.added or upload.changed:
            custom_items.review(platform, session, integration)
    return upload


def drop(platform: Platform, *, upload_id: int, scope: ChangeScope) -> None:
    """Forget a kept file; nothing more of it is applied."""
    with platform.db.write() as session:
        session.delete(owned(session, ItemUpload, upload_id, scope, lock=True))


@dataclass(frozen=True)
class _Rules:
    sent: Sent
    latencies: Mapping[str, str]


def _rules(platform: Platform, integration: Integration, sent: Sent) -> _Rules:
    return _Rules(sent, latency_choices(platform.carts.manifest(integration.cart)))


def _planned(
    session: Session,
    integration: Integration,
    lines: Sequence[Line],
    rules: _Rules,
    skus: Collection[str] | None = None,
) -> tuple[PreviewRow, ...]:
    """The plan of these lines.

    Args:
        skus: their cart SKUs, where what is like them on the list or in the warehouse does not matter.
    """
    account_id, target = integration.account_id, integration.wms_target
    may = Allowed(rules.sent(session, integration.id, {line.sku for line in lines}), rules.latencies)
    if skus is None:
        known = session.scalars(known_skus(session, account_id, target))
        return plan_items(lines, _listed(session, integration.id), known, may)
    named = {*skus, *(sku for line in lines for sku in (line.warehouse_sku, line.warehouse_sku.strip()))}
    here = known_among(session, account_id, named, target)
    return plan_items(lines, _listed(session, integration.id, skus), here, may)
