"""Rules of every route, generated from the URL map, so that a new page cannot forget it."""

from __future__ import annotations

import hashlib
import re
import sqlite3
from dataclasses import replace

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session
from werkzeug.routing import Rule

from is2_core.accounts.models import Integration, User
from is2_core.embedded_warehouse.models import WarehouseFile, WarehouseOrder, WarehouseSku
from is2_core.items.models import CartItem, ItemUpload, ShippingMapping
from is2_core.orders.models import ReceivedLine, ReceivedOrder
from is2_core.submissions.models import Submission
from is2_core.tasks.models import Task
from tests.support.browser import Browser
from tests.support.panel import ADMIN, ALICE, CHARLIE, PACKER, Panel
from web.app import create_app
from web.security import HEADERS

# Which table the id in an address is of.
TABLES = {
    "integration_id": Integration,
    "item_id": CartItem,
    "mapping_id": ShippingMapping,
    "sku_id": WarehouseSku,
    "user_id": User,
    "task_id": Task,
    "upload_id": ItemUpload,
    "submission_id": Submission,
}
PUBLIC = {
    "auth.sign_in",
    "passwords.by_link",
    "passwords.forgotten",
    "passwords.replace_old",
    "second_factor.enrol",
    "second_factor.give",
    "health.healthz",
    "health.readyz",
    "help.show",
    "install.come_back",
    "install.login_leg",
    "install.confirm",
    "install.start",
    "static",
}

PERSONAL = ("received_orders.address", "customizations.of_received", "customizations.of_warehouse")


def rules(panel: Panel, method: str) -> list[Rule]:
    return [rule for rule in panel.app.url_map.iter_rules() if method in (rule.methods or ())]


def table_of(rule: Rule, name: str) -> type:
    if name == "order_id":
        return WarehouseOrder if rule.rule.startswith("/warehouse/") else ReceivedOrder
    return TABLES[name]


def line_of(db: Session, rule: Rule, order_id: int) -> int | None:
    """A line of the order that an address is about."""
    if table_of(rule, "order_id") is WarehouseOrder:
        return db.scalars(sa.select(WarehouseFile.id).where(WarehouseFile.order_id == order_id)).first() or 1
    received = order_id
    return db.scalars(sa.select(ReceivedLine.id).where(ReceivedLine.order_id == received)).first()


def address(panel: Panel, rule: Rule, account_id: int) -> str:
    """The rule's address, with ids of that account's things."""
    place = rule.rule, account_id
    if place not in _addresses:
        # The furnished database is the same at the beginning of every test.
        _addresses[place] = _address(panel, rule, account_id)
    return _addresses[place]


_addresses: dict[tuple[str, int], str] = {}


def _address(panel: Panel, rule: Rule, account_id: int) -> str:
    values: dict[str, object] = {}
    with panel.platform.db.read() as db:
        # By name, so that an order comes before its line.
        for name in sorted(rule.arguments, reverse=True):
            if name == "line_id":
                values[name] = line_of(db, rule, int(str(values["order_id"])))
            elif name == "cart":
                values[name] = "amazon"
            elif name == "warehouse":
                values[name] = "embedded"
            elif name == "token":
                values[name] = "none"
            elif name == "filename":
                values[name] = "app.css"
            elif name == "user_id":
                values[name] = db.scalar(sa.select(User.id).where(User.email == ALICE))
            else:
                table = table_of(rule, name)
                values[name] = db.scalars(sa.select(table.id).where(table.account_id == account_id)).first()
                assert values[name], f"the furnished panel has no {name} for {rule}"
    with panel.app.test_request_context():
        built = rule.build(values)
    assert built is not None
    return str(built[1])


def with_object(rule: Rule) -> bool:
    return bool(rule.arguments - {"cart", "warehouse", "filename", "token", "user_id", "task_id"})


class Content:
    """The rows of the database as they are now but for the audit log's, read again only where somebody has written
    since."""

    def __init__(self, panel: Panel) -> None:
        self._connection = sqlite3.connect(str(sa.make_url(panel.platform.db.url).database))
        self._version, self._digest = self._commits(), self._read()

    def is_the_same(self) -> bool:
        """Whether every row is as it was."""
        version = self._commits()
        if version != self._version:
            self._version = version
            return self._read() == self._digest
        return True

    def _commits(self) -> object:
        # Another number after each commit of another connection that wrote anything.
        return self._connection.execute("PRAGMA data_version").fetchone()

    def _read(self) -> str:
        rows = (line for line in self._connection.iterdump() if not line.startswith('INSERT INTO "audit_'))
        return hashlib.sha256("\n".join(rows).encode()).hexdigest()

    def acts(self) -> int:
        """How many acts the audit log holds."""
        return int(self._connection.execute("SELECT count(*) FROM audit_entry").fetchone()[0])


@pytest.mark.parametrize("email", [None, ALICE, ADMIN])
def test_no_change_without_a_token(panel: Panel, email: str | None) -> None:
    browser = panel.browser(email)
    before = Content(panel)
    changing = rules(panel, "POST")
    assert len(changing) > 20
    for rule in changing:
        response = browser.client.post(address(panel, rule, panel.northwind))
        assert response.status_code == 400, rule
    assert before.is_the_same()


def test_a_token_of_another_session_is_refused(panel: Panel) -> None:
    token = panel.browser(CHARLIE).token()
    alice = panel.browser(ALICE)
    response = alice.client.post("/sign-out", data={"csrf_token": token})
    assert response.status_code == 400
    assert alice.get("/integrations").status == 200


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_scenario_F65_another_accounts_things_are_not_there(
    panel: Panel, method: str, caplog: pytest.LogCaptureFixture
) -> None:
    charlie = panel.browser(CHARLIE)
    token = charlie.token()
    checked = 0
    before = Content(panel)
    for rule in rules(panel, method):
        if not with_object(rule):
            continue
        caplog.clear()
        theirs = address(panel, rule, panel.northwind)
        if method == "GET":
            response = charlie.client.get(theirs)
        else:
            response = charlie.client.post(theirs, data={"csrf_token": token})
        # A merchant may not do these at all, whoever the thing belongs to.
        refused = 403 if rule.endpoint in ("warehouse.adjust", "admin.give_up") else 404
        assert response.status_code == refused, (rule, response.status_code)
        assert "Northwind" not in response.get_data(as_text=True)
        assert any(record.name == "web.access" for record in caplog.records), f"{rule} was not logged"
        checked += 1
    assert checked >= (9 if method == "GET" else 14)
    assert before.is_the_same()


def test_ids_in_forms_are_checked_as_well(panel: Panel) -> None:
    charlie = panel.browser(CHARLIE)
    store = panel.store(panel.northwind)
    assert charlie.post("/received-orders/approve-all", {"integration_id": store.id}).status == 404
    assert charlie.post("/received-orders/fetch", {"integration_id": store.id, "remote_id": "1"}).status == 404
    assert charlie.post("/account", {"account_id": panel.northwind}).status == 404
    begun = charlie.post("/amazon/install/begin", {"account_id": panel.northwind, "region": "na"})
    assert begun.status == 404


def test_filters_do_not_reach_into_another_account(panel: Panel) -> None:
    charlie = panel.browser(CHARLIE)
    store = panel.store(panel.northwind)
    page = charlie.get(f"/received-orders?integration={store.id}")
    assert "No order matches" in page.text
    stock = charlie.get(f"/warehouse/stock?account={panel.northwind}")
    with panel.platform.db.read() as db:
        foreign = db.scalars(sa.select(WarehouseSku.id).where(WarehouseSku.account_id == panel.northwind)).all()
    assert not any(f'/warehouse/stock/{sku_id}"' in stock.html for sku_id in foreign)


def responses(browser: Browser, panel: Panel) -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = []
    for method in ("GET", "POST"):
        for rule in rules(panel, method):
            found.append((str(rule), browser.client.open(address(panel, rule, panel.northwind), method=method)))
    found += [
        ("nothing", browser.client.get("/nothing/here")),
        ("wrong method", browser.client.delete("/integrations")),
        ("api", browser.client.get("/api/v1/nothing")),
    ]
    return found


@pytest.mark.parametrize("email", [None, ALICE])
def test_every_answer_carries_the_headers(panel: Panel, email: str | None) -> None:
    for what, response in responses(panel.browser(email), panel):
        for name, value in HEADERS.items():
            assert response.headers.get(name) == value, (what, name)  # type: ignore[attr-defined]
        if not what.startswith("/static"):
            assert response.headers["Cache-Control"] == "no-store", what  # type: ignore[attr-defined]


def test_no_page_holds_script_or_style_of_its_own(panel: Panel) -> None:
    for email in (ALICE, ADMIN, PACKER):
        for what, response in responses(panel.browser(email), panel):
            if "text/html" not in response.headers.get("Content-Type", ""):  # type: ignore[attr-defined]
                continue
            html = response.get_data(as_text=True)  # type: ignore[attr-defined]
            assert not re.search(r"<script(?![^>]*\bsrc=)", html), what
            assert not re.search(r"<style|\sstyle=|\son[a-z]+=", html), what
            assert not re.search(r"(src|href)=\"https?://(?!127)", html), what


def test_every_field_has_a_label(panel: Panel) -> None:
    seen = set()
    for email in (None, ALICE, ADMIN, PACKER):
        browser = panel.browser(email)
        for rule in rules(panel, "GET"):
            page = browser.get(address(panel, rule, panel.northwind))
            # Whoever may not see a page is led to one that many are led to.
            if page.html in seen:
                continue
            seen.add(page.html)
            ids = [tag["id"] for tag in page.soup.find_all(id=True)]
            assert len(ids) == len(set(ids)), (rule, "an id stands twice")
            labels = {tag["for"] for tag in page.soup.find_all("label")}
            for tag in page.soup.find_all(["input", "select"]):
                if tag.get("type") != "hidden":
                    assert tag.get("id") in labels, (rule, tag)


def test_the_secure_cookie(panel: Panel) -> None:
    config = replace(panel.platform.config, allow_plain_http=False, public_url="https://panel.example")
    app = create_app(replace(panel.platform, config=config))
    response = app.test_client().get("/sign-in", base_url="https://panel.example")
    cookie = response.headers["Set-Cookie"]
    assert cookie.startswith("__Host-is2=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
    assert "Domain" not in cookie
    assert response.headers["Strict-Transport-Security"].startswith("max-age=31536000")


def test_a_plain_cookie_without_tls(panel: Panel) -> None:
    response = panel.browser().client.get("/sign-in")
    assert response.headers["Set-Cookie"].startswith("is2=")
    assert "HttpOnly; Path=/; SameSite=Lax" in response.headers["Set-Cookie"]
    assert "Strict-Transport-Security" not in response.headers
