"""Seller Central's pages, walked the way a browser walks them."""

from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest
from bs4 import BeautifulSoup

from tests.simulator.driver import APPLICATION, NORTHWIND, PANEL, Driver

pytestmark = pytest.mark.unit

BOXES = {"agree_roles": "yes", "agree_data": "yes", "agree_terms": "yes"}


def open_consent(amazon: Driver, country: str = "us", **query: str):
    query = {"application_id": APPLICATION, "state": "s-1", "redirect_uri": PANEL} | query
    return amazon.send("GET", f"/sellercentral/{country}/apps/authorize/consent", **query)


def submit(amazon: Driver, page, **fields: str):
    """Send the page's form with its hidden fields and those given."""
    form = BeautifulSoup(page.body, "html.parser").form
    hidden = {field["name"]: field["value"] for field in form.select("input[type=hidden]")}
    return amazon.send(
        "POST",
        form["action"],
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        body=urlencode(hidden | fields).encode(),
    )


def follow(amazon: Driver, answer):
    assert answer.status == 303
    return amazon.send("GET", answer.headers["Location"])


def decision_page(amazon: Driver, **query: str):
    return follow(amazon, submit(amazon, open_consent(amazon, **query), seller=NORTHWIND))


def test_the_whole_way_ends_at_the_redirect_uri_with_a_code(amazon):
    done = submit(amazon, decision_page(amazon), action="next", **BOXES)
    assert done.status == 303
    address = urlsplit(done.headers["Location"])
    assert address._replace(query="").geturl() == PANEL
    query = dict(parse_qsl(address.query))
    assert query.keys() == {"state", "selling_partner_id", "spapi_oauth_code"}
    assert (query["state"], query["selling_partner_id"]) == ("s-1", NORTHWIND)


def test_a_seller_with_an_older_token_brings_it_along(amazon):
    shown = amazon.steer("POST", "seller", {"seller": NORTHWIND, "older_token": True})
    assert shown["older_token"] is True
    done = submit(amazon, decision_page(amazon), action="next", **BOXES)
    query = dict(parse_qsl(urlsplit(done.headers["Location"]).query))
    assert query.keys() == {"state", "selling_partner_id", "spapi_oauth_code", "mws_auth_token"}
    marked = {one["seller"] for one in amazon.steer("GET", "sellers")["sellers"] if one["older_token"]}
    assert marked == {NORTHWIND}


def test_every_page_says_that_it_is_a_simulation_and_sends_no_referrer(amazon):
    for page in (open_consent(amazon), decision_page(amazon), open_consent(amazon, application_id="x")):
        assert b"This is a simulation" in page.body
        assert page.headers["Referrer-Policy"] == "no-referrer"


def test_the_consent_page_names_application_seller_and_roles(amazon):
    text = BeautifulSoup(decision_page(amazon).body, "html.parser").get_text()
    for part in ("IS2 Integration Server", "Northwind Outdoor", "Direct-to-Consumer Shipping"):
        assert part in text


@pytest.mark.parametrize("left_out", BOXES)
def test_next_is_refused_until_every_box_is_ticked(amazon, left_out):
    boxes = {name: value for name, value in BOXES.items() if name != left_out}
    page = submit(amazon, decision_page(amazon), action="next", **boxes)
    assert page.status == 400
    assert "Tick every box" in page.body.decode()
    assert submit(amazon, page, action="next", **BOXES).status == 303


def test_cancel_returns_with_the_state_and_an_error(amazon):
    back = submit(amazon, decision_page(amazon), action="cancel")
    assert parse_qs(urlsplit(back.headers["Location"]).query) == {"state": ["s-1"], "error": ["access_denied"]}


def test_a_finished_visit_cannot_be_finished_again(amazon):
    page = decision_page(amazon)
    assert submit(amazon, page, action="next", **BOXES).status == 303
    assert submit(amazon, page, action="next", **BOXES).status == 400


def test_sign_in_needs_a_seller_of_the_region(amazon):
    for seller in ({}, {"seller": "A2SIMEU0000001"}):
        assert submit(amazon, open_consent(amazon), **seller).status == 400
    assert b"Alpen Camping" in open_consent(amazon, "de").body
    assert b"Northwind" not in open_consent(amazon, "de").body


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"redirect_uri": "https://elsewhere.example/amazon/authorized"}, "MD5101"),
        ({"redirect_uri": "http://127.0.0.1:5000/amazon/other"}, "MD5101"),
        ({"redirect_uri": ""}, "MD5101"),
        ({"redirect_uri": f"{PANEL}#part"}, "MD5110"),
    ],
)
def test_a_redirect_uri_that_is_not_registered_is_refused(amazon, query, code):
    page = open_consent(amazon, **query)
    assert page.status == 400
    assert code in page.body.decode()


def test_without_a_redirect_uri_the_first_registered_one_is_used(amazon):
    amazon.steer("POST", "application", {"redirect_uris": ["https://is2.example/back?x=1", "https://is2.example/b"]})
    done = submit(amazon, decision_page(amazon, redirect_uri=""), action="next", **BOXES)
    assert done.headers["Location"].startswith("https://is2.example/back?x=1&state=s-1&")


def test_a_draft_needs_version_beta(amazon):
    amazon.steer("POST", "application", {"draft": True})
    assert b"MD1000" in open_consent(amazon).body
    assert open_consent(amazon, version="beta").status == 200


def test_the_state_is_needed_and_the_address_must_exist(amazon):
    assert open_consent(amazon, state="").status == 400
    assert open_consent(amazon, "xx").status == 404


def to_login_leg(amazon: Driver, **application) -> dict[str, str]:
    amazon.steer("POST", "application", {"login_uri": "https://is2.example/amazon/login", **application})
    query = {"version": "beta"} if application.get("draft") else {}
    sent = submit(amazon, decision_page(amazon, **query), action="next", **BOXES)
    assert sent.headers["Location"].startswith("https://is2.example/amazon/login?")
    return dict(parse_qsl(urlsplit(sent.headers["Location"]).query))


def test_the_login_leg_goes_through_the_applications_own_sign_in(amazon):
    leg = to_login_leg(amazon)
    assert leg.keys() == {"amazon_callback_uri", "amazon_state", "selling_partner_id"}
    back = {"amazon_state": leg["amazon_state"], "state": "s-2", "redirect_uri": PANEL}
    done = amazon.send("GET", leg["amazon_callback_uri"], **back)
    query = dict(parse_qsl(urlsplit(done.headers["Location"]).query))
    assert (done.status, query["state"]) == (303, "s-2")
    assert amazon.send("GET", leg["amazon_callback_uri"], **back).status == 400


@pytest.mark.parametrize(
    "wrong", [{"amazon_state": "guessed"}, {"state": ""}, {"redirect_uri": "https://evil.example/"}]
)
def test_the_login_leg_checks_what_comes_back(amazon, wrong):
    leg = to_login_leg(amazon)
    back = {"amazon_state": leg["amazon_state"], "state": "s-2"} | wrong
    assert amazon.send("GET", leg["amazon_callback_uri"], **back).status == 400


def test_the_login_leg_of_a_draft_carries_version_beta_both_ways(amazon):
    leg = to_login_leg(amazon, draft=True)
    assert leg["version"] == "beta"
    back = {"amazon_state": leg["amazon_state"], "state": "s-2"}
    assert amazon.send("GET", leg["amazon_callback_uri"], **back).status == 400
    assert amazon.send("GET", leg["amazon_callback_uri"], version="beta", **back).status == 303


def test_amazons_state_is_worthless_before_the_seller_has_agreed(amazon):
    visit = BeautifulSoup(open_consent(amazon).body, "html.parser").select_one("input[name=visit]")["value"]
    back = {"amazon_state": visit, "state": "s-2"}
    assert amazon.send("GET", "/sellercentral/us/apps/authorize/confirm", **back).status == 400
