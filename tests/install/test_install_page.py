"""Connecting a store, from the public link to View Integrations, against the simulated Amazon."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from is2_tiny.shop import Shop, create_shop

from is2_core.accounts.models import Integration, Membership, User
from is2_core.accounts.states import IntegrationState
from is2_core.admin import cart_setup
from is2_core.integrations import legacy_authorization
from plugins.testkit import served
from tests.support.amazon import SimulatedAmazon
from tests.support.browser import PASSWORD, Browser, Page
from tests.support.consent import walk_consent
from tests.support.panel import ALICE, BOB, CHARLIE, Panel

HARBOR, SUMMIT = "A2SIMNA0000002", "A2SIMNA0000003"


def leave(browser: Browser, region: str = "na") -> str:
    """Go as far as the page that leads to Amazon; gives the consent page's address."""
    browser.get(f"/amazon/install/sign-in?region={region}")
    page = browser.press("Continue to Amazon")
    assert page.heading == "On to Amazon"
    return page.link("Continue to Amazon")


def connect(browser: Browser, seller: str = HARBOR) -> Page:
    """Go as far as the settings page."""
    return browser.get(walk_consent(leave(browser), seller))


def setups(panel: Panel) -> list[Integration]:
    with panel.platform.db.read() as db:
        return list(
            db.scalars(
                sa.select(Integration)
                .where(Integration.account_id == panel.northwind, Integration.state == IntegrationState.SETUP)
                .order_by(Integration.id)
            )
        )


def test_the_whole_road(panel: Panel, amazon: SimulatedAmazon) -> None:
    browser = panel.browser()
    page = browser.get("/amazon/install")
    assert "United States, Canada, Mexico, Brazil" in page.text
    page = browser.press("Submit", region="na")
    assert page.heading == "Sign in with your fulfillment account"
    page = browser.press("Sign in", email=ALICE, password=PASSWORD)
    assert page.heading == "Continue as Alice?"
    assert "Create in account Northwind" in page.text
    assert "WMS target Embedded warehouse" in page.text
    page = browser.press("Continue to Amazon")
    consent = page.link("Continue to Amazon")
    assert consent.startswith(amazon.address)
    refresh = page.soup.find("meta", attrs={"http-equiv": "refresh"})
    assert refresh is not None
    assert refresh["content"] == f"0; url={consent}"
    page = browser.get(walk_consent(consent, HARBOR))
    assert page.heading == "Set up Blue Harbor Home"
    for label in (
        "Fulfillment Latency",
        "Scheduling: check for new orders",
        "Scheduling: send available inventory",
        "Nickname",
        "Home marketplace",
        "First orders from",
        "Remote Fulfillment With FBA",
        "Review first orders before they ship",
    ):
        assert page.field(label)
    assert page.field("Fulfillment Latency")["value"] == "3"
    assert "checked" not in page.field("Review first orders before they ship").attrs
    page = browser.press("Finish Setup", nickname="Harbor")
    assert page.path == "/integrations"
    assert "Success: your Amazon store Harbor is connected" in page.messages
    assert "Amazon · Harbor" in page.text
    assert page.link("How inventory syncing works") == "/help/inventory-sync"
    assert browser.get("/help/inventory-sync").heading == "How inventory syncing works"


def test_the_older_authorization_is_spoken_of_at_setup(panel: Panel, amazon: SimulatedAmazon) -> None:
    legacy_authorization.set_migration(panel.platform, cart="amazon", running=True)
    with panel.platform.db.write() as db:
        db.execute(sa.update(Integration).values(legacy_authorization=False))
    browser = panel.browser(ALICE)
    page = connect(browser)
    assert "older" not in page.text
    with panel.platform.db.write() as db:
        db.execute(sa.update(Integration).where(Integration.seller_id == HARBOR).values(legacy_authorization=True))
    page = browser.get(page.path)
    assert page.heading == "Set up Blue Harbor Home"
    assert "can be ignored for now" in page.text
    assert "until further notice" in page.text


def test_the_region_must_be_chosen(panel: Panel) -> None:
    page = panel.browser().get("/amazon/install/sign-in?region=mars")
    assert page.status == 400
    assert page.alerts == ["Choose the region you sell in."]


def test_an_unknown_or_disabled_cart_cannot_be_installed(panel: Panel) -> None:
    assert panel.browser().get("/nosuchcart/install").status == 404
    cart_setup.disable_cart(panel.platform, "amazon")
    page = panel.browser().get("/amazon/install")
    assert page.status == 404
    assert "cannot be connected at present" in page.text


def test_the_sign_in_step_is_shown_to_a_signed_in_user_and_can_be_left(panel: Panel) -> None:
    browser = panel.browser(ALICE)
    page = browser.get("/amazon/install/sign-in?region=eu")
    assert page.heading == "Continue as Alice?"
    page = browser.press("Sign in as someone else")
    page = browser.press("Sign in", email=CHARLIE, password=PASSWORD)
    assert page.heading == "Continue as Charlie?"
    assert "Amazon, Europe" in page.text


def test_a_user_of_several_accounts_names_one(panel: Panel, amazon: SimulatedAmazon) -> None:
    with panel.platform.db.write() as db:
        bob = db.scalar(sa.select(User.id).where(User.email == BOB))
        db.add(Membership(account_id=panel.contoso, user_id=bob, role="owner"))
    browser = panel.browser(BOB)
    page = browser.get("/amazon/install/sign-in?region=na")
    assert "Contoso" in page.text, "the only account of which Bob is an owner"
    assert browser.post("/amazon/install/begin", {"account_id": panel.northwind, "region": "na"}).status == 403
    with panel.platform.db.write() as db:
        db.execute(sa.update(Membership).where(Membership.user_id == bob).values(role="owner"))
    page = browser.get("/amazon/install/sign-in?region=na")
    assert [option.text for option in page.field("Create in account").find_all("option")] == ["Contoso", "Northwind"]
    browser.press("Continue to Amazon", account_id=str(panel.northwind))
    assert len(setups(panel)) == 1


def test_cancel_at_amazon_comes_back_with_a_sentence(panel: Panel, amazon: SimulatedAmazon) -> None:
    browser = panel.browser(ALICE)
    page = browser.get(walk_consent(leave(browser), HARBOR, press="cancel"))
    assert 400 <= page.status < 500
    assert "Cancel" in page.alerts[0]
    page = browser.get("/integrations")
    assert "Setup not finished" in page.text
    page = browser.press("Resume")
    page = browser.get(walk_consent(page.link("Continue to Amazon"), HARBOR))
    assert page.heading == "Set up Blue Harbor Home"


def test_an_outage_of_the_sign_in_asks_to_start_again(panel: Panel, amazon: SimulatedAmazon) -> None:
    browser = panel.browser(ALICE)
    back = walk_consent(leave(browser), HARBOR)
    amazon.fault("token", "5xx")
    page = browser.get(back)
    assert page.status == 502
    assert page.alerts == ["Amazon's sign-in could not answer just now. Please start again in a minute."]
    assert page.link("Start again") == "/amazon/install"
    assert page.soup.find("button", string="Try again") is None


@pytest.mark.parametrize("operation", ["getMarketplaceParticipations", "searchListingsItems"])
def test_an_outage_after_it_is_tried_again_without_a_new_consent(
    panel: Panel, amazon: SimulatedAmazon, operation: str
) -> None:
    browser = panel.browser(ALICE)
    back = walk_consent(leave(browser), HARBOR)
    amazon.fault(operation, "5xx")
    page = browser.get(back)
    assert page.status == 502
    assert page.alerts == [
        "Amazon could not answer just now. The seller is not proved yet. Please try again in a minute."
    ]
    assert browser.press("Try again").heading == "Set up Blue Harbor Home"


def test_a_seller_that_is_not_proved_is_named_and_tried_again(panel: Panel, amazon: SimulatedAmazon) -> None:
    browser = panel.browser(ALICE)
    amazon.fault("searchListingsItems", "403", times=2)
    page = browser.get(walk_consent(leave(browser), HARBOR))
    assert page.status == 400
    assert HARBOR in page.alerts[0]
    assert "lacks the role Product Listing or Inventory and Order Tracking" in page.alerts[0]
    page = browser.get("/integrations")
    assert "Setup not finished" in page.text
    assert f"The seller {HARBOR} is not proved yet." in page.text
    assert "trying again needs no new sign-in" in page.text
    assert browser.press("Try again").status == 400
    browser.get("/integrations")
    assert browser.press("Try again").heading == "Set up Blue Harbor Home"
    assert "not proved" not in browser.get("/integrations").text


def test_after_an_hour_the_page_asks_for_a_new_sign_in(panel: Panel, amazon: SimulatedAmazon) -> None:
    browser = panel.browser(ALICE)
    amazon.fault("searchListingsItems", "403")
    browser.get(walk_consent(leave(browser), HARBOR))
    store = setups(panel)[0].id
    assert "Try again" in browser.get("/integrations").text
    panel.clock.advance(timedelta(hours=1))
    stopped = browser.press("Try again")
    assert stopped.status == 409
    assert "Sign in at Amazon again" in stopped.alerts[0]
    page = browser.get("/integrations")
    assert "a new sign-in at Amazon is needed: choose Resume" in page.text
    assert "Try again" not in page.text
    assert panel.browser(CHARLIE).post(f"/integrations/{store}/setup/prove").status == 404
    assert browser.client.post(f"/integrations/{store}/setup/prove").status_code == 400, "without its CSRF token"
    browser.get("/integrations")
    assert browser.press("Resume").heading == "On to Amazon"


def test_left_half_way_it_is_resumed_at_its_settings(panel: Panel, amazon: SimulatedAmazon) -> None:
    browser = panel.browser(ALICE)
    connect(browser)
    page = browser.get("/integrations")
    assert "Setup not finished" in page.text
    assert browser.press("Resume").heading == "Set up Blue Harbor Home"


def test_left_half_way_it_can_be_discarded(panel: Panel, amazon: SimulatedAmazon) -> None:
    browser = panel.browser(ALICE)
    connect(browser)
    browser.get("/integrations")
    page = browser.press("Discard")
    assert "discarded" in page.messages
    assert setups(panel) == []


def test_field_H3_the_way_back_loaded_again_shows_the_connected_store(panel: Panel, amazon: SimulatedAmazon) -> None:
    browser = panel.browser(ALICE)
    back = walk_consent(leave(browser), HARBOR)
    first = browser.get(back)
    exchanges = len(amazon.calls("token"))
    again = browser.get(back)
    assert (again.status, again.heading) == (200, first.heading)
    browser.press("Finish Setup")
    finished = browser.get(back)
    assert (finished.status, finished.heading) == (200, "View Integrations")
    assert "is connected" in finished.messages and "not connected" not in finished.text
    assert len(amazon.calls("token")) == exchanges


def test_a_way_back_that_failed_is_no_success_when_it_is_loaded_again(panel: Panel, amazon: SimulatedAmazon) -> None:
    browser = panel.browser(ALICE)
    back = walk_consent(leave(browser), HARBOR)
    amazon.fault("searchListingsItems", "403")
    assert browser.get(back).status >= 400
    again = browser.get(back)
    assert again.status == 400
    assert "has been used already" in again.alerts[0]


def test_field_H3_a_connected_seller_leads_to_its_reconnect(panel: Panel, amazon: SimulatedAmazon) -> None:
    browser = panel.browser(ALICE)
    page = browser.get(walk_consent(leave(browser), "A2SIMNA0000001"))
    assert (page.status, page.heading) == (200, "View Integrations")
    assert "This store is connected to your account already" in page.messages
    assert "choose Reconnect" in page.messages
    assert setups(panel) == []
    assert browser.press("Reconnect").heading == "On to Amazon"


def test_the_way_back_is_bound_to_the_browser(panel: Panel, amazon: SimulatedAmazon) -> None:
    back = walk_consent(leave(panel.browser(ALICE)), HARBOR)
    assert panel.browser(ALICE).get(back).status == 400
    assert panel.browser(CHARLIE).get(back).status == 400
    assert all(store.seller_id is None for store in setups(panel))


def test_the_way_back_without_a_state_is_refused(panel: Panel, amazon: SimulatedAmazon) -> None:
    browser = panel.browser(ALICE)
    leave(browser)
    assert browser.get(f"/amazon/authorized?spapi_oauth_code=x&selling_partner_id={HARBOR}").status == 400


def test_a_session_that_ended_meanwhile_is_told_what_to_do(panel: Panel, amazon: SimulatedAmazon) -> None:
    browser = panel.browser(ALICE)
    back = walk_consent(leave(browser), HARBOR)
    panel.session_clock.advance(timedelta(hours=1))
    page = browser.get(back)
    assert page.heading == "Sign in"
    assert "choose Resume" in page.messages
    assert "spapi_oauth_code" not in page.html
    browser.press("Sign in", email=ALICE, password=PASSWORD)
    page = browser.press("Resume")
    assert page.heading == "On to Amazon"


def test_the_same_store_cannot_be_connected_twice(panel: Panel, amazon: SimulatedAmazon) -> None:
    browser = panel.browser(CHARLIE)
    page = browser.get(walk_consent(leave(browser), "A2SIMNA0000001"))
    assert page.status == 409
    assert "another account of this platform" in page.alerts[0]


@pytest.mark.parametrize(
    ("field", "label", "value", "message"),
    [
        ("lead_days", "Fulfillment Latency", "99", "must be between 0 and 30"),
        ("lead_days", "Fulfillment Latency", "soon", "whole number"),
        ("orders_from", "First orders from", "2030-01-01", "not begun yet"),
        ("nickname", "Nickname", "outdoor", "Another of your stores has this nickname"),
    ],
)
def test_what_was_refused_stands_at_its_field_and_the_rest_is_kept(
    panel: Panel, amazon: SimulatedAmazon, *, field: str, label: str, value: str, message: str
) -> None:
    browser = panel.browser(ALICE)
    connect(browser)
    typed = {"nickname": "Harbor", "remote_fulfillment": "yes", "review_first": "yes", field: value}
    page = browser.press("Finish Setup", **typed)
    assert page.status == 400
    assert message in page.problem_at(label)
    assert page.field(label)["value"] == value
    assert "checked" in page.field("Review first orders before they ship").attrs
    chosen = page.field("Remote Fulfillment With FBA").find("option", selected=True)
    assert chosen is not None
    assert chosen.text == "Yes"


def test_orders_that_would_be_left_out_are_told_and_asked_about(panel: Panel, amazon: SimulatedAmazon) -> None:
    browser = panel.browser(ALICE)
    (order,) = amazon.generate(HARBOR, plain=1)["plain"]
    amazon.post(f"orders/{order}", {"set": {"createdTime": "2026-11-20T23:30:00Z"}})
    page = connect(browser)
    assert "Amazon shows 1 order not shipped yet, the oldest bought on 2026-11-20." in page.text
    assert page.field("First orders from")["value"] == "2026-11-20"
    page = browser.press("Finish Setup", orders_from="2026-11-21", nickname="Harbor")
    assert page.status == 409
    assert "1 order not shipped yet was bought before this day" in page.problem_at("First orders from")
    assert page.field("Nickname")["value"] == "Harbor"
    assert browser.press("Finish Setup").status == 409, "the box is not ticked"
    page = browser.press("Finish Setup", leave_out="2026-11-21")
    assert "Success" in page.messages


def test_an_outage_does_not_hold_the_settings_up(panel: Panel, amazon: SimulatedAmazon) -> None:
    browser = panel.browser(ALICE)
    amazon.fault("searchOrders", "5xx")
    page = connect(browser)
    assert "could not be asked which orders are not shipped yet" in page.text
    assert page.field("First orders from")["value"] == "2026-11-16"
    assert "Success" in browser.press("Finish Setup").messages


def test_a_latency_below_the_advice_is_saved_with_a_warning(panel: Panel, amazon: SimulatedAmazon) -> None:
    browser = panel.browser(ALICE)
    connect(browser)
    page = browser.press("Finish Setup", lead_days="1", inventory_every="off")
    assert "Success" in page.messages
    assert "With fewer than 2 days" in page.messages
    assert "Your latency will not be sent to Amazon" in page.messages


def test_settings_are_changed_later(panel: Panel, amazon: SimulatedAmazon) -> None:
    browser = panel.browser(ALICE)
    connect(browser)
    browser.press("Finish Setup", nickname="Harbor")
    store = next(s for s in all_stores(panel) if s.nickname == "Harbor")
    page = browser.get(f"/integrations/{store.id}/settings")
    assert page.field("Nickname")["value"] == "Harbor"
    page = browser.press("Save settings", nickname="Pier")
    assert "saved" in page.messages
    assert "Amazon · Pier" in page.text


def test_an_undeclared_field_is_ignored(panel: Panel, amazon: SimulatedAmazon) -> None:
    browser = panel.browser(ALICE)
    connect(browser)
    browser.press("Finish Setup", account_id=str(panel.contoso), seller_id="X", state="PAUSED")
    store = all_stores(panel)[-1]
    assert (store.account_id, store.seller_id, store.state) == (panel.northwind, HARBOR, IntegrationState.ACTIVE)


def all_stores(panel: Panel) -> list[Integration]:
    with panel.platform.db.read() as db:
        return list(db.scalars(sa.select(Integration).order_by(Integration.id)))


def test_a_cart_without_regions_asks_for_its_fields(panel: Panel) -> None:
    cart_setup.save_cart_settings(panel.platform, "tiny", "live", {})
    cart_setup.enable_cart(panel.platform, "tiny")
    shop = Shop()
    browser = panel.browser(ALICE)
    with served(lambda _: create_shop(shop)) as address:
        page = browser.get("/tiny/install")
        assert page.heading == "Continue as Alice?"
        page = browser.press("Continue to Tiny Shop")
        assert page.heading == "Connect your Tiny Shop store"
        page = browser.press("Continue", shop_url=address, api_key="wrong")
        assert page.status == 400
        assert "does not accept this API key" in page.alerts[0]
        assert page.field("Shop address")["value"] == address
        assert page.field("API key").get("value", "") == "", "a secret is never shown again"
        page = browser.press("Continue", shop_url="nonsense", api_key=shop.key)
        assert "must be an address" in page.problem_at("Shop address")
        page = browser.press("Continue", shop_url=address, api_key=shop.key)
        assert page.heading.startswith("Set up")
        page = browser.press("Finish Setup", nickname="Corner")
        assert "Tiny Shop · Corner" in page.text


UNITED_STATES, CANADA, GERMANY = "ATVPDKIKX0DER", "A2EUQ1WTGCTBG2", "A1PA6795UKMFR9"


def test_the_country_of_the_account_is_asked_for_grouped_by_region(panel: Panel) -> None:
    page = panel.browser().get("/amazon/install")
    field = page.field("Country of your account")
    assert field.find("option", value="").get_text() == "The region's main country"  # type: ignore[union-attr]
    groups = {group["label"]: [entry["value"] for entry in group.find_all("option")] for group in field("optgroup")}
    assert len(groups) == 3
    assert CANADA in groups["North America"]
    assert sum(GERMANY in sites for sites in groups.values()) == 1


@pytest.mark.parametrize(("seller", "preselected"), [(SUMMIT, CANADA), (HARBOR, UNITED_STATES)])
def test_the_country_of_the_account_is_home_where_the_seller_sells_there(
    panel: Panel, amazon: SimulatedAmazon, seller: str, preselected: str
) -> None:
    browser = panel.browser()
    browser.get("/amazon/install")
    page = browser.press("Submit", region="na", home_site=CANADA)
    page = browser.press("Sign in", email=ALICE, password=PASSWORD)
    assert page.heading == "Continue as Alice?"
    consent = browser.press("Continue to Amazon").link("Continue to Amazon")
    assert [row.home_site for row in setups(panel)] == [CANADA]
    page = browser.get(walk_consent(consent, seller))
    chosen = page.field("Home marketplace").find("option", selected=True)
    assert chosen is not None
    assert chosen["value"] == preselected


def test_a_setup_that_is_found_again_takes_the_country_chosen_last(panel: Panel, amazon: SimulatedAmazon) -> None:
    browser = panel.browser(ALICE)
    for home_site in (CANADA, ""):
        browser.get("/amazon/install")
        browser.press("Submit", region="na", home_site=home_site)
        browser.press("Continue to Amazon")
        assert [row.home_site for row in setups(panel)] == [home_site]


def test_a_country_of_another_region_is_refused(panel: Panel, amazon: SimulatedAmazon) -> None:
    browser = panel.browser(ALICE)
    browser.get("/amazon/install")
    page = browser.press("Submit", region="na", home_site=GERMANY)
    assert page.status == 400
    assert page.alerts == ["Choose a country of the region you chose, or leave it open."]
    assert page.soup.find("input", value="na").has_attr("checked")  # type: ignore[union-attr]
    values = {"account_id": panel.northwind, "region": "na", "home_site": GERMANY}
    assert browser.post("/amazon/install/begin", values).status == 400
    assert setups(panel) == []


@pytest.mark.parametrize(
    "path",
    ["/amazon/install", "/amazon/install/sign-in?region=na", "/amazon/authorized?state=x&code=y", "/amazon/login"],
)
def test_no_page_of_the_road_tells_where_the_browser_came_from(panel: Panel, path: str) -> None:
    for email in (None, ALICE):
        answer = panel.browser(email).client.get(path)
        assert answer.headers["Referrer-Policy"] == "no-referrer"
