"""Tables of tens of thousands: applied in parts that nobody waits for, gone on with after a kill, progress shown."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core import faultpoints
from is2_core.accounts.scope import account_scope
from is2_core.errors import NotFound
from is2_core.items import custom_items, item_table
from is2_core.items.models import CartItem, ItemUpload
from is2_core.items.states import SeenInCart
from is2_core.items.table_csv import Line
from is2_core.items.table_parts import applied_message, items_of
from is2_core.jobs import HANDLERS
from is2_core.tasks import run as task_run
from is2_core.tasks.models import LEASE
from is2_core.tasks.runner import run_next
from tests.items.test_item_table import listed, upload, versions
from tests.items.test_item_table_page import HEADER, send, skus
from tests.support.panel import CHARLIE, Panel
from tests.support.world import World

PART = 20
MANY = 90


class Killed(BaseException):
    """The process is gone."""


@pytest.fixture
def store(world: World, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(item_table, "PART", PART)
    world.stock_up(units=10)
    store = world.connect()
    world.settle()
    return store


def rows(count: int = MANY, mapping: str = "LAMP-USB,2") -> list[str]:
    return [f"SKU-{number},,,{mapping}" for number in range(count)]


def kept(world: World, upload_id: int) -> ItemUpload:
    with world.platform.db.read() as session:
        return session.get_one(ItemUpload, upload_id)


@contextmanager
def killed_before(commit: int) -> Iterator[None]:
    """Kill the process before its so many-th commit."""
    hits = 0

    def strike(name: str) -> None:
        nonlocal hits
        hits += name == "commit.before"
        if hits == commit and name == "commit.before":
            raise Killed

    faultpoints.listen(strike)
    try:
        with pytest.raises(Killed):
            yield
    finally:
        faultpoints.listen(None)


def test_field_G5_a_long_table_is_applied_in_parts_with_its_progress(
    world: World, store: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload_id = upload(world, store, *rows(), "BAD,,perhaps,,").upload_id
    item_table.apply_later(world.platform, upload_id=upload_id, scope=account_scope(world.account))
    assert (kept(world, upload_id).items, kept(world, upload_id).items_done, listed(world, store)) == (91, 0, {})
    # A turn of the task that has time for its first part only.
    monkeypatch.setattr(task_run, "TIME_BUDGET", -LEASE)
    for done in (20, 40, 60, 80):
        assert run_next(world.platform, HANDLERS)
        row = kept(world, upload_id)
        assert (row.items_done, row.added, len(listed(world, store))) == (done, done, done)
    world.settle()
    row = kept(world, upload_id)
    assert (row.items_done, row.added, row.changed, row.left_out) == (91, 90, 0, 1)
    assert row.finished_at is not None
    assert applied_message(row) == (
        "90 items added. Orders that waited for them are being looked at again. 1 with errors was left out."
    )
    assert {tuple(parts.items()) for _, _, parts in listed(world, store).values()} == {(("LAMP-USB", 2),)}


@pytest.mark.parametrize("commit", [2, 4])
def test_field_G5_a_killed_table_is_gone_on_with_where_it_was(world: World, store: int, commit: int) -> None:
    upload_id = upload(world, store, *rows()).upload_id
    item_table.apply_later(world.platform, upload_id=upload_id, scope=account_scope(world.account))
    with killed_before(commit):
        while run_next(world.platform, HANDLERS):
            pass
    done = kept(world, upload_id).items_done
    assert done == len(listed(world, store)) < MANY, "what is written and how far it is are one commit"
    custom_items.remove_item(
        world.platform, item_id=world.add_item(store, "OTHER"), scope=account_scope(world.account)
    )  # others go on writing
    world.pass_time(minutes=LEASE.total_seconds() // 60 + 5)
    assert len(listed(world, store)) == MANY
    assert kept(world, upload_id).added == MANY
    assert set(versions(world).values()) == {1}, "nothing was written twice"


def test_field_G5_a_table_somebody_waits_for_is_applied_in_parts_too(world: World, store: int) -> None:
    upload_id = upload(world, store, *rows()).upload_id
    with killed_before(3):
        item_table.apply(world.platform, upload_id=upload_id, scope=account_scope(world.account))
    assert (kept(world, upload_id).items_done, len(listed(world, store))) == (40, 40)
    message = item_table.apply(world.platform, upload_id=upload_id, scope=account_scope(world.account))
    assert message.startswith("90 items added.")
    with pytest.raises(NotFound):
        item_table.apply(world.platform, upload_id=upload_id, scope=account_scope(world.account))


def test_field_G5_no_transaction_holds_more_than_a_part(
    world: World, store: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    most: list[int] = []

    def note(session: Session, *more: object) -> None:
        most.append(len(more[1]))  # type: ignore[arg-type]

    write_rows = item_table.write_rows

    def noted(session: Session, integration: object, plan: object, now: object) -> None:
        note(session, integration, plan)
        write_rows(session, integration, plan, now)  # type: ignore[arg-type]

    monkeypatch.setattr(item_table, "write_rows", noted)
    upload_id = upload(world, store, *rows()).upload_id
    item_table.apply(world.platform, upload_id=upload_id, scope=account_scope(world.account))
    assert most == [20, 20, 20, 20, 10]


def test_a_part_is_planned_by_what_the_list_is_by_then(world: World, store: int) -> None:
    upload_id = upload(world, store, *rows()).upload_id
    world.add_item(store, "SKU-80", ("LAMP-USB", "2"))
    world.add_item(store, "SKU-81", ("LAMP-USB", "3"))
    message = item_table.apply(world.platform, upload_id=upload_id, scope=account_scope(world.account))
    assert message.startswith("88 items added, 1 changed.")


def test_a_table_that_is_being_applied_may_be_stopped_and_survives_another_upload(world: World, store: int) -> None:
    upload_id = upload(world, store, *rows()).upload_id
    item_table.apply_later(world.platform, upload_id=upload_id, scope=account_scope(world.account))
    upload(world, store, "A,,,,")
    assert kept(world, upload_id).begun_at is not None
    item_table.drop(world.platform, upload_id=upload_id, scope=account_scope(world.account))
    world.settle()
    assert listed(world, store) == {}
    assert [task.state for task in world.tasks("items.apply")] == ["DONE"]


def test_applying_goes_on_while_the_integration_waits_for_a_person(world: World, store: int) -> None:
    with world.platform.db.write() as session:
        session.execute(sa.text("UPDATE integration SET state = 'PAUSED'"))
    upload_id = upload(world, store, *rows()).upload_id
    item_table.apply_later(world.platform, upload_id=upload_id, scope=account_scope(world.account))
    world.settle()
    assert len(listed(world, store)) == MANY


def test_the_lines_of_an_item_are_one_part_wherever_they_stand() -> None:
    lines = [Line(number, sku, "", "", "", "") for number, sku in enumerate("ABAC", start=2)]
    assert [[line.number for line in item] for item in items_of(lines)] == [[2, 4], [3], [5]]


def test_field_G5_the_page_shows_how_far_it_is(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(item_table, "AT_ONCE", 2)
    monkeypatch.setattr(item_table, "PART", 1)
    browser, page = send(panel, HEADER + "NIGHT,,,,\r\nDAY,,,,\r\nBAD,,perhaps,,\r\n")
    address = page.path
    page = browser.press("Apply")
    assert page.path == address
    assert "0 of 3 items are in place." in page.text
    assert page.soup.find("meta", {"http-equiv": "refresh"}) is not None
    assert panel.browser(CHARLIE).get(address).status == 404
    while run_next(panel.platform, HANDLERS):
        pass
    page = browser.get(address)
    assert "2 items added." in page.text and "1 with errors was left out." in page.text
    assert page.soup.find("meta", {"http-equiv": "refresh"}) is None
    assert {"NIGHT", "DAY"} <= skus(panel)


def test_a_table_is_stopped_on_its_page(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(item_table, "AT_ONCE", 1)
    browser, _ = send(panel, HEADER + "NIGHT,,,,\r\nDAY,,,,\r\n")
    browser.press("Apply")
    assert "The table was stopped; what was in place stays." in browser.press("Stop here").messages
    assert not {"NIGHT", "DAY"} & skus(panel)


def test_a_carts_own_list_is_stored_in_parts_too(world: World, store: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(custom_items, "PART", 10)
    sizes: list[int] = []
    upsert = world.platform.db.upsert_from_cart

    def noted(session: Session, model: type[CartItem], rows: list[dict[str, object]]) -> object:
        sizes.append(len(rows))
        return upsert(session, model, rows)

    monkeypatch.setattr(world.platform.db, "upsert_from_cart", noted)
    for seen in ({f"S{number}": (f"Item {number}", "") for number in range(25)}, {"S1": ("One", "")}):
        custom_items._keep_list(world.platform, store, account_scope(world.account), seen)
    with world.platform.db.read() as session:
        shown = dict(session.execute(sa.select(CartItem.sku, CartItem.seen_in_cart)).all())
    assert sizes == [10, 10, 5, 1]
    assert {sku for sku, how in shown.items() if how == SeenInCart.YES} == {"S1"}
    assert {shown[f"S{number}"] for number in range(2, 25)} == {SeenInCart.NO}
