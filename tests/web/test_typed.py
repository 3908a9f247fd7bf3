"""Field case H1: characters and numbers no column can hold are no failure of a page, on either database."""

from __future__ import annotations

import pytest

from is2_core.clock import VirtualClock
from is2_core.platform import Platform
from tests.support.browser import Browser
from tests.support.panel import ADMIN, ALICE, START, Panel, app_over

HUGE = ["9223372036854775807", "9223372036854775808", "9" * 4301]


def test_field_H1_nul_signs_nobody_in_and_breaks_nothing(platform: Platform) -> None:
    browser = Browser(app_over(platform, VirtualClock(START)))
    browser.get("/sign-in")
    page = browser.press("Sign in", email="a\0lice@example.com", password="a\0b")
    assert page.status in (200, 400, 401)
    assert browser.get("/sign-in?next=%00").status == 200
    assert browser.get("/amazon%00/install").status == 404


@pytest.mark.parametrize("number", HUGE, ids=["largest", "one more", "4301 digits"])
def test_field_H1_an_id_that_cannot_be_is_not_found(panel: Panel, number: str) -> None:
    browser = panel.browser(ADMIN)
    rules = [rule for rule in panel.app.url_map.iter_rules() if rule.arguments and "GET" in (rule.methods or ())]
    tried = 0
    for rule in rules:
        converters = {name for name, each in rule._converters.items() if type(each).__name__ == "_Number"}
        if not converters:
            continue
        values = {name: 1 if name in converters else "amazon" for name in rule.arguments}
        with panel.app.test_request_context():
            address = panel.app.url_map.bind("localhost").build(rule.endpoint, values)
        if "/1" in address:
            tried += 1
            assert browser.get(address.replace("/1", f"/{number}", 1)).status in (403, 404), rule
    assert tried >= 20


@pytest.mark.parametrize("number", HUGE, ids=["largest", "one more", "4301 digits"])
def test_field_H1_a_number_in_a_query_or_form_that_cannot_be_is_refused(panel: Panel, number: str) -> None:
    browser = panel.browser(ALICE)
    assert browser.get(f"/received-orders?integration={number}&page={number}").status in (200, 404)
    assert browser.get("/received-orders?q=%00AM1").status == 200
    page = browser.post("/received-orders/fetch", {"integration_id": number, "remote_id": "1\0"})
    assert page.status == 404
