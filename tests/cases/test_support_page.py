"""Requests for help and their answers; the support's page of cases."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from is2_core.cases import cases as support
from is2_core.cases.models import SupportCase
from is2_core.cases.states import CaseKind
from is2_core.orders.models import ReceivedOrder
from tests.support.browser import Page
from tests.support.panel import ADMIN, ALICE, BOB, CHARLIE, PACKER, SUPPORT, Panel

QUESTION = "Where is it?\nThe buyer asks."


def an_order(panel: Panel, account_id: int) -> ReceivedOrder:
    with panel.platform.db.read() as db:
        return db.scalars(sa.select(ReceivedOrder).where(ReceivedOrder.account_id == account_id)).first()  # type: ignore[return-value]


def cases(panel: Panel) -> list[SupportCase]:
    with panel.platform.db.read() as db:
        return list(db.scalars(sa.select(SupportCase).order_by(SupportCase.id)))


def asked_about(panel: Panel, page: str, email: str = ALICE) -> tuple[Page, SupportCase]:
    browser = panel.browser(email)
    browser.get(f"/help?from={page}")
    answer = browser.press("Request help", text=QUESTION)
    return answer, cases(panel)[-1]


def test_every_page_leads_to_the_form_and_back(panel: Panel) -> None:
    browser = panel.browser(ALICE)
    page = browser.get(browser.get("/received-orders").link("Help"))
    assert "the page /received-orders" in page.text
    assert page.link("Back to the page") == "/received-orders"
    page = browser.press("Request help", text=QUESTION)
    assert "Your request was sent" in page.messages
    assert "Where is it? The buyer asks. Open" in page.text
    (case,) = cases(panel)
    assert (case.account_id, case.page, case.message) == (panel.northwind, "/received-orders", QUESTION)
    assert (case.order_id, case.integration_id) == (None, None)


def test_a_held_orders_help_has_the_order_attached(panel: Panel) -> None:
    order = an_order(panel, panel.northwind)
    browser = panel.browser(ALICE)
    page = browser.get(browser.get(f"/received-orders/{order.id}").link("Ask for help with this order"))
    assert f"order {order.remote_id} of Outdoor" in page.text
    page, case = asked_about(panel, f"/received-orders/{order.id}")
    assert (case.order_id, case.integration_id) == (order.id, order.integration_id)
    assert page.link(order.remote_id) == f"/received-orders/{order.id}"
    assert "Help was requested. by Alice" in browser.get(f"/received-orders/{order.id}").text


@pytest.mark.parametrize("page", ["/integrations/{store}/items", "/integrations/{store}/items.csv", "/items/{item}"])
def test_a_stores_pages_attach_the_store(panel: Panel, page: str) -> None:
    store = panel.store(panel.northwind)
    _, case = asked_about(panel, page.format(store=store.id, item=1))
    assert (case.order_id, case.integration_id) == (None, store.id)


def test_a_refused_forms_address_is_not_one_to_go_back_to(panel: Panel) -> None:
    order = an_order(panel, panel.northwind)
    _, case = asked_about(panel, f"/received-orders/{order.id}/dismiss")
    assert (case.order_id, case.page) == (order.id, f"/received-orders/{order.id}")


@pytest.mark.parametrize("page", ["//evil.example/x", "https://evil.example", "/no/such/page", "/\\evil.example"])
def test_a_page_that_is_none_of_ours_is_left_out(panel: Panel, page: str) -> None:
    shown = panel.browser(ALICE).get(f"/help?from={page}")
    assert shown.status == 200
    assert "Back to the page" not in shown.text
    _, case = asked_about(panel, page)
    assert case.page == ""


def test_nothing_of_another_account_is_attached(panel: Panel) -> None:
    order = an_order(panel, panel.northwind)
    store = panel.store(panel.northwind)
    for page in (f"/received-orders/{order.id}", f"/integrations/{store.id}/items"):
        shown = panel.browser(CHARLIE).get(f"/help?from={page}")
        assert order.remote_id not in shown.text and "Outdoor" not in shown.text
        _, case = asked_about(panel, page, CHARLIE)
        assert (case.account_id, case.order_id, case.integration_id) == (panel.contoso, None, None)


def test_a_request_without_words_is_refused_at_its_field(panel: Panel) -> None:
    browser = panel.browser(ALICE)
    browser.get("/help?from=/received-orders")
    page = browser.press("Request help", text="  ")
    assert page.status == 400
    assert "Say what you need help with" in page.problem_at("What do you need help with?")
    assert "the page /received-orders" in page.text
    assert cases(panel) == []


@pytest.mark.parametrize("email", [None, PACKER, SUPPORT])
def test_who_has_no_account_reads_how_to_reach_a_person(panel: Panel, email: str | None) -> None:
    browser = panel.browser(email)
    page = browser.get("/help?from=/integrations")
    assert page.status == 200
    assert "Write to your contact" in page.text
    assert "Request help" not in [button.text for button in page.soup.find_all("button")]
    if email is not None:
        assert browser.post("/help", {"text": "x"}).status in (403, 404)
    assert cases(panel) == []


def test_the_support_answers_and_the_team_reads_it(panel: Panel) -> None:
    order = an_order(panel, panel.northwind)
    _, case = asked_about(panel, f"/received-orders/{order.id}")
    sue = panel.browser(SUPPORT)
    page = sue.get("/support")
    assert f"Case {case.id}: Northwind Request" in page.text
    assert "from Alice" in page.text
    assert page.link("Outdoor").startswith("/integrations/")
    assert sue.get(page.link(order.remote_id)).heading == f"Order {order.remote_id}"
    page = sue.get("/support")
    page = sue.press("Close with this answer", answer=" ")
    assert page.status == 400
    assert "Write what was found or done" in page.problem_at(f"Answer to case {case.id}")
    page = sue.press("Close with this answer", answer="It left today.")
    assert f"Case {case.id} is closed" in page.messages
    assert "Nobody waits for an answer." in page.text
    assert "Answer: It left today." in sue.get("/support?closed=1").text
    shown = panel.browser(BOB).get("/help")
    assert "It left today." in shown.text
    assert "It left today." not in panel.browser(CHARLIE).get("/help").text


def test_cases_of_the_platform_are_told_apart(panel: Panel) -> None:
    with panel.platform.db.write() as db:
        support.raise_case(
            db,
            panel.clock.now(),
            account_id=panel.contoso,
            kind=CaseKind.OVERSOLD,
            subject="sku TENT-2P",
            message="2 more units of TENT-2P are promised than there are.",
        )
    asked_about(panel, "/received-orders")
    browser = panel.browser(ADMIN)
    page = browser.get("/support?kind=OVERSOLD")
    assert "Contoso Oversold" in page.text
    assert "About sku TENT-2P" in page.text
    assert "Northwind" not in page.soup.find("main").text  # type: ignore[union-attr]


def test_cases_are_for_the_support(panel: Panel) -> None:
    _, case = asked_about(panel, "/received-orders")
    for email in (ALICE, PACKER):
        browser = panel.browser(email)
        assert browser.get("/support").status == 403
        assert browser.post("/support/close", {"case_id": case.id, "answer": "x"}).status == 403
    assert panel.browser().get("/support").heading == "Sign in"
    assert panel.browser(SUPPORT).post("/support/close", {"case_id": 10_000, "answer": "x"}).status == 404
    assert cases(panel)[0].closed_at is None


def test_what_people_write_is_shown_as_text(panel: Panel) -> None:
    browser = panel.browser(ALICE)
    browser.get("/help")
    page = browser.press("Request help", text="<script>alert(1)</script>")
    for shown in (page, panel.browser(SUPPORT).get("/support")):
        assert shown.soup.find("script", string="alert(1)") is None
        assert "<script>alert(1)</script>" in shown.text


def test_a_case_of_the_installation_is_the_supports_alone(panel: Panel) -> None:
    with panel.platform.db.write() as db:
        for _ in range(2):
            support.raise_case(
                db, panel.clock.now(), account_id=None, kind=CaseKind.CLOCK_PUT_BACK, subject="clock", message="Ahead."
            )
    (case,) = cases(panel)
    browser = panel.browser(SUPPORT)
    page = browser.get("/support")
    assert f"Case {case.id}: this installation" in page.text and "A clock was put back" in page.text
    page = browser.press("Close with this answer", answer="NTP is on again.")
    assert f"Case {case.id} is closed." in page.messages
    assert "Ahead." not in panel.browser(ALICE).get("/help").text
