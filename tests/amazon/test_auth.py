"""Installing a store and keeping it authorized, against the simulated consent pages and Login with Amazon."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from plugins.amazon import plugin
from plugins.interface import (
    CartContext,
    CartError,
    Connected,
    InstallReply,
    PlatformSettings,
    Redirect,
    Reply,
    SellerIdentity,
    SettingsError,
    Store,
    Temporary,
)
from tests.amazon.conftest import SELLER, Harness
from tests.amazon.scripted import answered, passing, refusal, reply

RETURN_URL = "http://127.0.0.1:5000/amazon/authorized"
LOGIN_URL = "http://127.0.0.1:5000/amazon/login"


def begin(ctx: CartContext) -> Redirect:
    away = plugin.install(ctx, None)
    assert isinstance(away, Redirect)
    return away


def go_on(ctx: CartContext, params: dict[str, str]) -> Redirect | Connected:
    reply = {name: value for name, value in params.items() if name != "state"}
    step = plugin.install(ctx, InstallReply(reply, RETURN_URL))
    assert isinstance(step, Redirect | Connected)
    return step


def refused(ctx: CartContext, params: dict[str, str]) -> CartError:
    with pytest.raises(SettingsError) as error:
        go_on(ctx, params)
    return error.value


def with_values(ctx: CartContext, **values: str) -> CartContext:
    return replace(ctx, app=replace(ctx.app, values={**ctx.app.values, **values}))


def test_a_store_is_connected_through_amazons_consent_page(harness: Harness) -> None:
    ctx = harness.new_store()
    away = begin(ctx)
    assert away.url == f"{harness.address}/sellercentral/us/apps/authorize/consent"
    assert away.params == {"application_id": "amzn1.sp.solution.is2-demo"}

    connected = go_on(ctx, harness.browse(away, RETURN_URL))
    assert isinstance(connected, Connected)
    assert connected.identity == SellerIdentity(SELLER, ""), "no more than the browser says; the rest is to be proved"
    assert set(connected.credentials) == {"refresh_token"}
    assert "Atzr" not in repr(connected)

    token = plugin.mint_access_token(ctx, connected.credentials)
    assert token.expires_at - harness.clock.now() == timedelta(hours=1)


def test_an_older_token_on_the_way_back_is_noticed_and_kept_nowhere(harness: Harness) -> None:
    ctx = harness.new_store()
    plain = go_on(ctx, harness.browse(begin(ctx), RETURN_URL))
    harness.steer("POST", "seller", {"seller": SELLER, "older_token": True})
    back = harness.browse(begin(ctx), RETURN_URL)
    older = go_on(ctx, back)
    assert isinstance(plain, Connected)
    assert isinstance(older, Connected)
    assert (plain.legacy_authorization, older.legacy_authorization) == (False, True)
    assert set(older.credentials) == {"refresh_token"}
    assert back["mws_auth_token"] not in {secret.value for secret in older.credentials.values()}


@pytest.mark.parametrize(
    ("region", "seller", "country"), [("eu", "A2SIMEU0000001", "gb"), ("fe", "A2SIMFE0000001", "jp")]
)
def test_each_region_has_its_consent_page_and_its_stores(
    harness: Harness, region: str, seller: str, country: str
) -> None:
    ctx = harness.new_store(region)
    away = begin(ctx)
    assert f"/sellercentral/{country}/" in away.url
    connected = go_on(ctx, harness.browse(away, RETURN_URL, seller))
    assert isinstance(connected, Connected)
    assert connected.identity.remote_id == seller


SELLER_CENTRAL = {
    "na": {
        "": "sellercentral.amazon.com",
        "ATVPDKIKX0DER": "sellercentral.amazon.com",
        "A2EUQ1WTGCTBG2": "sellercentral.amazon.ca",
        "A1AM78C64UM0Y8": "sellercentral.amazon.com.mx",
        "A2Q3Y263D00KWC": "sellercentral.amazon.com.br",
        "A1F83G8C2ARO7P": "sellercentral.amazon.com",
    },
    "eu": {
        "": "sellercentral-europe.amazon.com",
        "A1F83G8C2ARO7P": "sellercentral-europe.amazon.com",
        "A1PA6795UKMFR9": "sellercentral-europe.amazon.com",
        "A13V1IB3VIYZZH": "sellercentral-europe.amazon.com",
        "APJ6JRA9NG5V4": "sellercentral-europe.amazon.com",
        "A1RKKUPIHCS9HS": "sellercentral-europe.amazon.com",
        "A1805IZSGTT6HS": "sellercentral.amazon.nl",
        "A2NODRKZP88ZB9": "sellercentral.amazon.se",
        "A1C3SOZRARQ6R3": "sellercentral.amazon.pl",
        "AMEN7PMS3EDWL": "sellercentral.amazon.com.be",
        "A28R8C7NBKEWEA": "sellercentral.amazon.ie",
        "A33AVAJ2PDY3EV": "sellercentral.amazon.com.tr",
        "A2VIGQ35RCS4UG": "sellercentral.amazon.ae",
        "A17E79C6D8DWNP": "sellercentral.amazon.sa",
        "ARBP9OOSHTCHU": "sellercentral.amazon.eg",
        "AE08WJ6YKNBMC": "sellercentral.amazon.co.za",
        "A21TJRUUN4KGV": "sellercentral.amazon.in",
    },
    "fe": {
        "": "sellercentral.amazon.co.jp",
        "A1VC38T7YXB528": "sellercentral.amazon.co.jp",
        "A39IBJ37TRP1C6": "sellercentral.amazon.com.au",
        "A19VAU5U5O7RUS": "sellercentral.amazon.sg",
    },
}
"""Where the sellers of a region, by their home marketplace, are sent; one of another region's counts as not known."""


@pytest.mark.parametrize("region", SELLER_CENTRAL)
def test_in_production_the_merchant_is_sent_to_the_seller_central_of_the_home_country(
    harness: Harness, region: str
) -> None:
    ctx = harness.new_store(region)
    ctx = replace(ctx, app=replace(ctx.app, environment="production"))
    for home_site, host in SELLER_CENTRAL[region].items():
        away = begin(replace(ctx, store=replace(ctx.store, home_site=home_site)))
        assert away.url == f"https://{host}/apps/authorize/consent"
        # What Amazon sends the browser back to on the way through our own sign-in lies there too.
        callback = f"https://{host}/apps/authorize/confirm/amzn1.sp.solution.x"
        leg = {"amazon_callback_uri": callback, "amazon_state": "theirs", "selling_partner_id": SELLER}
        assert go_on(ctx, leg) == Redirect(callback, {"amazon_state": "theirs"})


def test_the_seller_central_of_every_marketplace_is_known(harness: Harness) -> None:
    manifest = plugin.cart_manifest()
    for region in manifest.regions:
        assert {site.id for site in region.sites} <= SELLER_CENTRAL[region.code].keys()
    (allowed,) = (each.browser_hosts for each in manifest.environments if each.code == "production")
    hosts = {host for places in SELLER_CENTRAL.values() for host in places.values()}
    assert set(allowed) == hosts | {"amazon.com", "www.amazon.com"}
    assert len(allowed) == len(set(allowed))


def test_a_canadian_seller_consents_on_the_canadian_page(harness: Harness) -> None:
    ctx = harness.new_store()
    away = begin(replace(ctx, store=replace(ctx.store, home_site="A2EUQ1WTGCTBG2")))
    assert away.url == f"{harness.address}/sellercentral/ca/apps/authorize/consent"
    assert isinstance(go_on(ctx, harness.browse(away, RETURN_URL)), Connected)


def test_a_draft_application_is_named_as_such_to_amazon(harness: Harness) -> None:
    harness.steer("POST", "application", {"draft": True})
    ctx = with_values(harness.new_store(), draft="yes")
    away = begin(ctx)
    assert away.params["version"] == "beta"
    assert isinstance(go_on(ctx, harness.browse(away, RETURN_URL)), Connected)


@pytest.mark.parametrize("draft", ["no", "yes"])
def test_the_leg_through_our_own_sign_in_is_accepted(harness: Harness, draft: str) -> None:
    harness.steer("POST", "application", {"login_uri": LOGIN_URL, "draft": draft == "yes"})
    ctx = with_values(harness.new_store(), draft=draft)
    leg = harness.browse(begin(ctx), RETURN_URL)
    assert set(leg) - {"version"} == {"amazon_callback_uri", "amazon_state", "selling_partner_id"}

    back = go_on(ctx, leg)
    assert isinstance(back, Redirect)
    assert back.params["amazon_state"] == leg["amazon_state"]
    assert isinstance(go_on(ctx, harness.follow(back, RETURN_URL)), Connected)


@pytest.mark.parametrize(
    ("environment", "callback", "known"),
    [
        ("production", "https://sellercentral.amazon.de/apps/authorize/confirm/x", False),
        ("production", "https://sellercentral-europe.amazon.com/apps/authorize/confirm/x", True),
        ("production", "https://amazon.com/apps/authorize/confirm/x", True),
        ("production", "http://amazon.com/apps/authorize/confirm/x", False),
        ("production", "https://amazon.com.evil.example/apps", False),
        ("production", "https://amazon.com@evil.example/apps", False),
        ("production", "https://evil.example\\@amazon.com/apps", False),
        ("production", "https://amazon.com:8443/apps", False),
        ("production", "https://amazon.com:x/apps", False),
        ("production", "javascript:alert(1)", False),
        ("simulator", "http://127.0.0.1:1/sellercentral/us/apps/authorize/confirm", False),
        ("simulator", "https://amazon.com/apps/authorize/confirm/x", False),
    ],
)
def test_the_browser_is_sent_back_to_amazon_only(
    harness: Harness, environment: str, callback: str, known: bool
) -> None:
    ctx = harness.new_store()
    ctx = replace(ctx, app=replace(ctx.app, environment=environment))
    leg = {"amazon_callback_uri": callback, "amazon_state": "theirs", "selling_partner_id": SELLER}
    if known:
        assert go_on(ctx, leg) == Redirect(callback, {"amazon_state": "theirs"})
    else:
        assert refused(ctx, leg).code == "UNKNOWN_CALLBACK"


def test_cancel_at_amazon_is_told_in_a_sentence(harness: Harness) -> None:
    ctx = harness.new_store()
    error = refused(ctx, harness.browse(begin(ctx), RETURN_URL, press="cancel"))
    assert error.message.startswith("You chose Cancel at Amazon, so nothing was connected")


@pytest.mark.parametrize(
    ("error", "description", "code", "words"),
    [
        ("MD1000", "", "MD1000", "set Application is a draft to Yes"),
        ("MD5101", "", "MD5101", "register this address as a redirect URI"),
        ("MD5110", "", "MD5110", "a # sign"),
        ("MD9000", "", "MD9000", "no further stores"),
        ("MD9100", "", "MD9100", "check its application ID"),
        ("MD9999", "", "MD9999", "whether it is still a draft"),
        ("SPDC8143", "", "SPDC8143", "primary user"),
        ("invalid_request", "Error code: SPDC8143.", "SPDC8143", "primary user"),
        ("MD4711", "", "CONSENT_FAILED", "Amazon did not connect the store"),
        ("server_error", "", "CONSENT_FAILED", "Amazon did not connect the store"),
    ],
)
def test_an_error_of_the_consent_page_says_what_to_do(
    harness: Harness, error: str, description: str, code: str, words: str
) -> None:
    found = refused(harness.new_store(), {"error": error, "error_description": description})
    assert found.code == code
    assert words in found.message
    assert found.message.endswith(".")
    assert error in found.detail


@pytest.mark.parametrize(
    "spelt", [SELLER.lower(), f" {SELLER}", f"{SELLER}\n", f"../{SELLER}", f"{SELLER}%", "\u0391", "A" * 51]
)
def test_an_id_that_is_spelt_otherwise_is_no_sellers(harness: Harness, spelt: str) -> None:
    assert refused(harness.new_store(), {"selling_partner_id": spelt, "spapi_oauth_code": "x"}).code == "NO_SELLER"


def test_an_answer_that_is_not_complete_connects_nothing(harness: Harness) -> None:
    assert refused(harness.new_store(), {"selling_partner_id": SELLER}).code == "INCOMPLETE_REPLY"
    assert refused(harness.new_store(), {"spapi_oauth_code": "x"}).code == "INCOMPLETE_REPLY"
    assert refused(harness.new_store(), {"error": "server_error"}).code == "CONSENT_FAILED"


def test_a_code_is_good_once_and_for_five_minutes(harness: Harness) -> None:
    ctx = harness.new_store()
    params = harness.browse(begin(ctx), RETURN_URL)
    assert isinstance(go_on(ctx, params), Connected)
    assert refused(ctx, params).code == "CODE_EXPIRED"

    params = harness.browse(begin(ctx), RETURN_URL)
    harness.clock.advance(301)
    late = refused(ctx, params)
    assert late.code == "CODE_EXPIRED"
    assert late.message.startswith("Amazon's sign-in took longer than 5 minutes")


def not_proved(ctx: CartContext) -> SettingsError:
    with pytest.raises(SettingsError) as error:
        plugin.prove_seller(ctx)
    return error.value


def test_the_seller_is_proved_by_one_listing_of_one_marketplace(harness: Harness) -> None:
    proved = plugin.prove_seller(harness.store(home_site="A2EUQ1WTGCTBG2"))
    sites = ("ATVPDKIKX0DER", "A2EUQ1WTGCTBG2", "A1AM78C64UM0Y8")
    assert proved == SellerIdentity(SELLER, "Northwind Outdoor", sites)
    assert harness.http.operations() == ["lwaToken", "getMarketplaceParticipations", "searchListingsItems"]


def test_the_proof_asks_for_the_least(harness: Harness) -> None:
    found = reply(200, {"numberOfResults": 0, "items": []})
    ctx, http = answered(harness.store(home_site="A2EUQ1WTGCTBG2"), passing(harness.http), found)
    plugin.prove_seller(ctx)
    asked = http.calls[-1]
    assert asked.url.endswith(f"/listings/2021-08-01/items/{SELLER}")
    assert asked.params == {"marketplaceIds": "A2EUQ1WTGCTBG2", "pageSize": "1", "includedData": "summaries"}


def test_a_home_where_the_seller_does_not_sell_proves_as_well(harness: Harness) -> None:
    assert plugin.prove_seller(harness.store(home_site="A2Q3Y263D00KWC")).remote_id == SELLER


@pytest.mark.parametrize("claimed", ["A2SIMNA0000002", "AUNKNOWN", "a/b?c#d"])
def test_another_seller_is_not_proved(harness: Harness, claimed: str) -> None:
    ctx = harness.store()
    error = not_proved(replace(ctx, store=replace(ctx.store, remote_id=claimed)))
    assert error.code == "SELLER_NOT_PROVED"
    assert claimed in error.message


@pytest.mark.parametrize("status", [400, 403, 404])
def test_whatever_amazon_refuses_the_proof_with_names_seller_and_role(harness: Harness, status: int) -> None:
    ctx, _ = answered(harness.store(), passing(harness.http), refusal(status, "No.", "Unauthorized"))
    error = not_proved(ctx)
    assert SELLER in error.message
    assert "Product Listing or Inventory and Order Tracking" in error.message


@pytest.mark.parametrize("answer", [reply(200, {"numberOfResults": 0}), reply(200, b"<html>"), reply(403, b"<html>")])
def test_an_answer_that_cannot_be_read_proves_nothing(harness: Harness, answer: Reply) -> None:
    ctx, _ = answered(harness.store(), passing(harness.http), answer)
    with pytest.raises(Temporary):
        plugin.prove_seller(ctx)


def test_a_seller_of_another_region_is_not_proved(harness: Harness) -> None:
    ctx = harness.store()
    error = not_proved(replace(ctx, store=replace(ctx.store, region="eu")))
    assert "If the account" in error.message
    assert "Europe" in error.message
    assert SELLER in error.message


def test_a_seller_of_no_marketplace_we_know_is_not_connected(harness: Harness) -> None:
    harness.steer("POST", "seller", {"seller": SELLER, "marketplaces": ["A19VAU5U5O7RUS"]})
    assert not_proved(harness.store()).code == "NO_MARKETPLACE"


@pytest.mark.parametrize("missing", ["application_id", "client_id", "client_secret"])
def test_before_the_warehouse_has_set_amazon_up_the_merchant_is_told_so(harness: Harness, missing: str) -> None:
    ctx = harness.new_store()
    values = {key: value for key, value in ctx.app.values.items() if key != missing}
    secrets = {key: value for key, value in ctx.app.secrets.items() if key != missing}
    with pytest.raises(SettingsError) as error:
        plugin.install(replace(ctx, app=PlatformSettings("simulator", values, secrets)), None)
    assert error.value.message.startswith("The warehouse has not finished setting up Amazon yet.")
    assert harness.http.calls == []


def test_the_connection_can_be_checked_at_any_time(harness: Harness) -> None:
    identity = plugin.check_connection(harness.store())
    assert (identity.remote_id, identity.name) == (SELLER, "Northwind Outdoor")
    with pytest.raises(SettingsError):
        plugin.check_connection(harness.new_store())


def test_a_store_of_another_region_is_refused_without_a_loop(harness: Harness) -> None:
    ctx = harness.store()
    elsewhere = replace(ctx, store=Store(SELLER, "eu"))
    with pytest.raises(SettingsError):
        plugin.check_connection(elsewhere)
    assert harness.http.operations().count("getMarketplaceParticipations") == 1
    with pytest.raises(SettingsError) as unknown:
        plugin.check_connection(replace(ctx, store=Store(SELLER, "moon")))
    assert unknown.value.code == "UNKNOWN_REGION"
