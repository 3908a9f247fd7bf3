"""What the page of an order tells of promises, programs, demands and what buyers wrote or had made."""

from __future__ import annotations

import base64
import dataclasses
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from is2_core.audit import Act
from is2_core.audit.models import AuditEntry
from is2_core.db.types import seal
from is2_core.embedded_warehouse.models import WarehouseFile, WarehouseOrder
from is2_core.embedded_warehouse.requirements import to_json
from is2_core.embedded_warehouse.resealing import copy_recipients
from is2_core.orders.models import (
    ImportCursor,
    LineCustomization,
    PlacedComponent,
    ReceivedLine,
    ReceivedOrder,
    Recipient,
)
from is2_core.orders.states import CustomizationState, ReceivedState
from is2_core.warehouses.calls import warehouse_of
from plugins.warehouse import HandlingKind, HandlingRequirement
from tests.support.browser import Page
from tests.support.buyers import change_pii, pii_of
from tests.support.panel import ADMIN, ALICE, BOB, CHARLIE, PACKER, SUPPORT, Panel

ZIP = b"PK\x03\x04 what the buyer drew"


class Placed:
    """An order of Northwind that the warehouse has, its first line and its warehouse order."""

    def __init__(self, panel: Panel) -> None:
        self.panel = panel
        with panel.platform.db.read() as db:
            self.order = db.scalars(
                sa.select(ReceivedOrder)
                .where(ReceivedOrder.account_id == panel.northwind, ReceivedOrder.state == ReceivedState.INJECTED)
                .order_by(ReceivedOrder.id)
            ).all()[0]
            self.line = db.scalars(sa.select(ReceivedLine).where(ReceivedLine.order_id == self.order.id)).all()[0]
            self.warehouse_id = db.scalars(
                sa.select(WarehouseOrder.id).where(WarehouseOrder.number == self.order.number)
            ).one()
            self.sku = db.scalars(
                sa.select(PlacedComponent.warehouse_sku).where(PlacedComponent.line_id == self.line.id)
            ).all()[0]

    def change(self, table: Any, row_id: int, **values: Any) -> None:
        with self.panel.platform.db.write() as db:
            db.execute(sa.update(table).where(table.id == row_id).values(**values))

    def change_order(self, **values: Any) -> None:
        self.change(ReceivedOrder, self.order.id, **values)

    def change_line(self, **values: Any) -> None:
        self.change(ReceivedLine, self.line.id, **values)

    def store_customization(self, state: CustomizationState, name: str = "design.zip", message: str = "") -> None:
        self.change_line(customization=state)
        stored = state is CustomizationState.STORED
        place = (self.order.integration_id, self.order.remote_id, self.line.remote_id)
        with self.panel.platform.db.write() as db:
            db.add(
                LineCustomization(
                    account_id=self.panel.northwind,
                    line_id=self.line.id,
                    sealed_name=seal(LineCustomization.sealed_name, name, *place) if stored else None,
                    content_type="text/html" if stored else "",
                    sealed=seal(LineCustomization.sealed, base64.b64encode(ZIP).decode(), *place) if stored else None,
                    sealed_message=seal(LineCustomization.sealed_message, message, *place) if message else None,
                )
            )
        asked = to_json([HandlingRequirement(HandlingKind.CUSTOMIZATION, (self.sku,))])
        self.change(WarehouseOrder, self.warehouse_id, requirements=asked)
        self.hand_over()

    def write(self, **notes: str) -> None:
        """Let the buyer write on the line."""
        with self.panel.platform.db.write() as db:
            recipient = db.scalars(sa.select(Recipient).where(Recipient.order_id == self.order.id)).one()
            change_pii(db, recipient, lines={self.line.remote_id: notes})
        self.hand_over()

    def page(self, email: str = ALICE) -> Page:
        return self.panel.browser(email).get(f"/received-orders/{self.order.id}")

    def hand_over(self) -> None:
        """Let the warehouse have what the received order's people and files are now, as it had them from a release
        before."""
        with self.panel.platform.db.write() as db:
            recipient = db.scalars(sa.select(Recipient.id).where(Recipient.order_id == self.order.id)).one()
            db.execute(sa.delete(WarehouseFile).where(WarehouseFile.order_id == self.warehouse_id))
            former = {"recipient_id": recipient, "sealed": None, "erased_at": None}
            db.execute(sa.update(WarehouseOrder).where(WarehouseOrder.id == self.warehouse_id).values(former))
            assert copy_recipients(db, None, 50) == (None, 1)

    def packing(self, email: str = PACKER) -> Page:
        return self.panel.browser(email).get(f"/warehouse/orders/{self.warehouse_id}")

    def files(self) -> tuple[str, str]:
        """The addresses of the customization, for merchants and for packers."""
        with self.panel.platform.db.read() as db:
            theirs = db.scalar(sa.select(WarehouseFile.id).where(WarehouseFile.order_id == self.warehouse_id)) or 0
        return (
            f"/received-orders/{self.order.id}/lines/{self.line.id}/customization",
            f"/warehouse/orders/{self.warehouse_id}/lines/{theirs}/customization",
        )


@pytest.fixture
def placed(panel: Panel) -> Placed:
    return Placed(panel)


def in_zone(panel: Panel, zone: str) -> None:
    platform = dataclasses.replace(panel.platform, config=dataclasses.replace(panel.platform.config, timezone=zone))
    panel.app.extensions["is2"] = platform


def times(page: Page, label: str) -> list[tuple[str, str, str]]:
    """(machine readable, on hovering, as shown) of the times behind a label."""
    term = next(tag for tag in page.soup.find_all("dt") if tag.get_text() == label)
    value = term.find_next_sibling("dd")
    return [(str(tag["datetime"]), str(tag["title"]), tag.get_text()) for tag in value.find_all("time")]


def test_windows_are_in_the_warehouses_zone_with_utc_on_hovering(placed: Placed) -> None:
    placed.change_order(
        ship_after=datetime(2026, 11, 23, 8, 0, tzinfo=UTC),
        ship_by=datetime(2026, 11, 25, 4, 59, tzinfo=UTC),
        deliver_after=None,
        deliver_by=datetime(2027, 1, 2, 4, 59, tzinfo=UTC),
    )
    in_zone(placed.panel, "America/Detroit")
    page = placed.page()
    assert times(page, "Ship window") == [
        ("2026-11-23T08:00:00Z", "Nov 23, 2026, 08:00 UTC", "Nov 23, 2026, 03:00"),
        ("2026-11-25T04:59:00Z", "Nov 25, 2026, 04:59 UTC", "Nov 24, 2026, 23:59 EST"),
    ]
    assert times(page, "Deliver by") == [
        ("2027-01-02T04:59:00Z", "Jan 2, 2027, 04:59 UTC", "Jan 1, 2027, 23:59 EST"),
    ]
    assert "Nov 23, 03:00 to Nov 24, 23:59 EST" in placed.panel.browser(ALICE).get("/received-orders").text


def test_the_packer_sees_both_ends_of_a_window(placed: Placed) -> None:
    placed.change(
        WarehouseOrder,
        placed.warehouse_id,
        ship_after=datetime(2026, 11, 23, 8, 0, tzinfo=UTC),
        ship_by=datetime(2026, 11, 24, 8, 0, tzinfo=UTC),
        deliver_after=datetime(2026, 11, 26, 8, 0, tzinfo=UTC),
        deliver_by=datetime(2026, 11, 28, 8, 0, tzinfo=UTC),
    )
    page = placed.packing()
    assert [shown for _, _, shown in times(page, "Ship window")] == ["Nov 23, 2026, 08:00", "Nov 24, 2026, 08:00 UTC"]
    assert len(times(page, "Delivery window")) == 2


def test_a_window_over_the_end_of_summer_time_names_both_zones(placed: Placed) -> None:
    placed.change_order(
        ship_after=datetime(2026, 10, 24, 12, 0, tzinfo=UTC), ship_by=datetime(2026, 10, 26, 12, 0, tzinfo=UTC)
    )
    in_zone(placed.panel, "Europe/Berlin")
    assert [shown for _, _, shown in times(placed.page(), "Ship window")] == [
        "Oct 24, 2026, 14:00 CEST",
        "Oct 26, 2026, 13:00 CET",
    ]
    in_zone(placed.panel, "America/Sao_Paulo")
    assert times(placed.page(), "Ship window")[1][2] == "Oct 26, 2026, 09:00 UTC-03"


def test_what_is_not_promised_is_not_shown_as_a_time(placed: Placed) -> None:
    placed.change_order(ship_after=datetime(2026, 11, 23, 8, 0, tzinfo=UTC), ship_by=None, deliver_after=None)
    placed.change_order(deliver_by=None)
    page = placed.page()
    assert "Ship window from Nov 23, 2026, 08:00 UTC" in page.text
    assert "Deliver by —" in page.text


def test_programs_are_badges_in_words_wherever_the_order_is_listed(placed: Placed) -> None:
    placed.change_order(tags=["PRIME", "AMAZON_BUSINESS"])
    placed.change(WarehouseOrder, placed.warehouse_id, tags=["PRIME", "NEXT_DAY"])
    for page in (placed.page(), placed.panel.browser(ALICE).get("/received-orders")):
        badges = [tag.get_text() for tag in page.soup.select(".badge")]
        assert {"Prime", "Amazon business"} <= set(badges)
    for page in (placed.packing(), placed.panel.browser(PACKER).get("/warehouse/orders")):
        assert {"Prime", "Next day"} <= {tag.get_text() for tag in page.soup.select(".badge")}


def test_a_replacement_leads_to_the_order_it_replaces(placed: Placed) -> None:
    placed.change_order(original_order="111-7777777-7777777")
    assert "Sent in place of order 111-7777777-7777777 , which is not here." in placed.page().text
    with placed.panel.platform.db.read() as db:
        other = db.scalars(
            sa.select(ReceivedOrder).where(
                ReceivedOrder.integration_id == placed.order.integration_id, ReceivedOrder.id != placed.order.id
            )
        ).first()
        foreign = db.scalars(sa.select(ReceivedOrder).where(ReceivedOrder.account_id == placed.panel.contoso)).first()
    assert other is not None
    assert foreign is not None
    placed.change_order(original_order=other.remote_id)
    assert placed.page().link(other.remote_id) == f"/received-orders/{other.id}"
    placed.change_order(original_order=foreign.remote_id)
    assert "which is not here" in placed.page().text


def test_lines_tell_their_demands_and_tax_number(placed: Placed) -> None:
    placed.change_line(handling_requirements=["SIGNATURE", "refrigerated"], ioss="IM0123456789")
    page = placed.page()
    assert "Signature on delivery" in page.text
    assert "refrigerated" in page.text
    assert "IOSS number IM0123456789" in page.text


def test_the_packer_is_told_what_to_do(placed: Placed) -> None:
    handling_requirements = [
        HandlingRequirement(kind, (placed.sku, "LAMP-USB"), "IM012" if kind is HandlingKind.IOSS else "")
        for kind in HandlingKind
    ]
    placed.change(WarehouseOrder, placed.warehouse_id, requirements=to_json(handling_requirements))
    page = placed.packing()
    section = page.soup.find("section", attrs={"aria-labelledby": "handling-title"})
    assert section is not None
    assert len(section.find_all("li")) == len(HandlingKind)
    words = " ".join(section.get_text(" ").split())
    asked = f"Note the serial number of each unit of {placed.sku} and LAMP-USB : the shop asks for it."
    assert f"{asked} Enter it on the shop's own pages." in words
    assert f"Put the IOSS number IM012 on the customs declaration of {placed.sku} and LAMP-USB ." in words


def test_the_wrapping_a_buyer_paid_for_is_named(placed: Placed) -> None:
    wrapped = to_json([HandlingRequirement(HandlingKind.GIFT, (placed.sku,), "Classic <Gift> Bag")])
    placed.change(WarehouseOrder, placed.warehouse_id, requirements=wrapped)
    assert f"Pack {placed.sku} as a gift, in the wrapping Classic <Gift> Bag ." in placed.packing().text
    placed.change_line(gift=True, gift_wrap="Classic <Gift> Bag")
    assert "Gift, Classic <Gift> Bag" in placed.page().text


def test_what_the_buyer_wrote_is_shown_before_there_is_an_address(placed: Placed) -> None:
    placed.write(gift_message="For dear Ann")
    with placed.panel.platform.db.write() as db:
        recipient = db.scalars(sa.select(Recipient).where(Recipient.order_id == placed.order.id)).one()
        change_pii(db, recipient, address=None, buyer={"name": "Bo Buyer"})
    page = placed.page()
    assert "The cart has given no address yet." in page.text
    assert "For dear Ann" in page.text and "Bo Buyer" in page.text
    support = placed.page(SUPPORT)
    assert "dear Ann" not in support.html and "Bo Buyer" not in support.html


def test_a_plain_order_asks_for_nothing(placed: Placed) -> None:
    placed.change(WarehouseOrder, placed.warehouse_id, requirements=[])
    placed.write()
    assert "What this order asks for" not in placed.packing().text


def test_every_part_of_an_address_is_shown_to_who_packs_and_sells_only(placed: Placed) -> None:
    parts = {"district": "Beyoglu", "kind": "PICKUP_POINT", "instructions": "Ring twice"}
    with placed.panel.platform.db.write() as db:
        recipient = db.scalars(sa.select(Recipient).where(Recipient.order_id == placed.order.id)).one()
        change_pii(db, recipient, address={**pii_of(db, recipient)["address"], **parts})
    placed.hand_over()
    for page in (placed.page(), placed.packing()):
        for shown in ("Beyoglu", "Kind of address: Pickup point", "Ring twice"):
            assert shown in page.text
    for page in (placed.page(SUPPORT), placed.packing(ADMIN)):
        assert "Beyoglu" not in page.html and "Ring twice" not in page.html


def test_a_gift_message_is_shown_to_who_packs_and_sells_only(placed: Placed) -> None:
    placed.write(gift_message="Happy <b>birthday</b>,\ndear Ann")
    for page in (placed.page(), placed.page(BOB), placed.packing()):
        assert f"Gift message for {placed.line.sku} : Happy <b>birthday</b>, dear Ann" in page.text
        assert "<b>birthday" not in page.html
    for page in (placed.page(SUPPORT), placed.packing(SUPPORT), placed.packing(ADMIN)):
        assert page.status == 200
        assert "dear Ann" not in page.html


def test_a_customization_is_downloaded_by_who_sells_or_packs(placed: Placed) -> None:
    placed.store_customization(CustomizationState.STORED)
    received, warehouse = placed.files()
    assert placed.page().link(f"Download the customization of {placed.line.sku}") == received
    assert placed.packing().link(f"Download the customization of {placed.line.sku}") == warehouse
    for email, address in ((ALICE, received), (BOB, received), (PACKER, warehouse), (ALICE, warehouse)):
        answer = placed.panel.browser(email).client.get(address)
        assert (answer.status_code, answer.get_data()) == (200, ZIP)
        assert answer.headers["Content-Disposition"] == "attachment; filename=design.zip"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.mimetype == "application/octet-stream"
    with placed.panel.platform.db.read() as db:
        looks = db.execute(
            sa.select(AuditEntry.actor, AuditEntry.subject).where(AuditEntry.act == Act.BUYER_SHOWN)
        ).all()
    assert [(who, what.split()[0]) for who, what in looks if "line" in what or "file" in what] == [
        (ALICE, "received"),
        (BOB, "received"),
        (PACKER, "warehouse"),
        (ALICE, "warehouse"),
    ]


def test_nobody_else_sees_what_a_buyer_had_made(placed: Placed) -> None:
    placed.store_customization(CustomizationState.STORED)
    received, warehouse = placed.files()
    for email, address, status in (
        (SUPPORT, received, 403),
        (SUPPORT, warehouse, 403),
        (ADMIN, received, 403),
        (ADMIN, warehouse, 403),
        (CHARLIE, received, 404),
        (CHARLIE, warehouse, 404),
        (PACKER, received, 404),
    ):
        assert placed.panel.browser(email).client.get(address).status_code == status, (email, address)
    page = placed.page(SUPPORT)
    assert "Customized by the buyer" in page.text
    assert "Download the customization" not in page.text
    assert "Download the customization" not in placed.packing(SUPPORT).text


def test_a_line_of_another_order_is_not_found_under_this_one(placed: Placed) -> None:
    placed.store_customization(CustomizationState.STORED)
    with placed.panel.platform.db.read() as db:
        other = db.scalars(
            sa.select(ReceivedOrder.id).where(
                ReceivedOrder.account_id == placed.panel.northwind, ReceivedOrder.id != placed.order.id
            )
        ).first()
        packed = db.scalars(
            sa.select(WarehouseOrder.id).where(
                WarehouseOrder.account_id == placed.panel.northwind, WarehouseOrder.id != placed.warehouse_id
            )
        ).first()
    client = placed.panel.browser(ALICE).client
    for start in (f"/received-orders/{other}", f"/warehouse/orders/{packed}"):
        assert client.get(f"{start}/lines/{placed.line.id}/customization").status_code == 404


@pytest.mark.parametrize(
    ("name", "given"),
    [("..\\..\\boot.ini", "boot.ini"), ('a"b\r\nX: y.zip', "ab_X_y.zip"), ("\N{SNOWMAN}", "customization-{line}")],
)
def test_the_name_of_a_file_is_made_safe(placed: Placed, name: str, given: str) -> None:
    placed.store_customization(CustomizationState.STORED, name)
    answer = placed.panel.browser(ALICE).client.get(placed.files()[0])
    expected = given.format(line=placed.line.id)
    assert answer.headers["Content-Disposition"] == f"attachment; filename={expected}"


def test_a_customization_that_is_not_here_is_said_to_be(placed: Placed) -> None:
    placed.change_line(customization=CustomizationState.DUE)
    assert "The customization is being fetched." in placed.page().text
    placed.store_customization(CustomizationState.FAILED, message="The cart gives no address for it any more.")
    assert "The customization is missing. The cart gives no address for it any more." in placed.page().text
    assert f"on {placed.sku} did not come with the order: ask the merchant for it." in placed.packing().text
    answer = placed.panel.browser(ALICE).get(placed.files()[0])
    assert answer.status == 404
    assert "There is no such file here" in answer.text


def test_an_erased_customization_is_said_to_be_and_not_linked(placed: Placed) -> None:
    placed.store_customization(CustomizationState.STORED)
    with placed.panel.platform.db.write() as db:
        db.execute(sa.update(LineCustomization).values(sealed=None))
    warehouse_of(placed.panel.platform, "embedded", placed.panel.northwind).forget(placed.order.number)
    assert "The recipient's data was erased" in placed.packing().text
    assert "The customization was erased." in placed.page().text
    for page in (placed.page(), placed.packing()):
        assert "Download the customization" not in page.text
    assert placed.panel.browser(ALICE).client.get(placed.files()[0]).status_code == 404


def test_an_address_that_does_not_last_is_shown_only_where_nothing_is_fetched(placed: Placed) -> None:
    placed.write(customization_url="https://custom.example/1")
    assert "https://custom.example/1" in placed.page().text
    placed.store_customization(CustomizationState.STORED)
    assert "https://custom.example/1" not in placed.page().html


def test_a_thinner_listing_is_told_on_the_stores_card(panel: Panel) -> None:
    store = panel.store(panel.northwind)
    message = "Amazon gave no addresses with its last list of orders."
    with panel.platform.db.write() as db:
        db.execute(
            sa.update(ImportCursor)
            .where(ImportCursor.integration_id == store.id, ImportCursor.kind == "routine")
            .values(notice=message)
        )
    assert message in panel.browser(ALICE).get("/integrations").text
    assert message not in panel.browser(CHARLIE).get("/integrations").text


def test_a_buyer_copied_from_another_order_is_not_shown(placed: Placed) -> None:
    placed.store_customization(CustomizationState.STORED)
    with placed.panel.platform.db.write() as db:
        other = db.scalars(sa.select(Recipient).where(Recipient.order_id != placed.order.id).limit(1)).one()
        name = pii_of(db, other)["address"]["name"]
        # By the text itself, as somebody does who can write to the database.
        text = db.scalar(sa.text("SELECT sealed FROM recipient WHERE id = :id"), {"id": other.id})
        copied = {"text": text, "id": placed.order.id}
        db.execute(sa.text("UPDATE recipient SET sealed = :text WHERE order_id = :id"), copied)
        theirs = sa.select(WarehouseOrder.id).where(WarehouseOrder.id != placed.warehouse_id).limit(1)
        copied = {"other": db.scalar(theirs), "id": placed.warehouse_id}
        there = (
            "UPDATE warehouse_order SET sealed = (SELECT sealed FROM warehouse_order WHERE id = :other) WHERE id = :id"
        )
        db.execute(sa.text(there), copied)
    for page in (placed.page(), placed.packing()):
        assert page.status == 200
        assert "What is stored of the buyer cannot be opened" in page.text
        assert name not in page.html
    with placed.panel.platform.db.write() as db:
        db.execute(sa.text("UPDATE line_customization SET sealed = :text"), {"text": text})
    download = placed.panel.browser(ALICE).get(
        f"/received-orders/{placed.order.id}/lines/{placed.line.id}/customization"
    )
    assert download.status == 409
    assert "encrypted for another place" in download.text
