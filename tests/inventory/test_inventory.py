"""Stock on its way to the cart: what is due, what is sent, when, and what keeps it back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from is2_core.accounts.scope import account_scope
from is2_core.accounts.states import IntegrationState
from is2_core.admin import failed_tasks
from is2_core.cases.models import SupportCase
from is2_core.cases.states import CaseKind
from is2_core.errors import Conflict
from is2_core.install import disconnect, settings
from is2_core.inventory import buffers
from is2_core.inventory.models import InventoryPushLine
from is2_core.inventory.push import push
from is2_core.items import custom_items
from is2_core.items.models import CartItem
from is2_core.submissions.models import Submission
from is2_core.tasks.kinds import TaskKind
from is2_core.warehouses.calls import Warehouse
from tests.support.amazon import NORTHWIND
from tests.support.stock import A_WHILE, Stock
from tests.support.world import World


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """On SQLite; `test_on_postgresql.py` tells the main stories once more there."""
    return sqlite_url


@pytest.fixture
def stocked(world: World) -> Stock:
    return Stock(world)


def test_active_items_are_sent_with_quantity_and_latency(stocked: Stock) -> None:
    stocked.finish(lead_days="4")
    assert {sku: stocked.shown()[sku] for sku in stocked.ids} == dict.fromkeys(stocked.ids, (50, 4))
    assert stocked.shown()["BUNDLE-CAMP"] == (7, None)
    row = stocked.row("TENT-2P")
    assert (row.sent, row.lead_days_sent, row.due, row.message) == (50, 4, False, "")
    assert row.calculation_sent["components"][0]["on_hand"] == 50
    assert stocked.world.quarantined() == []


def test_only_what_moved_is_sent_again_and_no_sooner_than_the_floor(stocked: Stock) -> None:
    stocked.finish()
    first = stocked.view()
    assert first.accepted_at is not None
    assert first.next_possible == first.accepted_at + timedelta(hours=12)
    stocked.adjust("TENT-2P", -5)
    stocked.jump(hours=11)
    assert stocked.shown()["TENT-2P"] == (50, 3)
    assert stocked.row("TENT-2P").due
    assert not stocked.row("LAMP-USB").due
    stocked.jump(hours=1, minutes=20)
    assert stocked.shown()["TENT-2P"] == (45, 3)
    sent = [call["skus"] for call in stocked.world.amazon.calls("feedProcessed") if call["skus"]]
    assert sent[-1] == ["TENT-2P"]


def test_a_removed_item_takes_what_was_sent_for_it_along(stocked: Stock) -> None:
    stocked.finish()
    item = stocked.ids["TENT-2P"]
    sent = sa.select(sa.func.count()).where(InventoryPushLine.cart_item_id == item)
    with stocked.world.platform.db.read() as session:
        assert session.scalar(sent) == 1
    custom_items.remove_item(stocked.world.platform, item_id=item, scope=account_scope(stocked.world.account))
    with stocked.world.platform.db.read() as session:
        assert session.scalar(sent) == 0
        assert session.scalar(sa.select(sa.func.count()).select_from(InventoryPushLine)) == 2


def test_without_activity_nothing_is_sent(stocked: Stock) -> None:
    stocked.finish()
    before = stocked.feeds()
    stocked.jump(hours=25)
    assert stocked.feeds() == before


def test_a_changed_latency_alone_makes_nothing_due(stocked: Stock) -> None:
    stocked.finish(lead_days="3")
    stocked.world.finish(stocked.store, lead_days="5")
    stocked.jump(hours=13)
    view = stocked.view()
    assert (view.with_lead, view.active, view.due) == (0, 3, 0)
    stocked.adjust("LAMP-USB", 1)
    stocked.jump(hours=12)
    assert stocked.shown()["LAMP-USB"] == (51, 5)
    assert stocked.view().with_lead == 1


def test_push_now_says_when_it_may(stocked: Stock) -> None:
    stocked.finish()
    stocked.adjust("TENT-2P", -1)
    stocked.world.settle()
    at = f"{stocked.view().next_possible:%Y-%m-%d %H:%M} UTC"
    with pytest.raises(Conflict, match=at):
        stocked.push_now()
    stocked.world.clock.advance(timedelta(hours=12))
    assert "1 SKU is due" in stocked.push_now()
    stocked.pass_time(minutes=A_WHILE)
    assert stocked.shown()["TENT-2P"] == (49, 3)
    stocked.world.clock.advance(timedelta(hours=12))
    with pytest.raises(Conflict, match="Nothing is due"):
        stocked.push_now()


def test_orders_that_wait_reserve_stock_and_a_bundle_counts_by_its_limiting_component(stocked: Stock) -> None:
    bundle = stocked.world.add_item(stocked.store, "BUNDLE-CAMP", ("TENT-2P", "1"), ("LAMP-USB", "2"))
    buffers.set_buffer(
        stocked.world.platform,
        scope=account_scope(stocked.world.account),
        account_id=stocked.world.account,
        warehouse_sku="LAMP-USB",
        units="10",
    )
    (order_id,) = stocked.world.amazon.generate(missing_address=1)["missing_address"]
    stocked.finish()
    held = stocked.world.orders()[order_id]
    assert held.state == "HELD"
    sold = {line.sku: line.open for line in held.lines}
    row = next(row for row in stocked.view().rows if row.item_id == bundle)
    lamps = 50 - 10 - sold.get("LAMP-USB", 0)
    assert row.now is not None
    assert row.now.quantity == min(50 - sold.get("TENT-2P", 0), lamps // 2)
    assert row.now.calculation["limiting"] == "LAMP-USB"
    assert stocked.shown()["BUNDLE-CAMP"] == (row.now.quantity, 3)
    for sku, units in sold.items():
        if sku in stocked.ids:
            assert stocked.row(sku).now.quantity <= 50 - units  # type: ignore[union-attr]


def test_an_offer_fulfilled_by_amazon_is_never_written(stocked: Stock) -> None:
    stocked.list_at_amazon("LAMP-USB", fba=True)
    stocked.finish()
    listing = next(
        entry
        for entry in stocked.world.amazon.get("listings", seller=NORTHWIND)["listings"]
        if entry["sku"] == "LAMP-USB"
    )
    assert (listing["converted"], listing["stranded"]) == (False, 0)
    assert "ships this SKU from its own stock" in stocked.row("LAMP-USB").withheld
    assert stocked.shown()["TENT-2P"] == (50, 3)
    assert "LAMP-USB" not in [sku for call in stocked.world.amazon.calls("feedProcessed") for sku in call["skus"]]


def test_a_sku_amazon_does_not_list_is_left_out_and_said(stocked: Stock) -> None:
    stocked.world.stock_up(("KETTLE-1L",), 9)
    stocked.world.add_item(stocked.store, "KETTLE-1L")
    stocked.finish()
    assert "no listing with this SKU" in stocked.row("KETTLE-1L").withheld
    stocked.list_at_amazon("KETTLE-1L")
    stocked.jump(hours=13)
    assert stocked.shown()["KETTLE-1L"] == (9, 3)
    assert stocked.row("KETTLE-1L").withheld == ""


def test_scenario_F35_many_zeros_at_once_wait_for_a_person(stocked: Stock) -> None:
    stocked.finish()
    for sku in ("TENT-2P", "LAMP-USB"):
        stocked.adjust(sku, -50)
    stocked.jump(hours=13)
    problem = stocked.view().problem
    assert problem is not None
    assert (problem.code, set(problem.skus)) == ("ZEROS", {"TENT-2P", "LAMP-USB"})
    assert stocked.shown()["TENT-2P"] == (50, 3)
    push.confirm_zeros(stocked.world.platform, integration_id=stocked.store, scope=account_scope(stocked.world.account))
    stocked.pass_time(minutes=A_WHILE)
    assert stocked.shown()["TENT-2P"] == stocked.shown()["LAMP-USB"] == (0, 3)
    assert stocked.view().problem is None


def test_one_sku_that_sells_out_is_sent_at_the_next_push(stocked: Stock) -> None:
    stocked.finish()
    stocked.adjust("TENT-2P", -50)
    stocked.jump(hours=13)
    assert stocked.shown()["TENT-2P"] == (0, 3)


def test_a_first_push_of_zeros_over_listings_with_stock_waits_for_a_person(stocked: Stock) -> None:
    for sku in stocked.ids:
        stocked.adjust(sku, -50)
    stocked.finish()
    assert stocked.view().problem is not None
    assert stocked.shown()["TENT-2P"] == (7, None)


def test_a_warehouse_that_answers_with_no_rows_has_nothing_sent(
    stocked: Stock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Warehouse, "stock", lambda warehouse, skus=None: [])
    stocked.finish()
    problem = stocked.view().problem
    assert problem is not None
    assert problem.code == "NO_STOCK_ROWS"
    assert stocked.feeds() == 0
    monkeypatch.undo()
    stocked.pass_time(minutes=20)
    assert stocked.shown()["TENT-2P"] == (50, 3)
    assert stocked.view().problem is None


def test_scenario_F32_a_refused_sku_stays_due_with_amazons_words_and_the_others_are_settled(stocked: Stock) -> None:
    stocked.world.amazon.fault("feedProcessed", "reject", sku="LAMP-USB")
    stocked.finish()
    assert stocked.shown()["TENT-2P"] == (50, 3)
    row = stocked.row("LAMP-USB")
    assert row.due
    assert "could not be processed" in row.message
    stocked.world.amazon.heal()
    stocked.jump(hours=12, minutes=30)
    assert stocked.shown()["LAMP-USB"] == (50, 3)
    assert stocked.row("LAMP-USB").message == ""


def test_a_run_of_which_nothing_was_applied_frees_the_floor(stocked: Stock) -> None:
    stocked.world.amazon.fault("feedProcessed", "fatal")
    stocked.finish()
    stocked.jump(hours=1)
    assert stocked.shown()["TENT-2P"] == (50, 3)


def test_scenario_F29_a_sale_while_a_feed_is_under_way_is_in_the_next_one(stocked: Stock) -> None:
    stocked.world.amazon.post("feeds", {"delay_s": 3600})
    stocked.finish()
    assert stocked.view().open_since is not None
    stocked.adjust("TENT-2P", -3)
    with pytest.raises(Conflict, match="still being worked on"):
        stocked.push_now()
    stocked.jump(hours=2)
    row = stocked.row("TENT-2P")
    assert (row.sent, row.due) == (50, True)
    stocked.world.amazon.post("feeds", {"delay_s": 30})
    stocked.jump(hours=13)
    assert stocked.shown()["TENT-2P"] == (47, 3)


def test_enrolled_in_remote_fulfillment_nothing_syncs_until_the_option_says_yes(stocked: Stock) -> None:
    stocked.list_at_amazon("LAMP-USB", fba=True)
    stocked.world.amazon.post("seller", {"seller": NORTHWIND, "remote_fulfillment": True})
    stocked.finish()
    problem = stocked.view().problem
    assert problem is not None
    assert problem.code == "SETTINGS"
    assert "Remote Fulfillment With FBA to Yes" in problem.message
    assert stocked.feeds() == 0
    with stocked.world.platform.db.read() as session:
        states = set(session.scalars(sa.text("SELECT state FROM integration")))
    assert states == {IntegrationState.ACTIVE}
    stocked.world.finish(stocked.store, remote_fulfillment="yes")
    stocked.pass_time(minutes=A_WHILE)
    assert stocked.shown()["TENT-2P"] == (50, 3)
    assert stocked.view().problem is None
    assert stocked.row("LAMP-USB").withheld != ""


def test_a_channel_read_that_is_refused_shows_on_the_page_while_it_is_and_after(stocked: Stock) -> None:
    stocked.world.amazon.fault("searchListingsItems", "400", 1000)
    stocked.finish()
    problem = stocked.view().problem
    assert problem is not None
    assert problem.code == "FAILING"
    assert problem.message
    stocked.pass_time(hours=1)
    assert [kind for kind, *_ in stocked.world.quarantined()] == [TaskKind.INVENTORY_PUSH]
    problem = stocked.view().problem
    assert problem is not None
    assert problem.message.endswith("It was tried 8 times; the next push begins anew.")
    stocked.world.amazon.heal()
    stocked.push_now()
    stocked.pass_time(minutes=A_WHILE)
    assert stocked.view().problem is None


def test_sync_off_sends_nothing(stocked: Stock) -> None:
    stocked.finish(inventory_every="off")
    assert stocked.feeds() == 0
    with pytest.raises(Conflict, match="off"):
        stocked.push_now()
    stocked.world.finish(stocked.store, inventory_every="43200")
    stocked.pass_time(minutes=A_WHILE)
    assert stocked.shown()["TENT-2P"] == (50, 3)


def test_a_lost_answer_sends_newer_numbers_and_none_are_mixed_up(stocked: Stock) -> None:
    stocked.world.amazon.fault("createFeed", "apply_then_drop")
    stocked.finish()
    stocked.adjust("TENT-2P", -4)
    stocked.jump(hours=13)
    assert stocked.shown()["TENT-2P"] == (46, 3)
    assert stocked.row("TENT-2P").sent == 46


def test_scenario_F30_older_numbers_that_arrive_late_are_overwritten_at_the_next_slot(stocked: Stock) -> None:
    """The answer to a feed is lost, and Amazon works on it only after the newer one that followed."""
    stocked.world.amazon.post("feeds", {"delay_s": 7200})
    stocked.world.amazon.fault("createFeed", "apply_then_drop")
    stocked.world.finish(stocked.store)
    stocked.world.settle()
    stocked.world.amazon.post("feeds", {"delay_s": 30})
    stocked.adjust("TENT-2P", -4)
    stocked.pass_time(minutes=A_WHILE)
    assert stocked.shown()["TENT-2P"] == (46, 3)
    stocked.jump(hours=3)
    assert stocked.shown()["TENT-2P"] == (50, 3)
    stocked.jump(hours=10)
    assert stocked.shown()["TENT-2P"] == (46, 3)
    feeds = stocked.feeds()
    stocked.jump(hours=25)
    assert stocked.feeds() == feeds


def test_the_daily_compare_finds_what_no_activity_told_of(stocked: Stock) -> None:
    stocked.finish()
    with stocked.world.platform.db.write() as session:
        session.execute(sa.text("UPDATE warehouse_sku SET on_hand = 40 WHERE sku = 'TENT-2P'"))
    stocked.jump(hours=24)
    stocked.jump(hours=12)
    assert stocked.shown()["TENT-2P"] == (40, 3)


def test_promising_more_than_there_is_raises_one_alarm_and_ends_it(stocked: Stock) -> None:
    stocked.world.amazon.generate(plain=12)
    stocked.finish()
    for sku in stocked.ids:
        stocked.adjust(sku, -50)
    stocked.pass_time(minutes=1)
    with stocked.world.platform.db.read() as session:
        cases = session.scalars(sa.select(SupportCase).where(SupportCase.kind == CaseKind.OVERSOLD)).all()
    assert cases
    assert all("are promised to orders, 0 are on hand" in case.message for case in cases)
    assert len({case.subject for case in cases}) == len(cases)
    for sku in stocked.ids:
        stocked.adjust(sku, 500)
    stocked.pass_time(minutes=1)
    with stocked.world.platform.db.read() as session:
        assert session.scalars(sa.select(SupportCase).where(SupportCase.closed_at.is_(None))).all() == []


def test_an_item_activated_later_has_missed_nothing(stocked: Stock) -> None:
    custom_items.set_active(
        stocked.world.platform, item_id=stocked.ids["TENT-2P"], scope=account_scope(stocked.world.account), active=False
    )
    stocked.finish()
    assert stocked.shown()["TENT-2P"] == (7, None)
    custom_items.set_active(
        stocked.world.platform, item_id=stocked.ids["TENT-2P"], scope=account_scope(stocked.world.account), active=True
    )
    stocked.jump(hours=13)
    assert stocked.shown()["TENT-2P"] == (50, 3)


def test_scenario_F34_another_daylight_saving_time_changes_nothing_about_the_floor(stocked: Stock) -> None:
    # The clocks of the United States go forward on March 14, 2027, at 2:00.
    stocked.world.clock.advance_to(datetime(2027, 3, 13, 20, tzinfo=ZoneInfo("America/New_York")).astimezone(UTC))
    stocked.finish()
    for _ in range(3):
        before = stocked.view().accepted_at
        assert before is not None
        stocked.adjust("TENT-2P", -1)
        stocked.world.settle_later(hours=11, minutes=50)
        assert stocked.view().accepted_at == before
        stocked.pass_time(minutes=11)
        after = stocked.view().accepted_at
        assert after is not None
        assert timedelta(hours=12) <= after - before <= timedelta(hours=12, minutes=5)
        stocked.pass_time(minutes=1)


def test_settings_tell_of_a_schedule_that_is_due(stocked: Stock) -> None:
    form = settings.settings_form(
        stocked.world.platform, integration_id=stocked.store, scope=account_scope(stocked.world.account)
    )
    assert "43200" in {entry.value for entry in form}
    with stocked.world.platform.db.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(CartItem)) == 3


def test_scenario_F31_a_feed_without_an_answer_is_told_of_after_an_hour_and_can_be_given_up(stocked: Stock) -> None:
    stocked.world.amazon.post("feeds", {"delay_s": 10 * 86_400})
    stocked.finish()
    stocked.jump(minutes=40)
    with stocked.world.platform.db.read() as session:
        assert session.scalar(sa.select(SupportCase.id)) is None
    stocked.jump(minutes=10)
    with stocked.world.platform.db.read() as session:
        case = session.scalars(sa.select(SupportCase).where(SupportCase.kind == CaseKind.NO_ANSWER)).one()
        (submission,) = session.scalars(sa.select(Submission).where(Submission.closed_at.is_(None)))
    assert "3 lines" in case.message
    stocked.world.amazon.post("feeds", {"delay_s": 30})
    failed_tasks.give_up_submission(stocked.world.platform, submission.id)
    stocked.jump(minutes=1)
    assert stocked.shown()["TENT-2P"] == (50, 3)
    with pytest.raises(Conflict):
        failed_tasks.give_up_submission(stocked.world.platform, submission.id)
    with stocked.world.platform.db.read() as session:
        assert session.get_one(SupportCase, case.id).closed_at is not None


def test_a_feed_given_up_that_ends_after_newer_numbers_is_overwritten_at_the_next_slot(stocked: Stock) -> None:
    stocked.world.amazon.post("feeds", {"delay_s": 5 * 3600})
    stocked.finish()
    stocked.world.amazon.post("feeds", {"delay_s": 30})
    stocked.adjust("TENT-2P", -48)
    stocked.jump(hours=2)
    with stocked.world.platform.db.read() as session:
        (submission,) = session.scalars(sa.select(Submission).where(Submission.closed_at.is_(None)))
    failed_tasks.give_up_submission(stocked.world.platform, submission.id)
    stocked.pass_time(minutes=A_WHILE)
    # Nothing is known to be applied, so the floor is given back.
    assert stocked.shown()["TENT-2P"] == (2, 3)
    stocked.jump(hours=4)
    assert stocked.shown()["TENT-2P"] == (50, 3)
    stocked.jump(hours=9)
    assert stocked.shown()["TENT-2P"] == (2, 3)
    feeds = stocked.feeds()
    stocked.jump(hours=13)
    assert stocked.feeds() == feeds


def test_what_a_disconnected_store_kept_is_free_for_the_others(stocked: Stock) -> None:
    other = stocked.world.connect(seller="A2SIMNA0000002")
    (held,) = stocked.world.amazon.generate("A2SIMNA0000002", missing_address=1)["missing_address"]
    stocked.world.finish(other)
    stocked.finish()
    sold = stocked.world.orders()[held].lines[0]
    assert stocked.row(sold.sku).sent == 50 - sold.open
    disconnect.disconnect(
        stocked.world.platform,
        integration_id=other,
        scope=account_scope(stocked.world.account),
        user_id=stocked.world.owner,
    )
    stocked.jump(hours=12)
    assert stocked.row(sold.sku).sent == 50


def test_more_withheld_skus_than_the_budget_reads_at_once_keep_no_other_waiting(stocked: Stock) -> None:
    many = [f"FBA-{number:03}" for number in range(120)]
    stocked.world.stock_up(many, 1)
    stocked.list_at_amazon(*many, fba=True)
    for sku in many:
        stocked.world.add_item(stocked.store, sku)
    stocked.world.stock_up(("LAST",), 5)
    stocked.list_at_amazon("LAST")
    stocked.world.add_item(stocked.store, "LAST")
    stocked.finish()
    assert stocked.shown()["LAST"] == (5, 3)
    assert stocked.view().withheld == 120
    stocked.adjust("LAST", 1)
    stocked.jump(hours=13)
    assert stocked.shown()["LAST"] == (6, 3)
