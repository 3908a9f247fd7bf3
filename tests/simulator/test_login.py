"""Login with Amazon: what the token endpoint gives and refuses."""

import json
from urllib.parse import urlencode

import pytest

from tests.simulator.driver import APPLICATION, CLIENT, NORTHWIND, ORDERS, PANEL, Driver, Store, error

pytestmark = pytest.mark.unit


def code_for(amazon: Driver, redirect_uri: str = PANEL) -> str:
    return amazon.simulator.state.grants.consent(APPLICATION, NORTHWIND, redirect_uri, ["Product Listing"])


def redeem(amazon: Driver, code: str, redirect_uri: str = PANEL):
    return amazon.token_call(grant_type="authorization_code", code=code, redirect_uri=redirect_uri, **CLIENT)


def test_a_code_buys_an_access_token_for_an_hour_and_a_refresh_token(amazon):
    answer = redeem(amazon, code_for(amazon))
    assert answer.status == 200
    assert answer.headers["Cache-Control"] == "no-store"
    bought = answer.json()
    assert bought["expires_in"] == 3600
    assert bought["token_type"] == "bearer"
    assert bought["access_token"].startswith("Atza|")
    assert bought["refresh_token"].startswith("Atzr|")


def test_a_code_works_once(amazon):
    code = code_for(amazon)
    assert redeem(amazon, code).status == 200
    again = redeem(amazon, code)
    assert again.status == 400
    assert again.json()["error"] == "invalid_grant"


def test_a_code_lives_five_minutes(amazon):
    early, late = code_for(amazon), code_for(amazon)
    amazon.advance(300)
    assert redeem(amazon, early).status == 200
    amazon.advance(1)
    assert redeem(amazon, late).json()["error"] == "invalid_grant"


def test_a_code_is_bound_to_its_redirect_uri(amazon):
    assert redeem(amazon, code_for(amazon), PANEL.replace("5000", "5001")).json()["error"] == "invalid_grant"


def test_field_H7_json_bodies_and_a_missing_redirect_uri_are_taken(amazon):
    form = {"grant_type": "authorization_code", "code": code_for(amazon), **CLIENT}
    body = json.dumps(form).encode()
    bought = amazon.send("POST", "/auth/o2/token", headers={"Content-Type": "application/json"}, body=body)
    assert (bought.status, bought.json()["token_type"]) == (200, "bearer")
    renewed = {"grant_type": "refresh_token", "refresh_token": bought.json()["refresh_token"], **CLIENT}
    assert amazon.token_call(**renewed).status == 200
    for wrong in (b"[]", b"{", b'{"grant_type": 1}', b"\xff"):
        answer = amazon.send("POST", "/auth/o2/token", headers={"Content-Type": "application/json"}, body=wrong)
        assert (answer.status, answer.json()["error"]) == (400, "invalid_request")


def test_a_wrong_secret_is_401_invalid_client(amazon):
    answer = amazon.token_call(
        grant_type="refresh_token", refresh_token="Atzr|x", client_id=CLIENT["client_id"], client_secret="wrong"
    )
    assert answer.status == 401
    assert answer.json() == {"error": "invalid_client", "error_description": "Client authentication failed"}


def test_two_secrets_are_valid_during_a_rotation(amazon, store):
    amazon.steer("POST", "application", {"secrets": [CLIENT["client_secret"], "the-new-one"]})
    for secret in (CLIENT["client_secret"], "the-new-one"):
        form = CLIENT | {"client_secret": secret, "grant_type": "refresh_token", "refresh_token": store.refresh_token}
        assert amazon.token_call(**form).status == 200


def renewed(amazon, store, secret: str):
    form = CLIENT | {"client_secret": secret, "grant_type": "refresh_token", "refresh_token": store.refresh_token}
    return amazon.token_call(**form)


def test_after_a_rotation_the_old_secret_is_good_for_a_while(amazon, store):
    shown = amazon.steer("POST", "application", {"rotate_secret": "the-new-one", "old_valid_s": 3600})
    assert shown["secret"] == "the-new-one"
    assert shown["expiring_secrets"] == [{"secret": CLIENT["client_secret"], "valid_until": "2026-03-02T13:00:00.000Z"}]
    amazon.advance(3600)
    assert [renewed(amazon, store, each).status for each in (CLIENT["client_secret"], "the-new-one")] == [200, 200]
    amazon.advance(1)
    refused = renewed(amazon, store, CLIENT["client_secret"])
    assert (refused.status, refused.json()["error"]) == (401, "invalid_client")
    assert renewed(amazon, store, "the-new-one").status == 200


def test_a_second_rotation_does_not_lengthen_the_first_secrets_life(amazon, store):
    amazon.steer("POST", "application", {"rotate_secret": "second", "old_valid_s": 10})
    amazon.steer("POST", "application", {"rotate_secret": "third"})
    amazon.advance(11)
    secrets = (CLIENT["client_secret"], "second", "third")
    assert [renewed(amazon, store, each).status for each in secrets] == [401, 200, 200]
    amazon.advance(7 * 86400)
    assert [renewed(amazon, store, each).status for each in secrets] == [401, 401, 200]


@pytest.mark.parametrize(
    "body", [{"rotate_secret": ""}, {"rotate_secret": CLIENT["client_secret"]}, {"old_valid_s": 5}, {"colour": "red"}]
)
def test_a_rotation_needs_a_new_secret(amazon, body):
    assert amazon.send("POST", "/_sim/application", body=json.dumps(body).encode()).status == 400
    assert amazon.steer("GET", "application")["secret"] == CLIENT["client_secret"]


ROTATE = "/na/applications/2023-11-30/clientSecret"


def test_the_application_rotates_its_own_secret_and_the_old_one_dies_after_seven_days(amazon, store):
    answer = amazon.send(
        "POST",
        ROTATE,
        headers={"x-amz-access-token": amazon.grantless("sellingpartnerapi::client_credential:rotation")},
    )
    assert (answer.status, answer.body) == (204, b"")
    new = amazon.steer("GET", "application")["secret"]
    assert new != CLIENT["client_secret"]
    amazon.advance(7 * 86400 + 1)
    assert [renewed(amazon, store, each).status for each in (CLIENT["client_secret"], new)] == [401, 200]


def test_rotation_takes_the_tokens_of_its_own_scope_only(amazon, store):
    for token in (store.token, amazon.grantless("sellingpartnerapi::notifications")):
        answer = amazon.send("POST", ROTATE, headers={"x-amz-access-token": token})
        assert (answer.status, error(answer)["details"]) == (403, "")
    assert "missing" in error(amazon.send("POST", ROTATE))["details"]
    assert amazon.steer("GET", "application")["expiring_secrets"] == []


def test_rotation_needs_a_queue_for_the_new_secret(amazon):
    amazon.steer("POST", "application", {"rotation_notices": False})
    token = amazon.grantless("sellingpartnerapi::client_credential:rotation")
    answer = amazon.send("POST", ROTATE, headers={"x-amz-access-token": token})
    assert answer.status == 400
    assert error(answer)["message"].startswith("Application is not enrolled for rotation notification.")


@pytest.mark.parametrize("left_out", ["grant_type", "refresh_token", "client_id", "client_secret"])
def test_every_field_is_needed(amazon, left_out):
    form = {"grant_type": "refresh_token", "refresh_token": "Atzr|x"} | CLIENT
    del form[left_out]
    answer = amazon.token_call(**form)
    assert (answer.status, answer.json()["error"]) == (400, "invalid_request")
    assert left_out in answer.json()["error_description"]


@pytest.mark.parametrize("kind", ["application/xml", "text/plain", ""])
def test_the_form_must_say_it_is_a_form(amazon, store, kind):
    form = CLIENT | {"grant_type": "refresh_token", "refresh_token": store.refresh_token}
    answer = amazon.send("POST", "/auth/o2/token", headers={"Content-Type": kind}, body=urlencode(form).encode())
    assert (answer.status, answer.json()["error"]) == (400, "invalid_request")


def test_unknown_grants_and_scopes_are_refused(amazon):
    assert amazon.token_call(grant_type="password", **CLIENT).json()["error"] == "unsupported_grant_type"
    wrong = amazon.token_call(grant_type="client_credentials", scope="everything", **CLIENT)
    assert wrong.json()["error"] == "invalid_scope"


def test_a_grantless_token_has_no_refresh_token_and_opens_no_sellers_data(amazon):
    answer = amazon.token_call(grant_type="client_credentials", scope="sellingpartnerapi::notifications", **CLIENT)
    assert "refresh_token" not in answer.json()
    refused = amazon.send("GET", ORDERS, headers={"x-amz-access-token": answer.json()["access_token"]})
    assert refused.status == 403


def test_refreshing_keeps_the_refresh_token_and_the_older_access_token(amazon, store):
    older = store.token
    store.renew()
    assert store.token != older
    for token in (older, store.token):
        store.token = token
        assert store.call("GET", "/na/sellers/v1/marketplaceParticipations").status == 200


def test_revoking_kills_the_refresh_token_and_the_live_access_token(amazon: Driver, store: Store):
    amazon.steer("POST", "seller", {"seller": NORTHWIND, "revoke": True})
    answer = amazon.token_call(grant_type="refresh_token", refresh_token=store.refresh_token, **CLIENT)
    assert (answer.status, answer.json()["error"]) == (400, "invalid_grant")
    refused = store.call("GET", "/na/sellers/v1/marketplaceParticipations")
    assert refused.status == 403
    assert "revoked" in error(refused)["details"]


def test_an_authorization_lapses_after_365_days_and_a_new_consent_revives_it(amazon, store):
    client = CLIENT | {"client_secret": "the-second-one"}

    def refresh():
        return amazon.token_call(grant_type="refresh_token", refresh_token=store.refresh_token, **client).status

    amazon.advance(200 * 86400)
    amazon.steer("POST", "application", {"rotate_secret": client["client_secret"]})
    amazon.advance(165 * 86400)
    assert refresh() == 200
    amazon.advance(1)
    assert refresh() == 400
    amazon.steer("POST", "authorize", {"seller": NORTHWIND})
    assert refresh() == 200


def test_a_client_secret_is_refused_after_180_days(amazon, store):
    def refresh(secret: str):
        client = CLIENT | {"client_secret": secret}
        answer = amazon.token_call(grant_type="refresh_token", refresh_token=store.refresh_token, **client)
        return answer.status, answer.json().get("error")

    first = CLIENT["client_secret"]
    amazon.advance(180 * 86400)
    assert refresh(first) == (200, None)
    amazon.advance(1)
    assert refresh(first) == (401, "invalid_client")
    shown = amazon.steer("POST", "application", {"rotate_secret": "the-second-one", "old_valid_s": 3600})
    assert shown["secret_valid_until"] == "2027-02-25T12:00:01.000Z"
    assert (refresh("the-second-one"), refresh(first)) == ((200, None), (401, "invalid_client"))
