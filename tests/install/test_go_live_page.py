"""Settings as on the day a real application goes live: where a merchant is sent, without asking Amazon a thing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from is2_core.accounts import users
from is2_core.accounts.states import Role
from is2_core.bootstrap import build_platform
from is2_core.calls.carts import CartRegistry
from is2_core.calls.rate_limits import MemoryBuckets
from is2_core.calls.transport import NoAnswer, Request
from is2_core.clock import VirtualClock
from plugins.interface import Reply
from tests.conftest import make_config
from tests.support.browser import PASSWORD, Browser, Page
from tests.support.panel import ADMIN, ALICE, Panel
from web.app import create_app

PUBLIC = "https://is2.warehouse.example"
SECRET = "amzn1.oa2-cs.v1." + "5f3a" * 16
SETTINGS = {
    "environment": "production",
    "application_id": "amzn1.sp.solution.0f1d7c52-3a7e-4c1b-9d64-5b8d2e6f7a90",
    "client_id": "amzn1.application-oa2-client.6b1f0c7d9e2a4f58b3c6d1e0a9f8b7c6",
    "client_secret": SECRET,
    "draft": "no",
}
# Amazon's pages "Marketplace IDs" and "Website Authorization Workflow"; the home country left open comes first.
CONSENT_HOSTS = (
    ("na", "", "sellercentral.amazon.com"),
    ("na", "ATVPDKIKX0DER", "sellercentral.amazon.com"),
    ("na", "A2EUQ1WTGCTBG2", "sellercentral.amazon.ca"),
    ("na", "A1AM78C64UM0Y8", "sellercentral.amazon.com.mx"),
    ("na", "A2Q3Y263D00KWC", "sellercentral.amazon.com.br"),
    ("eu", "", "sellercentral-europe.amazon.com"),
    ("eu", "A1PA6795UKMFR9", "sellercentral-europe.amazon.com"),
    ("eu", "A1805IZSGTT6HS", "sellercentral.amazon.nl"),
    ("eu", "A33AVAJ2PDY3EV", "sellercentral.amazon.com.tr"),
    ("eu", "A21TJRUUN4KGV", "sellercentral.amazon.in"),
    ("fe", "", "sellercentral.amazon.co.jp"),
    ("fe", "A1VC38T7YXB528", "sellercentral.amazon.co.jp"),
    ("fe", "A39IBJ37TRP1C6", "sellercentral.amazon.com.au"),
    ("fe", "A19VAU5U5O7RUS", "sellercentral.amazon.sg"),
)


class NoNetwork:
    """The transport port of a machine without a network, which remembers what it was to send."""

    def __init__(self) -> None:
        self.wanted: list[str] = []

    def send(self, request: Request) -> Reply:
        self.wanted.append(f"{request.method} {request.url}")
        raise NoAnswer("no network")


@pytest.fixture
def network() -> NoNetwork:
    """The way out, which must stay unused."""
    return NoNetwork()


@pytest.fixture
def panel(sqlite_url: str, clock: VirtualClock, carts: CartRegistry, network: NoNetwork) -> Iterator[Panel]:
    """A new installation behind TLS: an administrator, one merchant, no cart set up."""
    config = replace(make_config(sqlite_url), public_url=PUBLIC, allow_plain_http=False)
    platform = build_platform(config, clock=clock, buckets=MemoryBuckets(clock), carts=carts, transport=network)
    northwind = users.create_account(platform, "Northwind")
    users.create_user(platform, email=ADMIN, name="Ada", password=PASSWORD, role=Role.ADMIN)
    users.create_user(platform, email=ALICE, name="Alice", password=PASSWORD, account_id=northwind)
    session_clock = VirtualClock(datetime(2026, 11, 23, 12, 0, tzinfo=UTC))
    app = create_app(platform, session_clock=session_clock)
    app.config.update(TESTING=True, PREFERRED_URL_SCHEME="https")
    yield Panel(platform, clock, session_clock, app, northwind, northwind)
    platform.db.dispose()


def set_up(panel: Panel, **changes: str) -> Page:
    """Type the platform settings as an administrator and enable the cart; gives the settings page as it is then."""
    browser = panel.browser(ADMIN)
    browser.get("/admin/plugins/amazon/settings")
    assert "were saved" in browser.press("Save settings", **{**SETTINGS, **changes}).messages
    form = next(
        form for form in browser.get("/admin/plugins").soup.find_all("form") if form["action"].endswith("amazon/enable")
    )
    assert "Amazon is enabled" in browser.post(str(form["action"])).messages
    return browser.get("/admin/plugins/amazon/settings")


def depart(browser: Browser, region: str, home_site: str = "") -> Page:
    """Go as far as the page that leads to Amazon."""
    browser.get("/amazon/install")
    browser.press("Submit", region=region, home_site=home_site)
    return browser.press("Continue to Amazon")


def address(page: Page) -> tuple[str, dict[str, list[str]]]:
    """Where the page leads to, by its button and by itself alike: the address without its query, and the query."""
    link = page.link("Continue to Amazon")
    refresh = page.soup.find("meta", attrs={"http-equiv": "refresh"})
    assert refresh is not None
    assert refresh["content"] == f"0; url={link}"
    parts = urlsplit(link)
    return f"{parts.scheme}://{parts.netloc}{parts.path}", parse_qs(parts.query, keep_blank_values=True)


@pytest.mark.parametrize(("region", "home_site", "host"), CONSENT_HOSTS)
def test_the_merchant_is_led_to_the_seller_central_of_their_country(
    panel: Panel, network: NoNetwork, region: str, home_site: str, host: str
) -> None:
    set_up(panel)
    page = depart(panel.browser(ALICE), region, home_site)
    where, query = address(page)
    assert where == f"https://{host}/apps/authorize/consent"
    assert query.keys() == {"application_id", "state", "redirect_uri"}
    assert query["application_id"] == [SETTINGS["application_id"]]
    assert query["redirect_uri"] == [f"{PUBLIC}/amazon/authorized"]
    assert page.response.headers["Referrer-Policy"] == "no-referrer"
    assert page.response.headers["Cache-Control"] == "no-store"
    assert network.wanted == []


def test_each_trip_has_a_long_state_of_its_own(panel: Panel) -> None:
    set_up(panel)
    browser = panel.browser(ALICE)
    states = {address(depart(browser, "na"))[1]["state"][0] for _ in range(5)}
    assert len(states) == 5
    assert min(map(len, states)) >= 43, "256 bits in letters"


@pytest.mark.parametrize(("draft", "version"), [("yes", ["beta"]), ("no", None)])
def test_only_a_draft_asks_for_its_beta_version(panel: Panel, draft: str, version: list[str] | None) -> None:
    set_up(panel, draft=draft)
    assert address(depart(panel.browser(ALICE), "na"))[1].get("version") == version


def test_no_secret_leaves_the_house(panel: Panel) -> None:
    settings = set_up(panel)
    page = depart(panel.browser(ALICE), "eu")
    for secret in (SECRET, SETTINGS["client_id"]):
        assert secret not in page.html
        assert secret not in str(page.response.headers)
    assert SECRET not in settings.html


def test_the_sandbox_is_consented_to_on_the_same_pages(panel: Panel, network: NoNetwork) -> None:
    set_up(panel, environment="sandbox")
    where, _ = address(depart(panel.browser(ALICE), "na"))
    assert where == "https://sellercentral.amazon.com/apps/authorize/consent"
    assert network.wanted == []


def test_the_login_uri_leads_back_to_amazon_with_both_states(panel: Panel, network: NoNetwork) -> None:
    set_up(panel, draft="yes")
    browser = panel.browser(ALICE)
    first = address(depart(browser, "na"))[1]["state"]
    callback = "https://amazon.com/apps/authorize/confirm/" + SETTINGS["application_id"]
    asked = {"amazon_callback_uri": callback, "amazon_state": "theirs", "selling_partner_id": "A3EXAMPLESELLER"}
    where, query = address(browser.get(f"/amazon/login?{urlencode(asked)}"))
    assert where == callback
    assert query["amazon_state"] == ["theirs"]
    assert query["redirect_uri"] == [f"{PUBLIC}/amazon/authorized"]
    assert query["version"] == ["beta"]
    assert len(query["state"][0]) >= 43
    assert query["state"] != first
    assert network.wanted == []


@pytest.mark.parametrize(
    "callback",
    [
        "https://amazon.com.evil.example/apps/authorize/confirm/x",
        "http://sellercentral.amazon.com/apps/authorize/confirm/x",
        "https://user@sellercentral.amazon.com/apps/authorize/confirm/x",
        "http://127.0.0.1:8765/sellercentral/us/apps/authorize/confirm/x",
    ],
)
def test_the_login_uri_leads_nowhere_else(panel: Panel, callback: str) -> None:
    set_up(panel)
    browser = panel.browser(ALICE)
    depart(browser, "na")
    page = browser.get(f"/amazon/login?{urlencode({'amazon_callback_uri': callback, 'amazon_state': 'theirs'})}")
    assert page.status == 400
    assert "did not come from Amazon as expected" in page.alerts[0]
    assert callback not in page.html


def test_a_return_without_our_state_asks_amazon_nothing(panel: Panel, network: NoNetwork) -> None:
    set_up(panel)
    browser = panel.browser(ALICE)
    depart(browser, "na")
    answer = {"state": "made up", "selling_partner_id": "A3EXAMPLESELLER", "spapi_oauth_code": "ANDMxqpCmqWHJeyzdbMH"}
    page = browser.get(f"/amazon/authorized?{urlencode(answer)}")
    assert page.status == 400
    assert "cannot be used" in page.alerts[0]
    assert network.wanted == []


def test_the_code_goes_to_login_with_amazon_and_nowhere_else(panel: Panel, network: NoNetwork) -> None:
    set_up(panel)
    browser = panel.browser(ALICE)
    state = address(depart(browser, "fe", "A39IBJ37TRP1C6"))[1]["state"][0]
    answer = {"state": state, "selling_partner_id": "A3EXAMPLESELLER", "spapi_oauth_code": "ANDMxqpCmqWHJeyzdbMH"}
    page = browser.get(f"/amazon/authorized?{urlencode(answer)}")
    assert network.wanted == ["POST https://api.amazon.com/auth/o2/token"]
    assert page.status == 502
    assert "did not answer" in page.alerts[0]
