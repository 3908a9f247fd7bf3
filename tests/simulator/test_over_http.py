"""The same over real HTTP: dropped connections, encoded addresses, a browser, the command."""

import os
import signal
import subprocess
import sys
from urllib.parse import parse_qs, urlsplit

import mechanicalsoup
import pytest
import requests

from tests.simulator.driver import APPLICATION, CLIENT, NORTHWIND, PANEL

WAIT = 20


def steer(live: str, path: str, body=None):
    answer = requests.post(f"{live}/_sim/{path}", json=body or {}, timeout=WAIT)
    assert answer.ok, answer.text
    return answer.json()


def access_token(live: str) -> str:
    refresh = steer(live, "authorize", {"seller": NORTHWIND})["refresh_token"]
    form = CLIENT | {"grant_type": "refresh_token", "refresh_token": refresh}
    return requests.post(f"{live}/auth/o2/token", data=form, timeout=WAIT).json()["access_token"]


@pytest.mark.parametrize("kind", ["refuse", "apply_then_drop"])
def test_a_dropped_connection_is_a_connection_error(live, kind):
    steer(live, "faults", {"operation": "token", "kind": kind})
    with pytest.raises(requests.ConnectionError):
        requests.post(f"{live}/auth/o2/token", data=CLIENT, timeout=WAIT)
    assert requests.post(f"{live}/auth/o2/token", data=CLIENT, timeout=WAIT).status_code == 400


def test_an_encoded_slash_in_a_sku_survives(live):
    steer(live, "listings", {"seller": NORTHWIND, "sku": "A/B +1", "quantity": 3})
    answer = requests.get(
        f"{live}/na/listings/2021-08-01/items/{NORTHWIND}/A%2FB%20%2B1",
        params={"marketplaceIds": "ATVPDKIKX0DER", "includedData": "fulfillmentAvailability"},
        headers={"x-amz-access-token": access_token(live)},
        timeout=WAIT,
    )
    assert answer.json()["fulfillmentAvailability"][0]["quantity"] == 3


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("OPTIONS", "/na/orders/2026-01-01/orders"),
        ("TRACE", "/na/orders/2026-01-01/orders"),
        ("PROPFIND", "/na/orders/2026-01-01/orders"),
        ("GET", "/xx/orders/2026-01-01/orders"),
        ("GET", "//[na/orders"),
        ("GET", "/na/nowhere"),
    ],
)
def test_whatever_is_no_operation_is_refused_by_amazon_itself(live, method, path):
    request = requests.Request(method, live).prepare()
    request.url = live + path
    with requests.Session() as session:
        answer = session.send(request, timeout=WAIT)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (403, "MissingAuthenticationToken")
    assert answer.headers["x-amzn-RequestId"]


def test_a_sku_may_hold_whatever_an_address_can_encode(live):
    answer = requests.get(
        f"{live}/na/listings/2021-08-01/items/{NORTHWIND}/A%0AB",
        params={"marketplaceIds": "ATVPDKIKX0DER"},
        headers={"x-amz-access-token": access_token(live)},
        timeout=WAIT,
    )
    assert (answer.status_code, answer.json()["errors"][0]["message"]) == (
        404,
        "SKU 'A\nB' not found in marketplace ATVPDKIKX0DER.",
    )


def test_an_answer_without_a_body_names_no_content_type(live):
    scope = "sellingpartnerapi::client_credential:rotation"
    form = CLIENT | {"grant_type": "client_credentials", "scope": scope}
    token = requests.post(f"{live}/auth/o2/token", data=form, timeout=WAIT).json()["access_token"]
    answer = requests.post(
        f"{live}/na/applications/2023-11-30/clientSecret", headers={"x-amz-access-token": token}, timeout=WAIT
    )
    assert (answer.status_code, answer.content, "Content-Type" in answer.headers) == (204, b"", False)


def test_a_repeated_parameter_is_refused(live):
    answer = requests.get(
        f"{live}/na/orders/2026-01-01/orders",
        params=[("createdAfter", "2026-02-01T00:00:00Z"), ("includedData", "BUYER"), ("includedData", "RECIPIENT")],
        headers={"x-amz-access-token": access_token(live)},
        timeout=WAIT,
    )
    assert answer.status_code == 400
    assert "includedData is repeated" in answer.text


def test_a_token_of_version_0_must_be_percent_encoded(live):
    steer(live, "orders/generate", {"seller": NORTHWIND, "mix": {"plain": 2}})
    headers, address = {"x-amz-access-token": access_token(live)}, f"{live}/na/orders/v0/orders"
    places = "ATVPDKIKX0DER,A2EUQ1WTGCTBG2,A1AM78C64UM0Y8"
    first = {"MarketplaceIds": places, "CreatedAfter": "2020-01-01T00:00:00Z", "MaxResultsPerPage": 1}
    token = requests.get(address, params=first, headers=headers, timeout=WAIT).json()["payload"]["NextToken"]
    raw = requests.get(f"{address}?MarketplaceIds={places}&NextToken={token}", headers=headers, timeout=WAIT)
    assert (raw.status_code, raw.json()["errors"][0]["message"]) == (400, "NextToken is invalid.")
    encoded = requests.get(
        address, params={"MarketplaceIds": places, "NextToken": token}, headers=headers, timeout=WAIT
    )
    assert len(encoded.json()["payload"]["Orders"]) == 1


def test_a_customization_is_downloaded_without_a_token(live):
    made = steer(live, "orders/generate", {"seller": NORTHWIND, "mix": {"customized": 1}})
    (order_id,) = made["branches"]["customized"]
    headers = {"x-amz-access-token": access_token(live)}
    shown = requests.get(f"{live}/na/orders/2026-01-01/orders/{order_id}", headers=headers, timeout=WAIT).json()
    url = shown["order"]["orderItems"][0]["product"]["customization"]["customizedUrl"]
    assert url.startswith(f"{live}/custom/")
    answer = requests.get(url, timeout=WAIT)
    assert (answer.headers["Content-Type"], answer.content[:2]) == ("application/zip", b"PK")


def test_a_browser_without_scripts_can_authorize(live):
    browser = mechanicalsoup.StatefulBrowser(raise_on_404=True)
    query = f"application_id={APPLICATION}&state=s-1&redirect_uri={PANEL}"
    browser.open(f"{live}/sellercentral/us/apps/authorize/consent?{query}")
    browser.select_form("#sign-in")
    browser["seller"] = NORTHWIND
    browser.submit_selected()
    form = browser.select_form("#consent")
    for box in ("agree_roles", "agree_data", "agree_terms"):
        browser[box] = True
    form.choose_submit(browser.page.select_one("button[value=next]"))
    sent = browser.submit_selected(update_state=False, allow_redirects=False)
    returned = parse_qs(urlsplit(sent.headers["Location"]).query)
    exchange = CLIENT | {
        "grant_type": "authorization_code",
        "code": returned["spapi_oauth_code"][0],
        "redirect_uri": PANEL,
    }
    assert requests.post(f"{live}/auth/o2/token", data=exchange, timeout=WAIT).json()["refresh_token"]


def test_the_command_serves_and_ends_cleanly_on_sigterm(tmp_path):
    program = "from plugins.amazon.simulator.command import command; command()"
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    arguments = [sys.executable, "-c", program, "--port", "0"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, env=environment) as process:
        line = process.stdout.readline()
        address = next(word for word in line.split() if word.startswith("http://")).rstrip(",")
        assert requests.get(f"{address}_sim/clock", timeout=WAIT).ok
        process.send_signal(signal.SIGTERM)
        assert process.wait(WAIT) == 0
