"""The stock page of a store: what was sent, what would be sent now and why, and what keeps stock back."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from bs4 import Tag

from is2_core.accounts.models import Integration
from is2_core.accounts.scope import account_scope
from is2_core.accounts.states import IntegrationState
from is2_core.embedded_warehouse import receiving
from is2_core.install import settings
from is2_core.inventory.models import InventoryPush, InventoryPushLine, InventorySync, StockBuffer
from is2_core.inventory.push import push, results as inventory_results
from is2_core.inventory.push.sync_row import ORDERS, set_problem
from is2_core.items import custom_items
from is2_core.items.activity import mark_due
from is2_core.items.models import CartItem
from is2_core.submissions.models import Submission
from is2_core.submissions.rows import KIND_INVENTORY
from is2_core.tasks.models import Schedule, Task
from is2_core.tasks.states import TaskState
from plugins.interface import Applied, Rejected, Result
from tests.support.browser import Page
from tests.support.panel import ALICE, SUPPORT, Panel
from web.inventory.inventory import latency_text


def address(panel: Panel) -> str:
    return f"/integrations/{panel.store(panel.northwind).id}/stock"


def answer(panel: Panel, **results: Result) -> None:
    """Let Amazon answer the submission of the furnished panel, after which nothing moved: the results by SKU, Applied
    for the others."""
    store = panel.store(panel.northwind)
    with panel.platform.db.write() as db:
        lines = db.execute(
            sa.select(InventoryPushLine.id, CartItem.sku)
            .join(InventoryPush, InventoryPush.id == InventoryPushLine.push_id)
            .join(CartItem, CartItem.id == InventoryPushLine.cart_item_id)
            .where(InventoryPush.integration_id == store.id)
        ).all()
        assert lines
        by_sku = {sku.replace("_", "-"): result for sku, result in results.items()}
        keyed = {str(line.id): by_sku.get(line.sku, Applied()) for line in lines}
        inventory_results.settle(db, store.id, keyed, panel.platform.clock.now())
        db.execute(
            sa.update(Submission)
            .where(Submission.integration_id == store.id, Submission.kind == KIND_INVENTORY)
            .values(closed_at=panel.platform.clock.now())
        )
        db.execute(sa.update(CartItem).where(CartItem.pushed_version > 0).values(due_version=CartItem.pushed_version))


def receive(panel: Panel, sku: str, quantity: str) -> None:
    """Goods arrive, and the platform has heard of it."""
    receiving.receive(panel.platform, account_id=panel.northwind, sku=sku, name="", quantity=quantity, user_id=None)
    with panel.platform.db.write() as db:
        mark_due(db, panel.northwind, [sku])


def row(page: Page, sku: str) -> str:
    """The words of a SKU's row."""
    found = dict(zip(skus(page), page.soup.select("tr[id^=item-]"), strict=True))
    return " ".join(found[sku].get_text(" ").split())


def skus(page: Page) -> list[str]:
    return [tag.get_text() for tag in page.soup.select("tr[id^=item-] td:first-child .sku")]


def may_push(page: Page) -> bool:
    button = page.form("Push now").find("button")
    assert isinstance(button, Tag)
    return not button.has_attr("disabled")


def test_a_submission_under_way_is_shown_with_its_age(panel: Panel) -> None:
    panel.clock.advance(timedelta(minutes=12))
    page = panel.browser(ALICE).get(address(panel))
    assert "Inventory sync Every 12 hours" in page.text
    assert "A submission is at Amazon since Nov 23, 2026, 12:00 UTC , for 12 minutes." in page.text
    assert not may_push(page)
    assert "A submission is under way" in page.text


def test_what_is_wrong_with_a_submission_stands_beside_it(panel: Panel) -> None:
    store = panel.store(panel.northwind)
    with panel.platform.db.write() as db:
        db.execute(
            sa.update(Task)
            .where(Task.integration_id == store.id, Task.kind == "submissions.poll")
            .values(state=TaskState.READY, error_message="Amazon's report does not fit. Tried again at 12:30.")
        )
    page = panel.browser(ALICE).get(address(panel))
    assert "for less than a minute. Amazon's report does not fit. Tried again at 12:30." in page.text


def test_what_was_sent_and_what_would_be_sent_now(panel: Panel) -> None:
    answer(panel)
    receive(panel, "TENT-2P", "30")
    page = panel.browser(ALICE).get(address(panel))
    assert row(page, "TENT-2P") == "TENT-2P 994 Nov 23, 12:00 latency 3 days 1024 Due Nov 24, 00:00"
    assert row(page, "BUNDLE-CAMP") == "BUNDLE-CAMP 491 Nov 23, 12:00 latency 3 days 491 Sent Nov 24, 00:00"
    assert "2 of 2 SKUs carry the latency of 3 days." in page.text
    assert "How 1024 comes about for TENT-2P" in page.text
    assert "TENT-2P 1030 3 3 0 1024" in page.text
    assert "The 994 sent on Nov 23, 2026, 12:00 UTC came about so:" in page.text
    assert "TENT-2P 1000 3 3 0 994" in page.text


def test_a_bundle_names_the_component_that_limits_it(panel: Panel) -> None:
    page = panel.browser(ALICE).get(address(panel))
    assert "LAMP-USB limits 1000 10 8 0 982 2 491 STOVE-MINI 1000" in page.text


def test_no_push_before_the_floor_has_passed(panel: Panel) -> None:
    answer(panel)
    receive(panel, "TENT-2P", "1")
    browser = panel.browser(ALICE)
    page = browser.get(address(panel))
    assert "Next possible push Nov 24, 2026, 00:00 UTC" in page.text
    assert "Possible again on Nov 24, 2026, 00:00 UTC ." in page.text
    assert not may_push(page)
    page = browser.post(f"{address(panel)}/push")
    assert page.status == 409
    assert "2026-11-24 00:00 UTC" in page.alerts[0]


def test_push_now(panel: Panel) -> None:
    answer(panel)
    receive(panel, "TENT-2P", "1")
    panel.clock.advance(timedelta(hours=13))
    browser = panel.browser(ALICE)
    assert "Next possible push now" in browser.get(address(panel)).text
    page = browser.press("Push now")
    assert "1 SKU is due" in page.messages
    with panel.platform.db.read() as db:
        open_pushes = db.scalars(
            sa.select(Task.integration_id).where(
                Task.kind == "inventory.push", Task.state == TaskState.READY, Task.priority == 0
            )
        ).all()
    assert open_pushes == [panel.store(panel.northwind).id]


def test_nothing_due_leaves_nothing_to_push(panel: Panel) -> None:
    answer(panel)
    panel.clock.advance(timedelta(hours=13))
    page = panel.browser(ALICE).get(address(panel))
    assert "Nothing is due" in page.text
    assert not may_push(page)


def test_sync_that_is_off_says_so(panel: Panel) -> None:
    store = panel.store(panel.northwind)
    with panel.platform.db.write() as db:
        db.execute(
            sa.delete(Schedule).where(Schedule.integration_id == store.id, Schedule.kind.startswith("inventory."))
        )
    page = panel.browser(ALICE).get(address(panel))
    assert "Inventory sync Off. Nothing is sent." in page.text
    assert "Next possible push" not in page.text
    assert page.link("Choose how often in the settings") == f"/integrations/{store.id}/settings"


def note(panel: Panel, code: str, message: str, *found: str) -> None:
    store = panel.store(panel.northwind)
    with panel.platform.db.write() as db:
        set_problem(db, store.id, panel.platform.clock.now(), code=code, message=message, skus=found)


def test_unexpected_zeros_are_confirmed_by_a_person(panel: Panel) -> None:
    note(panel, push.ZEROS, "2 of 2 active SKUs would fall to zero at once.", "TENT-2P", "BUNDLE-CAMP")
    browser = panel.browser(ALICE)
    page = browser.get(address(panel))
    assert "Stock is not being sent. 2 of 2 active SKUs would fall to zero at once." in page.alerts[0]
    assert "TENT-2P BUNDLE-CAMP" in page.alerts[0]
    page = browser.press("Yes, send these zeros")
    assert "Confirmed: 2 SKUs may fall to zero." in page.messages
    assert page.alerts == []
    store = panel.store(panel.northwind)
    with panel.platform.db.read() as db:
        sync = db.get_one(InventorySync, store.id)
    assert sync.zeros_confirmed == ["BUNDLE-CAMP", "TENT-2P"]
    again = browser.post(f"{address(panel)}/zeros")
    assert again.status == 409
    assert "Nothing waits" in again.alerts[0]


def test_a_setting_that_keeps_stock_back_leads_to_the_settings(panel: Panel) -> None:
    note(panel, push.SETTINGS, "Set the option Remote Fulfillment With FBA to Yes, then stock is synced.")
    browser = panel.browser(ALICE)
    page = browser.get(address(panel))
    assert "Set the option Remote Fulfillment With FBA to Yes" in page.alerts[0]
    assert page.link("Correct the settings") == f"/integrations/{panel.store(panel.northwind).id}/settings"
    assert "Set the option Remote Fulfillment With FBA to Yes" in browser.get("/integrations").text


def test_a_warehouse_that_reports_nothing_is_named(panel: Panel) -> None:
    note(panel, push.NO_STOCK_ROWS, "The warehouse reported no stock at all for these SKUs.", "TENT-2P")
    page = panel.browser(ALICE).get(address(panel))
    assert "The warehouse reported no stock at all" in page.alerts[0]
    assert page.link("Stock of the warehouse") == "/warehouse/stock"


def test_a_push_that_waits_for_orders_is_no_alarm(panel: Panel) -> None:
    note(panel, ORDERS, "The next push waits for the newest orders of this store.")
    browser = panel.browser(ALICE)
    page = browser.get(address(panel))
    assert "The next push waits for the newest orders of this store." in page.text
    assert page.alerts == []
    assert "waits for the newest orders" not in browser.get("/integrations").text


def test_filters_and_the_carts_words(panel: Panel) -> None:
    answer(panel, TENT_2P=Rejected("8541", "The SKU does not match."))
    with panel.platform.db.write() as db:
        db.execute(
            sa.update(CartItem)
            .where(CartItem.account_id == panel.northwind, CartItem.sku == "BUNDLE-CAMP")
            .values(withheld="Amazon ships this SKU itself.", due_version=CartItem.due_version + 1)
        )
    browser = panel.browser(ALICE)
    page = browser.get(address(panel))
    assert "Due (1)" in page.text
    assert "Withheld (1)" in page.text
    assert "Rejected (1)" in page.text
    assert "The SKU does not match. (8541)" in row(page, "TENT-2P")
    assert "Amazon ships this SKU itself." in row(page, "BUNDLE-CAMP")
    assert skus(browser.get(f"{address(panel)}?show=rejected")) == ["TENT-2P"]
    assert skus(browser.get(f"{address(panel)}?show=due")) == ["TENT-2P"]
    assert skus(browser.get(f"{address(panel)}?show=withheld")) == ["BUNDLE-CAMP"]
    assert skus(browser.get(f"{address(panel)}?q=camp")) == ["BUNDLE-CAMP"]
    assert "Nothing matches." in browser.get(f"{address(panel)}?q=nothing").text
    assert skus(browser.get(f"{address(panel)}?show=nonsense")) == ["BUNDLE-CAMP", "TENT-2P"]


def test_an_item_the_warehouse_does_not_have_leads_to_its_mapping(panel: Panel) -> None:
    store = panel.store(panel.northwind)
    item = custom_items.add_custom_item(
        panel.platform, integration_id=store.id, scope=account_scope(panel.northwind), sku="UNHEARD", active=False
    )
    page = panel.browser(ALICE).get(address(panel))
    assert row(page, "UNHEARD") == ("UNHEARD never — Not activated The warehouse has no such SKU. Map it : UNHEARD —")
    assert page.link("Map it : UNHEARD") == f"/items/{item}#mappings"


def test_long_lists_come_in_pages(panel: Panel) -> None:
    store = panel.store(panel.northwind)
    with panel.platform.db.write() as db:
        db.add_all(
            CartItem(
                account_id=panel.northwind,
                integration_id=store.id,
                sku=f"X-{number:03}",
                created_at=panel.platform.clock.now(),
            )
            for number in range(60)
        )
    browser = panel.browser(ALICE)
    page = browser.get(f"{address(panel)}?q=X-")
    assert skus(page) == [f"X-{number:03}" for number in range(50)]
    page = browser.get(page.link("Next"))
    assert skus(page) == [f"X-{number:03}" for number in range(50, 60)]


def buffer_of(panel: Panel, sku: str) -> int | None:
    with panel.platform.db.read() as db:
        return db.scalar(
            sa.select(StockBuffer.units).where(
                StockBuffer.account_id == panel.northwind, StockBuffer.warehouse_sku == sku
            )
        )


def test_a_buffer_is_kept_back(panel: Panel) -> None:
    answer(panel)
    browser = panel.browser(ALICE)
    browser.get(f"{address(panel)}?q=tent")
    page = browser.press("Save the buffer of TENT-2P at TENT-2P", units="40")
    assert "The buffer of TENT-2P is now 40." in page.messages
    assert buffer_of(panel, "TENT-2P") == 40
    assert skus(page) == ["TENT-2P"], "the search is kept"
    assert len(page.soup.select("details[open]")) == 1
    assert page.field("Buffer of TENT-2P")["value"] == "40"
    assert "TENT-2P 994" in row(page, "TENT-2P")
    assert " 954 Due" in row(page, "TENT-2P")


def test_a_buffer_that_is_no_number_is_refused_at_its_field(panel: Panel) -> None:
    browser = panel.browser(ALICE)
    browser.get(address(panel))
    page = browser.press("Save the buffer of LAMP-USB at BUNDLE-CAMP", units="-3")
    assert page.status == 400
    assert "must be a whole number" in page.problem_at("Buffer of LAMP-USB")
    assert page.field("Buffer of LAMP-USB")["value"] == "-3"
    assert len(page.soup.select("details[open]")) == 1
    assert buffer_of(panel, "LAMP-USB") is None


def test_a_buffer_of_a_sku_that_is_not_there(panel: Panel) -> None:
    page = panel.browser(ALICE).post(f"{address(panel)}/buffer", {"warehouse_sku": "NOT-OURS", "units": "1"})
    assert page.status == 400
    assert page.alerts == ["The warehouse has no SKU NOT-OURS in this account."]


def test_the_pages_of_the_list_stay_the_lists_after_a_refusal(panel: Panel) -> None:
    store = panel.store(panel.northwind)
    with panel.platform.db.write() as db:
        db.add_all(
            CartItem(
                account_id=panel.northwind,
                integration_id=store.id,
                sku=f"X-{number:03}",
                created_at=panel.platform.clock.now(),
            )
            for number in range(60)
        )
    browser = panel.browser(ALICE)
    page = browser.post(f"{address(panel)}/buffer", {"warehouse_sku": "NOT-OURS", "units": "1"})
    assert browser.get(page.link("Next")).status == 200


def test_support_looks_and_changes_nothing(panel: Panel) -> None:
    note(panel, push.ZEROS, "2 of 2 active SKUs would fall to zero at once.", "TENT-2P")
    page = panel.browser(SUPPORT).get(address(panel))
    buttons = {" ".join(tag.get_text(" ").split()) for tag in page.soup.find_all("button")}
    assert buttons == {"Switch", "Sign out", "Show"}


def test_a_store_that_is_not_finished_has_no_stock_page(panel: Panel) -> None:
    store = panel.store(panel.northwind)
    with panel.platform.db.write() as db:
        db.execute(sa.update(Integration).where(Integration.id == store.id).values(state=IntegrationState.SETUP))
    assert panel.browser(ALICE).get(address(panel)).heading == "Set up Outdoor"


def test_a_paused_store_pushes_nothing(panel: Panel) -> None:
    answer(panel)
    with panel.platform.db.write() as db:
        db.execute(sa.update(Integration).values(state=IntegrationState.PAUSED))
    page = panel.browser(ALICE).get(address(panel))
    assert "This store is not active." in page.text
    assert not may_push(page)


def test_a_new_latency_reaches_the_skus_one_by_one(panel: Panel) -> None:
    answer(panel)
    store = panel.store(panel.northwind)
    ids = {"integration_id": store.id, "scope": account_scope(panel.northwind)}
    form = settings.settings_form(panel.platform, **ids)
    values = {entry.field.key: entry.value for entry in form}
    settings.finish_setup(panel.platform, **ids, values={**values, "lead_days": "2"})
    message = "0 of 2 SKUs carry the new latency; the rest follow at their next activity."
    browser = panel.browser(ALICE)
    assert message in browser.get(address(panel)).text
    assert message in browser.get(f"/integrations/{store.id}/settings").text


@pytest.mark.parametrize(
    ("lead_days", "with_lead", "active", "message"),
    [
        (None, 0, 3, ""),
        (3, 0, 0, "No SKU is activated for sync, so no SKU carries the latency yet."),
        (3, 1, 2, "1 of 2 SKUs carry the new latency; the rest follow at their next activity."),
        (3, 0, 1, "0 of 1 SKU carries the new latency; the rest follow at their next activity."),
        (3, 2, 2, "2 of 2 SKUs carry the latency of 3 days."),
        (1, 2, 2, "2 of 2 SKUs carry the latency of 1 day."),
    ],
)
def test_how_far_a_latency_has_come(lead_days: int | None, with_lead: int, active: int, message: str) -> None:
    assert latency_text(lead_days, with_lead, active) == message


def test_the_guide_names_what_to_do_in_its_order(panel: Panel) -> None:
    page = panel.browser(ALICE).get("/help/inventory-sync")
    assert [tag.get_text() for tag in page.soup.find_all("h2")] == [
        "What you do once",
        "What is sent, and when",
        "What keeps stock back",
        "Where to look",
    ]
    assert page.link("Custom Items") == "/items"


def test_a_withheld_sku_can_be_looked_at_again_by_a_push(panel: Panel) -> None:
    answer(panel)
    panel.clock.advance(timedelta(hours=13))
    browser = panel.browser(ALICE)
    assert not may_push(browser.get(address(panel)))
    with panel.platform.db.write() as db:
        db.execute(
            sa.update(CartItem)
            .where(CartItem.account_id == panel.northwind, CartItem.sku == "TENT-2P")
            .values(withheld="Amazon has no listing with this SKU.", due_version=CartItem.due_version + 1)
        )
    assert may_push(browser.get(address(panel)))
    assert "1 SKU is due and looked at now" in browser.press("Push now").messages
