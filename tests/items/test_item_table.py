"""The item list as a table: previewed, applied whole, and the same after a round trip."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from is2_core.accounts import users
from is2_core.accounts.scope import account_scope
from is2_core.errors import BadInput, Conflict, NotFound
from is2_core.items import custom_items, item_table
from is2_core.items.models import CartItem, ItemUpload, Mapping
from is2_core.items.table_parts import PART
from is2_core.items.table_plan import What
from is2_core.orders.importing.sent_skus import odd_skus
from tests.support.world import World

HEADER = "cart_sku,title,active,warehouse_sku,quantity"
TIMES = "\N{MULTIPLICATION SIGN}"


@pytest.fixture
def store(world: World) -> int:
    world.stock_up(units=10)
    return world.connect()


def table(*lines: str) -> bytes:
    return "\r\n".join([HEADER, *lines]).encode()


def upload(world: World, store: int, *lines: str) -> item_table.Preview:
    return item_table.preview(
        world.platform,
        integration_id=store,
        scope=account_scope(world.account),
        user_id=world.owner,
        content=table(*lines),
    )


def applied(world: World, store: int, *lines: str) -> str:
    return item_table.apply(
        world.platform, upload_id=upload(world, store, *lines).upload_id, scope=account_scope(world.account)
    )


def listed(world: World, store: int) -> dict[str, tuple[str, bool, dict[str, int]]]:
    with world.platform.db.read() as session:
        return {
            row.sku: (row.title, row.active, {part.warehouse_sku: part.quantity for part in row.mappings})
            for row in session.scalars(sa.select(CartItem).where(CartItem.integration_id == store))
        }


def versions(world: World) -> dict[str, int]:
    with world.platform.db.read() as session:
        return dict(session.execute(sa.select(CartItem.sku, CartItem.due_version)).all())


def uploads(world: World) -> int:
    with world.platform.db.read() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(ItemUpload)) or 0


def test_items_are_added_with_bundles_over_several_lines(world: World, store: int) -> None:
    preview = upload(
        world,
        store,
        "CAMP,Camp set,yes,LAMP-USB,2",
        'TENT-2P,"Tent, two persons",no,,',
        "CAMP,,,STOVE-MINI,1",
        '="000123",,,,',
    )
    assert [(row.number, row.sku, row.what) for row in preview.rows] == [
        (2, "CAMP", What.NEW),
        (3, "TENT-2P", What.NEW),
        (5, "000123", What.NEW),
    ]
    assert (preview.new, preview.changed, preview.same, preview.errors) == (3, 0, 0, 0)
    assert listed(world, store) == {}
    message = item_table.apply(world.platform, upload_id=preview.upload_id, scope=account_scope(world.account))
    assert message == "3 items added. Orders that waited for them are being looked at again."
    assert listed(world, store) == {
        "CAMP": ("Camp set", True, {"LAMP-USB": 2, "STOVE-MINI": 1}),
        "TENT-2P": ("Tent, two persons", False, {}),
        "000123": ("", True, {}),
    }
    assert uploads(world) == 0
    assert world.tasks("orders.review")[0].state == "READY"


def test_what_changes_is_said_and_what_is_the_same_is_left(world: World, store: int) -> None:
    world.add_item(store, "CAMP", ("LAMP-USB", "2"))
    world.add_item(store, "TENT-2P")
    world.add_item(store, "QUIET")
    before = versions(world)
    preview = upload(world, store, "CAMP,Camp set,yes,STOVE-MINI,1", "TENT-2P,,yes,,", "QUIET,,no,,")
    what = {row.sku: (row.what, row.messages) for row in preview.rows}
    assert what["CAMP"] == (
        What.CHANGED,
        ('Title: "" becomes "Camp set".', f"Mappings: LAMP-USB {TIMES} 2 becomes STOVE-MINI {TIMES} 1."),
    )
    assert what["TENT-2P"] == (What.SAME, ())
    assert what["QUIET"] == (What.CHANGED, ("It is deactivated: its stock is no longer sent.",))
    item_table.apply(world.platform, upload_id=preview.upload_id, scope=account_scope(world.account))
    assert listed(world, store)["CAMP"] == ("Camp set", True, {"STOVE-MINI": 1})
    after = versions(world)
    assert {sku for sku in after if after[sku] > before[sku]} == {"CAMP"}, "its stock is due, the others' is not"


def test_an_activated_item_is_due(world: World, store: int) -> None:
    applied(world, store, "TENT-2P,,no,,")
    before = versions(world)
    assert applied(world, store, "TENT-2P,,yes,,").startswith("1 changed.")
    assert versions(world)["TENT-2P"] > before["TENT-2P"]


def test_items_the_table_does_not_name_and_empty_cells_change_nothing(world: World, store: int) -> None:
    applied(world, store, "CAMP,Camp set,no,LAMP-USB,2", "TENT-2P,Tent,yes,,")
    before = listed(world, store)
    assert applied(world, store, "CAMP,,,LAMP-USB,2") == "Nothing was to be changed."
    assert listed(world, store) == before


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ((",Tent,yes,,",), "exactly as it is in the cart"),
        (("x" * 101 + ",,,,",), "at most 100 printable characters"),
        (("A,,perhaps,,",), 'Line 2: active must be yes or no, not "perhaps".'),
        (("A,,yes,LAMP-USB,1", "A,,no,STOVE-MINI,1"), "both yes and no"),
        (("A,One,,LAMP-USB,1", "A,Two,,STOVE-MINI,1"), "different titles"),
        (("A,,,LAMP-USB,1", "A,,,LAMP-USB,2"), "LAMP-USB stands twice"),
        (("A,,,LAMP-USB,0",), "whole number from 1"),
        (("A,,,LAMP-USB,1.5",), "whole number from 1"),
        (("A,,,,3",), "a quantity but no warehouse SKU"),
        (("A,,,NOWHERE,1",), "The warehouse has no SKU NOWHERE in this account."),
        (("A,,,lamp-usb,1",), "no SKU lamp-usb in this account. LAMP-USB differs only in upper and lower case."),
        (("A,,,123,1",), "no SKU 123 in this account. 000123 differs only in leading zeros."),
        (("A,,,,,surplus",), "Line 2: This line has more cells"),
    ],
)
def test_a_wrong_item_is_left_out_whole_and_the_others_are_applied(
    world: World, store: int, lines: tuple[str, ...], words: str
) -> None:
    preview = upload(world, store, *lines, "TENT-2P,,,,")
    wrong, right = preview.rows
    assert (wrong.what, right.what) == (What.ERROR, What.NEW)
    assert words in " ".join(wrong.messages)
    message = item_table.apply(world.platform, upload_id=preview.upload_id, scope=account_scope(world.account))
    assert message.endswith("1 with errors was left out.")
    assert listed(world, store).keys() == {"TENT-2P"}


@pytest.mark.parametrize(
    ("sku", "words"),
    [
        ("123", "000123 is on the list already and differs only in leading zeros; this adds another item."),
        ("tent-2p", "TENT-2P is on the list already and differs only in upper and lower case"),
        ("stove-mini", "The warehouse has no SKU stove-mini, and there is no mapping. STOVE-MINI differs only in"),
        ("CANOE", "The warehouse has no SKU CANOE, and there is no mapping."),
    ],
)
def test_what_looks_like_a_mistake_is_warned_of(world: World, store: int, sku: str, words: str) -> None:
    world.add_item(store, "000123")
    world.add_item(store, "TENT-2P")
    (row,) = upload(world, store, f"{sku},,,,").rows
    assert row.what is What.NEW
    assert any(words in warning for warning in row.warnings), row.warnings
    (row,) = upload(world, store, "LAMP-USB,,,,").rows
    assert row.warnings == ()


def test_a_round_trip_is_the_identity(world: World, store: int) -> None:
    odd = ["000123", "1-2", "1E5", "=1+1", "-5", "'=x", 'quo"te', "semi;colon", "Mug Blue 12oz", "März 1", "TRUE"]
    for sku in odd:
        world.add_item(store, sku, ("LAMP-USB", "2"), ("000123", "1"))
    world.add_item(store, "TENT-2P")
    custom_items.add_custom_item(
        world.platform,
        integration_id=store,
        scope=account_scope(world.account),
        sku="Z",
        title='=A1, "x"',
        active=False,
    )
    before = listed(world, store)
    content = item_table.download(world.platform, integration_id=store, scope=account_scope(world.account))
    again = item_table.preview(
        world.platform,
        integration_id=store,
        scope=account_scope(world.account),
        user_id=world.owner,
        content=content.encode("utf-8-sig"),
    )
    assert {row.what for row in again.rows} == {What.SAME}
    with world.platform.db.write() as session:
        session.execute(sa.delete(Mapping))
        session.execute(sa.delete(CartItem))
    item_table.apply(world.platform, upload_id=again.upload_id, scope=account_scope(world.account))
    assert listed(world, store) == before
    assert item_table.download(world.platform, integration_id=store, scope=account_scope(world.account)) == content


def test_rows_are_checked_again_when_they_are_applied(world: World, store: int) -> None:
    item_id = world.add_item(store, "CAMP")
    preview = upload(world, store, "CAMP,New,,,", "TENT-2P,,,LAMP-USB,1")
    custom_items.remove_item(world.platform, item_id=item_id, scope=account_scope(world.account))
    world.add_item(store, "TENT-2P", ("LAMP-USB", "1"))
    again = item_table.read_preview(world.platform, upload_id=preview.upload_id, scope=account_scope(world.account))
    assert [row.what for row in again.rows] == [What.NEW, What.SAME]
    item_table.apply(world.platform, upload_id=preview.upload_id, scope=account_scope(world.account))
    assert listed(world, store)["CAMP"] == ("New", True, {})


def test_an_upload_is_applied_once_or_dropped(world: World, store: int) -> None:
    preview = upload(world, store, "A,,,,")
    upload(world, store, "B,,,,")
    assert uploads(world) == 1, "a newer one takes its place"
    with pytest.raises(NotFound):
        item_table.apply(world.platform, upload_id=preview.upload_id, scope=account_scope(world.account))
    latest = upload(world, store, "C,,,,")
    item_table.drop(world.platform, upload_id=latest.upload_id, scope=account_scope(world.account))
    assert (uploads(world), listed(world, store)) == (0, {})
    with pytest.raises(NotFound):
        item_table.drop(world.platform, upload_id=latest.upload_id, scope=account_scope(world.account))


def test_nothing_is_kept_of_a_file_that_cannot_be_read(world: World, store: int) -> None:
    for lines in ((), ("A,,,,", 'B,"')):
        with pytest.raises(BadInput):
            upload(world, store, *lines)
    assert uploads(world) == 0


def test_another_account_has_no_part_in_it(world: World, store: int) -> None:
    preview = upload(world, store, "A,,,,")
    other = users.create_account(world.platform, "Contoso")
    stolen = {"upload_id": preview.upload_id, "scope": account_scope(other)}
    for attempt in (item_table.read_preview, item_table.apply, item_table.drop):
        with pytest.raises(NotFound):
            attempt(world.platform, **stolen)
    with pytest.raises(NotFound):
        item_table.download(world.platform, integration_id=store, scope=account_scope(other))
    with pytest.raises(NotFound):
        item_table.preview(
            world.platform,
            integration_id=store,
            scope=account_scope(other),
            user_id=world.owner,
            content=table("A,,,,"),
        )
    assert (uploads(world), listed(world, store)) == (1, {})


def test_an_item_listed_at_the_same_moment_takes_nothing_half_done(
    world: World, store: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    preview = upload(world, store, "A,,,,", "B,,,,")
    world.add_item(store, "B")
    # What the check saw just before somebody else's commit.
    monkeypatch.setattr(item_table, "_listed", lambda session, integration_id: {})
    with pytest.raises(Conflict):
        item_table.apply(world.platform, upload_id=preview.upload_id, scope=account_scope(world.account))
    assert listed(world, store).keys() == {"B"}
    assert uploads(world) == 1


def test_a_table_of_several_parts_is_applied_whole(world: World, store: int) -> None:
    rows = 2 * PART + 1
    lines = [f"SKU-{n},,,LAMP-USB,{n % 9 + 1}" for n in range(rows)]
    assert applied(world, store, *lines).startswith(f"{rows} items added.")
    changed = [f"SKU-{n},,,STOVE-MINI,1" for n in range(rows)]
    assert applied(world, store, *changed).startswith(f"{rows} changed.")
    assert set(versions(world).values()) == {2}
    assert {tuple(parts) for _, _, parts in listed(world, store).values()} == {("STOVE-MINI",)}


ANSWERED = f"{HEADER},unknown_sku"


def answers(world: World) -> dict[str, str]:
    with world.platform.db.read() as session:
        return dict(session.execute(sa.select(CartItem.sku, CartItem.unknown_sku)).all())


def answered(world: World, store: int, *lines: str) -> item_table.Preview:
    return item_table.preview(
        world.platform,
        integration_id=store,
        scope=account_scope(world.account),
        user_id=world.owner,
        content="\r\n".join([ANSWERED, *lines]).encode(),
    )


def test_a_table_says_what_is_not_shipped_from_here_and_says_it_again_after_a_round_trip(
    world: World, store: int
) -> None:
    world.add_item(store, "GNOME")
    preview = answered(
        world,
        store,
        "GNOME,,,,,Not shipped from here",
        "CHAIR,,,,,hold",
        "SWING,,,,,NOT_SHIPPED_FROM_HERE",
        "CAMP,,,TENT-2P,1,store setting",
        "CAMP,,,LAMP-USB,2,",
    )
    assert {row.sku: row.what for row in preview.rows} == {
        "GNOME": What.CHANGED,
        "CHAIR": What.NEW,
        "SWING": What.NEW,
        "CAMP": What.NEW,
    }
    # Nothing looks like a mistake where somebody has said that it is none.
    assert [row.sku for row in preview.rows if row.warnings] == ["CHAIR"]
    item_table.apply(world.platform, upload_id=preview.upload_id, scope=account_scope(world.account))
    wanted = {"GNOME": "not_from_here", "CHAIR": "hold", "SWING": "not_from_here", "CAMP": ""}
    assert answers(world) == wanted
    text = item_table.download(world.platform, integration_id=store, scope=account_scope(world.account))
    again = item_table.preview(
        world.platform,
        integration_id=store,
        scope=account_scope(world.account),
        user_id=world.owner,
        content=text.encode(),
    )
    assert {row.what for row in again.rows} == {What.SAME}
    # A table without the column, and empty cells, leave it; a mapping takes it back.
    assert upload(world, store, "GNOME,,,,").same == 1
    message = applied(world, store, "SWING,,,STOVE-MINI,1")
    assert message.startswith("1 changed")
    assert answers(world) == wanted | {"SWING": ""}


def test_a_table_that_contradicts_itself_is_told_so(world: World, store: int) -> None:
    preview = answered(
        world,
        store,
        "GNOME,,,TENT-2P,1,not shipped from here",
        "CHAIR,,,,,never",
        "SWING,,,,,hold",
        "SWING,,,,,not shipped from here",
    )
    assert {row.sku: row.messages for row in preview.rows} == {
        "GNOME": ("It is mapped and said to be not shipped from here. Leave out one of the two.",),
        "CHAIR": ('Line 3: unknown_sku must be store setting or hold or not shipped from here, not "never".',),
        "SWING": ("Its lines say different things for unknown_sku.",),
    }


def test_field_G1_a_sku_of_the_stores_own_orders_is_believed(world: World, store: int) -> None:
    (order_id,) = world.amazon.generate(plain=1)["plain"]
    items = world.amazon.order(order_id)["order"]["orderItems"]
    items[0]["product"]["sellerSku"] = "1E5"
    world.amazon.post(f"orders/{order_id}", {"set": {"orderItems": items}})
    world.amazon.touch(order_id)
    world.finish(store)
    world.pass_time(minutes=5)
    with world.platform.db.read() as session:
        assert odd_skus(session, store, ["1E5", "2E5", "TENT-2P"]) == {"1E5"}
    content = table("1E5,,,LAMP-USB,1", "2E5,,,LAMP-USB,1")
    preview = item_table.preview(
        world.platform, integration_id=store, scope=account_scope(world.account), user_id=world.owner, content=content,
        sent=odd_skus,
    )  # fmt: skip
    assert [row.what for row in preview.rows] == [What.NEW, What.ERROR]
