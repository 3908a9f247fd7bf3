"""Login with Amazon: minting tokens, rotating the client secret, and a token that is refused."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta

import pytest

from plugins.amazon import plugin
from plugins.interface import (
    AuthorizationLost,
    CartContext,
    Connected,
    FieldKind,
    InstallReply,
    Permanent,
    RateLimited,
    Redirect,
    Reply,
    Secret,
    SettingsError,
    Temporary,
)
from tests.amazon.conftest import SELLER, Harness
from tests.amazon.scripted import Scripted, answered, refusal, reply
from tests.support.cart_http import MintedToken

RETURN_URL = "http://127.0.0.1:5000/amazon/authorized"
PRESENT, NEWER = "is2-demo-client-secret-0123456789", "a-newer-secret-9876543210"
EXPIRED = "The access token you provided has expired."


def rotating(ctx: CartContext, present: str, former: str | None = None) -> CartContext:
    """The same context with these client secrets."""
    kept = {"client_secret": Secret(former)} if former is not None else {}
    return replace(ctx, app=replace(ctx.app, secrets={"client_secret": Secret(present)}, former=kept))


def granted(harness: Harness) -> dict[str, Secret]:
    """The credentials of a store that consented."""
    return {"refresh_token": Secret(harness.steer("POST", "authorize", {"seller": SELLER})["refresh_token"])}


def consented(harness: Harness, ctx: CartContext) -> InstallReply:
    """Return the answer Amazon sends back after the consent."""
    away = plugin.install(ctx, None)
    assert isinstance(away, Redirect)
    params = harness.browse(away, RETURN_URL)
    return InstallReply({name: value for name, value in params.items() if name != "state"}, RETURN_URL)


def test_a_token_is_minted_with_the_present_secret(harness: Harness) -> None:
    ctx = rotating(harness.new_store(), PRESENT, NEWER)
    plugin.mint_access_token(ctx, granted(harness))
    assert harness.http.operations() == ["lwaToken"]


def test_the_secret_of_before_a_rotation_is_used_while_amazon_refuses_the_new_one(
    harness: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    ctx = rotating(harness.new_store(), NEWER, PRESENT)
    with caplog.at_level(logging.DEBUG):
        token = plugin.mint_access_token(ctx, granted(harness))
    assert token.value.value
    assert harness.http.operations() == ["lwaToken"] * 2
    assert "the former one is tried" in caplog.text
    for secret in (PRESENT, NEWER, token.value.value):
        assert secret not in caplog.text


def test_a_code_outlives_the_refused_secret(harness: Harness) -> None:
    ctx = rotating(harness.new_store(), NEWER, PRESENT)
    assert isinstance(plugin.install(ctx, consented(harness, ctx)), Connected)


def test_a_rotation_goes_through_without_a_gap(harness: Harness) -> None:
    credentials = granted(harness)
    harness.steer("POST", "application", {"rotate_secret": NEWER, "old_valid_s": 7 * 86400})
    before, after = rotating(harness.new_store(), PRESENT), rotating(harness.new_store(), NEWER, PRESENT)
    plugin.mint_access_token(before, credentials)
    plugin.mint_access_token(after, credentials)
    harness.clock.advance(7 * 86400 + 1)
    plugin.mint_access_token(after, credentials)
    with pytest.raises(SettingsError):
        plugin.mint_access_token(before, credentials)
    assert harness.http.operations() == ["lwaToken"] * 4, "the former secret was needed nowhere"


@pytest.mark.parametrize("former", [None, "", "another wrong one"])
def test_only_where_both_secrets_are_refused_the_warehouse_has_to_mend_it(harness: Harness, former: str | None) -> None:
    ctx = rotating(harness.new_store(), "out of date", former)
    with pytest.raises(SettingsError) as error:
        plugin.mint_access_token(ctx, granted(harness))
    assert error.value.code == "APPLICATION_REFUSED"
    assert "client secret" in error.value.message
    assert "out of date" not in f"{error.value.message}{error.value.detail}"
    assert harness.http.operations() == ["lwaToken"] * (2 if former else 1)


@pytest.mark.parametrize(
    ("answer", "error", "code", "calls"),
    [
        (reply(400, {"error": "invalid_grant"}), AuthorizationLost, "INVALID_GRANT", 1),
        (reply(400, {"error": "invalid_client"}), SettingsError, "APPLICATION_REFUSED", 2),
        (reply(401, {"error": "invalid_client"}), SettingsError, "APPLICATION_REFUSED", 2),
        (reply(401, {"error": "unauthorized"}), SettingsError, "APPLICATION_REFUSED", 2),
        (reply(401, b"<html>no access</html>"), Temporary, "SIGN_IN_UNAVAILABLE", 1),
        (reply(400, {"error": "unauthorized_client"}), SettingsError, "APPLICATION_UNAUTHORIZED", 1),
        (reply(400, {"error": "invalid_request"}), Permanent, "SIGN_IN_REFUSED", 1),
        (reply(429, {"error": "slow_down"}), RateLimited, "RATE_LIMITED", 1),
        (reply(503, {"error": "server_error"}), Temporary, "SIGN_IN_UNAVAILABLE", 1),
        (reply(200, [1]), Temporary, "UNREADABLE_ANSWER", 1),
        (reply(200, b"[" * 100_000), Temporary, "UNREADABLE_ANSWER", 1),
        (reply(200, {"access_token": "x"}), Temporary, "UNREADABLE_ANSWER", 1),
        (reply(200, {"access_token": "", "expires_in": 3600}), Temporary, "UNREADABLE_ANSWER", 1),
        (reply(200, {"access_token": 7, "expires_in": 3600}), Temporary, "UNREADABLE_ANSWER", 1),
        (reply(200, {"access_token": "x", "expires_in": 0}), Temporary, "UNREADABLE_ANSWER", 1),
    ],
)
def test_each_answer_of_the_token_endpoint_has_its_meaning(
    harness: Harness, answer: Reply, error: type[Exception], code: str, calls: int
) -> None:
    http = Scripted([answer])
    ctx = replace(rotating(harness.new_store(), PRESENT, NEWER), http=http)
    with pytest.raises(error) as found:
        plugin.mint_access_token(ctx, {"refresh_token": Secret("Atzr|x")})
    assert getattr(found.value, "code", None) == code
    assert len(http.calls) == calls


@pytest.mark.parametrize("secrets", [{}, {"client_secret": Secret("")}])
def test_without_a_secret_nothing_is_asked(harness: Harness, secrets: dict[str, Secret]) -> None:
    ctx = rotating(harness.new_store(), PRESENT, NEWER)
    with pytest.raises(SettingsError) as error:
        plugin.mint_access_token(replace(ctx, app=replace(ctx.app, secrets=secrets)), granted(harness))
    assert error.value.code == "NOT_SET_UP"
    assert harness.http.calls == []


def test_what_the_former_secret_is_answered_counts(harness: Harness) -> None:
    http = Scripted([reply(401, {"error": "invalid_client"}), reply(400, {"error": "invalid_grant"})])
    ctx = replace(rotating(harness.new_store(), NEWER, PRESENT), http=http)
    with pytest.raises(AuthorizationLost):
        plugin.mint_access_token(ctx, {"refresh_token": Secret("Atzr|x")})
    assert [call.data["client_secret"] for call in http.calls] == [NEWER, PRESENT]


def test_the_secret_is_declared_to_outlive_a_rotation_by_a_week() -> None:
    (secret,) = (field for field in plugin.cart_manifest().platform_fields if field.kind is FieldKind.SECRET)
    assert (secret.key, secret.former_for) == ("client_secret", timedelta(days=7))


def test_a_revoked_authorization_is_lost_for_good(harness: Harness) -> None:
    ctx = harness.store()
    harness.steer("POST", "seller", {"seller": SELLER, "revoke": True})
    with pytest.raises(AuthorizationLost) as error:
        plugin.check_connection(ctx)
    assert error.value.code == "INVALID_GRANT"


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("5xx", "SIGN_IN_UNAVAILABLE"),
        ("html_200", "UNREADABLE_ANSWER"),
        ("truncate", "UNREADABLE_ANSWER"),
        ("refuse", "NO_ANSWER"),
    ],
)
def test_scenario_F58_trouble_at_the_token_endpoint_is_temporary(harness: Harness, kind: str, code: str) -> None:
    ctx = harness.store()
    harness.steer("POST", "faults", {"operation": "token", "kind": kind})
    with pytest.raises(Temporary) as error:
        plugin.check_connection(ctx)
    assert error.value.code == code
    assert plugin.check_connection(ctx).remote_id == SELLER


def test_the_sign_in_never_retries_what_amazon_refused_for_good(harness: Harness) -> None:
    with pytest.raises(Permanent):
        plugin.mint_access_token(harness.new_store(), {"refresh_token": Secret("")})
    with pytest.raises(AuthorizationLost):
        plugin.mint_access_token(harness.new_store(), {})


def test_an_expired_access_token_is_replaced_once(harness: Harness) -> None:
    ctx = harness.store()
    plugin.check_connection(ctx)
    harness.steer("POST", "seller", {"seller": SELLER, "expire_access_tokens": True})
    plugin.check_connection(ctx)
    assert harness.tokens[SELLER].minted == 2
    assert harness.http.operations().count("getMarketplaceParticipations") == 3


@pytest.mark.parametrize("answer", [refusal(403, "Denied", "Unauthorized", EXPIRED), refusal(401, "Unauthorized")])
def test_an_access_token_refused_twice_is_a_lost_authorization_and_no_loop(harness: Harness, answer: Reply) -> None:
    ctx, http = answered(harness.store(), answer)
    assert isinstance(ctx.token, MintedToken)
    with pytest.raises(AuthorizationLost):
        plugin.check_connection(ctx)
    assert len(http.calls) == 2
    assert len({call.headers["x-amz-access-token"] for call in http.calls}) == 2
    assert ctx.token.minted == 2


def test_a_missing_role_replaces_no_token(harness: Harness) -> None:
    ctx, http = answered(harness.store(), refusal(403, "Access to requested resource is denied.", "Unauthorized"))
    with pytest.raises(SettingsError):
        plugin.check_connection(ctx)
    assert len(http.calls) == 1
