"""Received Orders: the list, the detail, and what a person decides."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from is2_core.accounts.models import Integration
from is2_core.orders.fulfillment.models import Package, PackageContent, PackageUnits
from is2_core.orders.fulfillment.states import PostState
from is2_core.orders.holds.reasons import HoldCode
from is2_core.orders.importing.staging import stage
from is2_core.orders.models import Hold, ReceivedLine, ReceivedOrder, Recipient
from is2_core.orders.states import AckState, ReceivedState
from plugins.interface import Address, FulfilledBy, Order, OrderLine, OrderState, ShippingMappingUI
from tests.support.buyers import ack_refused, pii_of, post_refused
from tests.support.panel import ALICE, BOB, CHARLIE, PACKER, SUPPORT, Panel


def order_with(panel: Panel, *conditions: sa.ColumnElement[bool]) -> ReceivedOrder:
    with panel.platform.db.read() as db:
        found = db.scalars(
            sa.select(ReceivedOrder).where(ReceivedOrder.account_id == panel.northwind, *conditions)
        ).first()
    assert found is not None
    return found


def held(panel: Panel, code: HoldCode) -> ReceivedOrder:
    return order_with(panel, ReceivedOrder.id.in_(sa.select(Hold.order_id).where(Hold.code == code)))


def reload(panel: Panel, order: ReceivedOrder) -> ReceivedOrder:
    return order_with(panel, ReceivedOrder.id == order.id)


def recipient_name(panel: Panel, order: ReceivedOrder) -> str:
    with panel.platform.db.read() as db:
        recipient = db.scalars(sa.select(Recipient).where(Recipient.order_id == order.id)).one()
        return str(pii_of(db, recipient)["address"]["name"])


def test_every_order_is_listed_with_its_state_and_reason(panel: Panel) -> None:
    page = panel.browser(BOB).get("/received-orders")
    assert "1 to 18 of 18 orders" in page.text
    for words in (
        "The cart shipping method EXPEDITED has no shipping mapping. Add a shipping mapping",
        "is neither a warehouse SKU nor mapped to one. List and map this SKU",
        "Enter the address",
        "The buyer has asked to cancel this order. Reason given: Ordered by mistake. Ship it anyway",
        "Amazon fulfills this order itself.",
        "The payment is pending at the cart.",
        "Needs attention",
    ):
        assert words in page.text


@pytest.mark.parametrize("state", list(ReceivedState))
def test_the_list_is_filtered_by_state(panel: Panel, state: ReceivedState) -> None:
    page = panel.browser(ALICE).get(f"/received-orders?state={state}")
    with panel.platform.db.read() as db:
        count = db.scalar(
            sa.select(sa.func.count()).where(ReceivedOrder.account_id == panel.northwind, ReceivedOrder.state == state)
        )
    assert len(page.soup.select("a.number")) == count


def test_the_list_is_filtered_by_hold_and_searched_by_both_numbers(panel: Panel) -> None:
    browser = panel.browser(ALICE)
    order = held(panel, HoldCode.ADDRESS_MISSING)
    assert order.remote_id in browser.get("/received-orders?hold=ADDRESS_MISSING").text
    for wanted in (order.remote_id, order.number.lower(), order.remote_id[4:11]):
        page = browser.get(f"/received-orders?q={wanted}")
        assert [tag.text for tag in page.soup.select("a.number")] == [order.remote_id]
    assert "No order matches" in browser.get("/received-orders?q=Simbuyer").text


def test_the_list_is_paged(panel: Panel) -> None:
    with panel.platform.db.write() as db:
        example = db.scalars(sa.select(ReceivedOrder).where(ReceivedOrder.account_id == panel.northwind)).first()
        assert example is not None
        common = {
            column.key: getattr(example, column.key)
            for column in ReceivedOrder.__table__.columns
            if column.key not in ("id", "remote_id", "number")
        }
        db.add_all(
            ReceivedOrder(**{**common, "state": "DISMISSED", "remote_id": f"copy-{n}", "number": f"copy-{n}"})
            for n in range(60)
        )
    browser = panel.browser(ALICE)
    page = browser.get("/received-orders?state=DISMISSED")
    assert "1 to 50 of 60 orders" in page.text
    page = browser.get(page.link("Next"))
    assert "51 to 60 of 60 orders" in page.text
    assert page.response.request.args["state"] == "DISMISSED"
    assert "51 to 60" in browser.get("/received-orders?state=DISMISSED&page=999").text


def test_each_hold_links_to_its_fix_with_everything_filled_in(panel: Panel) -> None:
    browser = panel.browser(ALICE)
    order = held(panel, HoldCode.SKU_UNKNOWN)
    page = browser.get(f"/received-orders/{order.id}")
    fix = browser.get(page.link("List and map this SKU"))
    with panel.platform.db.read() as db:
        sku = db.scalar(sa.select(Hold.subject).where(Hold.order_id == order.id, Hold.code == HoldCode.SKU_UNKNOWN))
    assert fix.field("Cart SKU")["value"] == sku
    order = held(panel, HoldCode.METHOD_UNMAPPED)
    page = browser.get(f"/received-orders/{order.id}")
    fix = browser.get(page.link("Add a shipping mapping"))
    assert fix.field("Cart Shipping Method")["value"] == order.shipping_method


def test_the_detail_of_an_injected_order_tells_the_whole_story(panel: Panel) -> None:
    order = order_with(panel, ReceivedOrder.state == ReceivedState.INJECTED)
    page = panel.browser(ALICE).get(f"/received-orders/{order.id}")
    assert order.number in page.text
    assert "Read from the cart." in page.text
    assert f"The warehouse accepted it as {order.number}." in page.text
    assert "Ship window" in page.text
    assert "Delivery window" in page.text
    assert recipient_name(panel, order) in page.text
    assert "\N{MULTIPLICATION SIGN}" in page.soup.find("table").text  # type: ignore[union-attr]
    assert page.link("To be packed").startswith("/warehouse/orders/")
    assert "Dismiss this order" not in page.text


@pytest.mark.parametrize(
    ("state", "message", "words"),
    [
        (AckState.DONE, "", "Acknowledged"),
        (AckState.SENT, "", "Sent"),
        (AckState.NOT_NEEDED, "", "Not needed"),
        (AckState.REJECTED, "The order is gone.", "Refused: The order is gone."),
    ],
)
def test_the_acknowledgement_is_said_in_words(panel: Panel, state: AckState, message: str, words: str) -> None:
    order = order_with(panel, ReceivedOrder.state == ReceivedState.INJECTED)
    with panel.platform.db.write() as db:
        db.execute(
            sa.update(ReceivedOrder)
            .where(ReceivedOrder.id == order.id)
            .values(ack_state=state, sealed_ack_message=ack_refused(order, message))
        )
    assert f"Acknowledgement {words}" in panel.browser(ALICE).get(f"/received-orders/{order.id}").text


def test_support_sees_the_recipient_masked(panel: Panel) -> None:
    order = order_with(panel, ReceivedOrder.state == ReceivedState.INJECTED)
    name = recipient_name(panel, order)
    page = panel.browser(SUPPORT).get(f"/received-orders/{order.id}")
    assert "Masked" in page.text
    assert name not in page.html
    assert "simbuyer" not in page.html.lower()
    assert panel.browser(SUPPORT).get(f"/received-orders/{order.id}/address").status == 403


def test_the_warehouse_reads_where_its_orders_go_but_no_received_orders(panel: Panel) -> None:
    order = order_with(panel, ReceivedOrder.state == ReceivedState.INJECTED)
    browser = panel.browser(PACKER)
    assert browser.get(f"/received-orders/{order.id}").status == 404
    page = browser.get(f"/warehouse/orders?q={order.number}")
    page = browser.get(page.link(order.number))
    assert recipient_name(panel, order) in page.text


def test_an_erased_recipient_is_said_to_be_erased(panel: Panel) -> None:
    order = order_with(panel, ReceivedOrder.state == ReceivedState.INJECTED)
    with panel.platform.db.write() as db:
        db.execute(
            sa.update(Recipient).where(Recipient.order_id == order.id).values(sealed=None, erased_at=panel.clock.now())
        )
    assert "was erased" in panel.browser(ALICE).get(f"/received-orders/{order.id}").text


def test_a_cancellation_request_is_shipped_anyway(panel: Panel) -> None:
    order = held(panel, HoldCode.CANCELLATION_REQUESTED)
    browser = panel.browser(ALICE)
    browser.get(f"/received-orders/{order.id}")
    page = browser.press("Ship it anyway")
    assert "The order is approved" in page.messages
    assert "by Alice" in page.text
    with panel.platform.db.read() as db:
        left = set(db.scalars(sa.select(Hold.code).where(Hold.order_id == order.id)))
    assert HoldCode.CANCELLATION_REQUESTED not in left


def test_an_order_the_cart_warns_of_says_why_and_is_shipped_when_a_person_wants_it(panel: Panel) -> None:
    caution, now = "The label of this order comes from the <shop>.", panel.clock.now()
    warned = Order(
        remote_id="111-7654321-1234567",
        site="ATVPDKIKX0DER",
        state=OrderState.READY,
        fulfilled_by=FulfilledBy.MERCHANT,
        created_at=now,
        updated_at=now,
        lines=(OrderLine("1", "TENT-2P", "Tent", 1, 0, 1),),
        shipping_method="STANDARD",
        recipient=Address(name="Ann", lines=("1 Main St",), city="Reno", postal_code="89501", country="US"),
        caution=caution,
    )
    store = panel.store(panel.northwind)
    with panel.platform.db.write() as db:
        stage(panel.platform, db, db.get_one(Integration, store.id), ShippingMappingUI(()), [warned])
    order = order_with(panel, ReceivedOrder.remote_id == warned.remote_id)
    browser = panel.browser(ALICE)
    assert warned.remote_id in browser.get("/received-orders?hold=CAUTION").text
    page = browser.get(f"/received-orders/{order.id}")
    assert f"The cart advises caution {caution} Ship it anyway" in page.text
    page = browser.press("Ship it anyway")
    assert "The order is approved" in page.messages
    assert "Ship it anyway" not in page.text
    assert reload(panel, order).state == ReceivedState.STAGED


def test_a_hold_that_must_be_fixed_cannot_be_approved(panel: Panel) -> None:
    order = held(panel, HoldCode.SKU_UNKNOWN)
    browser = panel.browser(ALICE)
    page = browser.post(f"/received-orders/{order.id}/approve", {"code": "SKU_UNKNOWN"})
    assert page.status == 400
    assert "its cause must be fixed" in page.alerts[0]
    assert page.heading == f"Order {order.remote_id}"


def test_an_order_is_dismissed_with_a_reason_only(panel: Panel) -> None:
    order = held(panel, HoldCode.SKU_UNKNOWN)
    browser = panel.browser(ALICE)
    browser.get(f"/received-orders/{order.id}")
    page = browser.press("Dismiss this order", reason=" ")
    assert page.status == 400
    assert "Say why" in page.problem_at("Reason")
    page = browser.press("Dismiss this order", reason="Shipped from our own store")
    assert "dismissed" in page.messages
    assert "Shipped from our own store" in page.text
    assert reload(panel, order).state == ReceivedState.DISMISSED


def test_an_order_shipped_elsewhere_is_ended_with_a_note_only(panel: Panel) -> None:
    order = held(panel, HoldCode.SKU_UNKNOWN)
    browser = panel.browser(ALICE)
    browser.get(f"/received-orders/{order.id}")
    page = browser.press("It was shipped elsewhere", note=" ")
    assert page.status == 400
    assert "Say from where" in page.problem_at("From where")
    page = browser.press("It was shipped elsewhere", note="Our own store, UPS 1Z999")
    assert "closed here as shipped elsewhere" in page.messages
    assert "Shipped elsewhere: Our own store, UPS 1Z999 by Alice" in page.text
    assert reload(panel, order).state == ReceivedState.DISMISSED
    assert "It was shipped elsewhere" not in [button.text.strip() for button in page.soup.find_all("button")]


def package(panel: Panel, order: ReceivedOrder, number: int, refusal: str = "", **values: object) -> int:
    """A package of an order as the warehouse reported it."""
    with panel.platform.db.write() as db:
        line = db.scalars(sa.select(ReceivedLine).where(ReceivedLine.order_id == order.id)).first()
        assert line is not None
        facts: dict[str, object] = {
            "carrier": "UPS",
            "service": "Ground",
            "tracking_number": f"1Z{number}",
            "post_state": PostState.DUE,
            "sealed_post_message": post_refused(order.id, str(number), refusal),
            **values,
        }
        row = Package(
            account_id=order.account_id,
            integration_id=order.integration_id,
            order_id=order.id,
            warehouse_ref=str(number),
            revision=1,
            reference=str(number),
            shipped_at=panel.clock.now(),
            seen_at=panel.clock.now(),
            contents=[PackageContent(warehouse_sku="LAMP-USB", quantity=2)],
            units=[PackageUnits(line_id=line.id, quantity=1)],
            **facts,
        )
        db.add(row)
        db.flush()
        return row.id


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "Due"),
        ({"post_at": datetime(2026, 11, 23, 12, 5, tzinfo=UTC)}, "Due Next try Nov 23, 12:05"),
        ({"post_state": PostState.WAITING}, "Waits: it completes no unit of the cart yet"),
        (
            {"post_state": PostState.DONE, "posted_at": datetime(2026, 11, 23, 11, 0, tzinfo=UTC)},
            "The cart has it Last post Nov 23, 11:00",
        ),
        (
            {"post_state": PostState.REJECTED, "refusal": "No such line."},
            "Refused No such line. Correct what is wrong, in the warehouse or at Amazon, then send it again; or enter "
            "it at Amazon yourself and say so here. Send tracking again Entered by hand",
        ),
        ({"post_state": PostState.NOT_NEEDED}, "The cart takes no tracking"),
        ({"post_state": PostState.VOIDED}, "Voided"),
    ],
    ids=["due", "retry", "waiting", "done", "rejected", "not needed", "voided"],
)
def test_packages_are_shown_with_what_the_cart_knows_of_them(panel: Panel, values: dict[str, Any], words: str) -> None:
    order = order_with(panel, ReceivedOrder.state == ReceivedState.INJECTED)
    package(panel, order, 1, **values)
    page = panel.browser(ALICE).get(f"/received-orders/{order.id}")
    times = "\N{MULTIPLICATION SIGN}"
    section = page.soup.find(attrs={"aria-labelledby": "packages-title"})
    assert section is not None
    text = " ".join(section.get_text(" ").split())
    assert f"UPS Ground 1Z1 LAMP-USB {times} 2" in text
    assert f"{times} 1 {words}" in text
    shown_to_support = panel.browser(SUPPORT).get(f"/received-orders/{order.id}")
    assert "1Z1" in shown_to_support.text and "Send tracking again" not in shown_to_support.text


def test_a_refused_package_is_posted_again(panel: Panel) -> None:
    order = order_with(panel, ReceivedOrder.state == ReceivedState.INJECTED)
    package_id = package(panel, order, 1, post_state=PostState.REJECTED, refusal="No such line.")
    browser = panel.browser(ALICE)
    browser.get(f"/received-orders/{order.id}")
    page = browser.press("Send tracking again")
    assert "The tracking is sent again." in page.messages
    assert "Posted again by a person. by Alice" in page.text
    with panel.platform.db.read() as db:
        assert db.get_one(Package, package_id).post_state == PostState.DUE
    page = browser.post(f"/received-orders/{order.id}/post-again", {"package_id": package_id})
    assert page.status == 409
    assert "Only a package the shop refused" in page.alerts[0]


def test_a_refused_package_that_was_entered_by_hand_is_done(panel: Panel) -> None:
    order = order_with(panel, ReceivedOrder.state == ReceivedState.INJECTED)
    package_id = package(panel, order, 1, post_state=PostState.REJECTED, refusal="Corrected too often.")
    browser = panel.browser(ALICE)
    browser.get(f"/received-orders/{order.id}")
    page = browser.press("Entered by hand")
    assert "The tracking counts as entered at the cart; it is not sent again." in page.messages
    assert "was entered at the cart. by Alice" in page.text
    assert "Corrected too often." not in page.text
    assert "Tracking refused" not in browser.get("/received-orders?refused=tracking").text
    with panel.platform.db.read() as db:
        assert db.get_one(Package, package_id).post_state == PostState.DONE
    assert browser.post(f"/received-orders/{order.id}/entered-by-hand", {"package_id": package_id}).status == 409
    assert "Entered by hand" not in panel.browser(SUPPORT).get(f"/received-orders/{order.id}").text


@pytest.mark.parametrize(
    ("button", "state", "told"),
    [
        ("Acknowledge again", AckState.DUE, "The acknowledgement is sent again."),
        ("Go on without", AckState.NOT_NEEDED, "The order goes on without acknowledgement."),
    ],
)
def test_a_refused_acknowledgement_has_an_end(panel: Panel, button: str, state: str, told: str) -> None:
    order = order_with(panel, ReceivedOrder.state == ReceivedState.INJECTED)
    with panel.platform.db.write() as db:
        row = sa.update(ReceivedOrder).where(ReceivedOrder.id == order.id)
        db.execute(row.values(ack_state=AckState.REJECTED, sealed_ack_message=ack_refused(order, "No such line.")))
    browser = panel.browser(ALICE)
    browser.get(f"/received-orders/{order.id}")
    page = browser.press(button)
    assert told in page.messages
    assert "by a person. by Alice" in page.text or "as a person decided. by Alice" in page.text
    with panel.platform.db.read() as db:
        assert db.get_one(ReceivedOrder, order.id).ack_state == state
    action = f"/received-orders/{order.id}/acknowledgement"
    assert browser.post(action, {}).status == 409
    assert panel.browser(CHARLIE).post(action, {}).status == 404


def test_another_accounts_package_is_not_posted(panel: Panel) -> None:
    order = order_with(panel, ReceivedOrder.state == ReceivedState.INJECTED)
    package_id = package(panel, order, 1, post_state=PostState.REJECTED)
    with panel.platform.db.read() as db:
        own = db.scalars(sa.select(ReceivedOrder.id).where(ReceivedOrder.account_id == panel.contoso)).first()
    charlie = panel.browser(CHARLIE)
    for action in ("post-again", "entered-by-hand"):
        assert charlie.post(f"/received-orders/{own}/{action}", {"package_id": package_id}).status == 404
    with panel.platform.db.read() as db:
        assert db.get_one(Package, package_id).post_state == PostState.REJECTED


def test_field_F2_the_order_tells_what_amazon_sees_of_its_carriers(panel: Panel) -> None:
    order = order_with(panel, ReceivedOrder.state == ReceivedState.INJECTED)
    package(panel, order, 1, carrier="FedEx Ground")
    page = panel.browser(ALICE).get(f"/received-orders/{order.id}")
    assert "sees Other" not in page.text
    package(panel, order, 2, carrier="Bob's Van")
    page = panel.browser(ALICE).get(f"/received-orders/{order.id}")
    assert "Bob's Van Ground 1Z2 Amazon sees Other, with this name." in page.text


def test_an_address_is_entered(panel: Panel) -> None:
    order = held(panel, HoldCode.ADDRESS_MISSING)
    browser = panel.browser(ALICE)
    page = browser.get(f"/received-orders/{order.id}/address")
    typed = {"name": "Pat Example", "line1": "1 Main Street", "city": "Springfield", "postal_code": "62701"}
    typed["country"] = "US"
    page = browser.press("Save address", **{**typed, "country": "U5"})
    assert page.status == 400
    assert "unknown country code" in page.problem_at("Country")
    assert page.field("Street")["value"] == "1 Main Street"
    page = browser.press("Save address", **{**typed, "name": "x" * 201})
    assert page.status == 400
    assert page.problem_at("Name") == "A part of an address has at most 200 characters."
    page = browser.press("Save address", **typed)
    assert "The address was corrected" in page.messages
    assert "Pat Example" in page.text
    assert reload(panel, order).address_corrected


def test_a_placed_orders_address_cannot_be_changed(panel: Panel) -> None:
    order = order_with(panel, ReceivedOrder.state == ReceivedState.INJECTED)
    browser = panel.browser(ALICE)
    browser.get(f"/received-orders/{order.id}/address")
    page = browser.press("Save address")
    assert page.status == 409
    assert "already" in page.alerts[0]


def test_first_reviews_are_approved_together(panel: Panel) -> None:
    waiting = held(panel, HoldCode.SKU_UNKNOWN)
    with panel.platform.db.write() as db:
        db.execute(sa.update(Integration).where(Integration.account_id == panel.northwind).values(review_first=True))
        db.add(Hold(order_id=waiting.id, code=HoldCode.FIRST_REVIEW, subject=""))
    browser = panel.browser(ALICE)
    page = browser.get("/received-orders")
    assert "1 order of Outdoor waits for your first review." in page.text
    page = browser.press("Approve all")
    assert "1 order approved." in page.messages
    assert HoldCode.FIRST_REVIEW in reload(panel, waiting).waived


def test_help_knows_which_order_it_is_about(panel: Panel) -> None:
    order = held(panel, HoldCode.UNKNOWN_VALUE)
    browser = panel.browser(ALICE)
    page = browser.get(f"/received-orders/{order.id}")
    page = browser.get(page.link("Ask for help with this order"))
    assert f"/received-orders/{order.id}" in page.text


def test_no_buyer_stands_in_an_address_or_a_log(panel: Panel, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    order = order_with(panel, ReceivedOrder.state == ReceivedState.INJECTED)
    name = recipient_name(panel, order)
    page = panel.browser(ALICE).get(f"/received-orders/{order.id}")
    assert name in page.text
    assert all(name not in str(tag.get("href", "")) for tag in page.soup.find_all("a"))
    assert name not in caplog.text


def test_scripts_read_the_orders_as_json_without_buyers(panel: Panel) -> None:
    browser = panel.browser(ALICE)
    store = panel.store(panel.northwind)
    response = browser.client.get(f"/received-orders.json?integration={store.id}")
    answer = response.get_json()
    assert answer["account"] == "Northwind"
    assert len(answer["orders"]) == 18
    assert answer["next"] is None
    assert answer["checked_at"].startswith("2026-11-23T12:00")
    held_order = next(row for row in answer["orders"] if row["state"] == "HELD")
    assert held_order["holds"][0]["sentence"]
    assert "Simbuyer" not in response.get_data(as_text=True)
    assert browser.client.get("/received-orders.json?after=1000000").get_json()["orders"] == []


def test_scripts_of_another_account_get_nothing_of_it(panel: Panel) -> None:
    store = panel.store(panel.northwind)
    charlie = panel.browser(CHARLIE)
    assert charlie.client.get(f"/received-orders.json?integration={store.id}").status_code == 404
    answer = charlie.client.get("/received-orders.json").get_json()
    assert {row["integration"] for row in answer["orders"]} == {panel.store(panel.contoso).id}
