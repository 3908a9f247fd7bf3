"""The pages of errors."""

from __future__ import annotations

import dataclasses
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from is2_core.accounts.models import Account
from is2_core.db.engine import Database
from tests.support.browser import Browser
from tests.support.panel import ALICE, Panel
from web.app import create_app


@pytest.fixture
def own(panel: Panel) -> Panel:
    """The panel with an app of its own, which may have more pages and answers as in production."""
    return dataclasses.replace(panel, app=create_app(panel.platform, session_clock=panel.session_clock))


def test_errors_come_in_the_same_frame(panel: Panel) -> None:
    browser = panel.browser(ALICE)
    page = browser.get("/nothing/here")
    assert (page.status, page.heading) == (404, "Not found")
    page = browser.post("/integrations/add")
    assert page.status == 405
    assert page.response.headers["Allow"]


def test_the_api_answers_in_json(panel: Panel) -> None:
    response = panel.browser().client.get("/api/v1/nothing")
    assert response.status_code == 404
    assert response.get_json()["error"]["code"] == 404
    assert "nothing at this address" in response.get_json()["error"]["message"]


def test_a_bug_shows_no_trace(own: Panel, caplog: pytest.LogCaptureFixture) -> None:
    @own.app.get("/broken")
    def broken() -> str:
        raise RuntimeError("secret inner words")

    page = own.browser(ALICE).get("/broken")
    assert page.status == 500
    assert "secret inner words" not in page.html
    assert "It has been written down" in page.text
    assert "secret inner words" not in caplog.text
    assert "RuntimeError" in caplog.text
    assert "test_errors.py" in caplog.text


def test_a_busy_database_is_no_bug_and_changes_nothing(own: Panel) -> None:
    @own.app.get("/busy")
    def busy() -> str:
        raise OperationalError("UPDATE", {}, sqlite3.OperationalError("database is locked"))

    page = own.browser(ALICE).get("/busy")
    assert page.status == 503
    assert "try again in a moment" in page.text


def test_health(panel: Panel) -> None:
    assert panel.browser().client.get("/healthz").get_json() == {"status": "ok"}


def test_without_its_database_the_panel_says_so(panel: Panel, tmp_path: Path) -> None:
    gone = dataclasses.replace(panel.platform, db=Database(f"sqlite:///{tmp_path}/no/such/folder.db"))
    app = create_app(gone)
    browser = Browser(app)
    assert browser.client.get("/healthz").status_code == 200
    ready = browser.client.get("/readyz")
    assert (ready.status_code, "The database does not answer." in ready.get_json()["problems"]) == (503, True)
    assert browser.client.get("/sign-in").status_code == 200


def test_too_much_at_once(panel: Panel) -> None:
    browser = panel.browser(ALICE)
    store = panel.store(panel.northwind)
    response = browser.client.post(
        f"/integrations/{store.id}/items", data={"csrf_token": browser.token(), "sku": "x" * 3_000_000}
    )
    assert response.status_code == 413


def test_who_was_slower_is_told_so(own: Panel) -> None:
    @own.app.get("/outrun")
    def outrun() -> str:
        with own.platform.db.write() as session:
            session.add(Account(name="Northwind", created_at=own.platform.clock.now()))
            session.flush()
            twice = {"id": session.scalars(sa.select(sa.func.max(Account.id))).one(), "name": "Twice"}
            session.execute(sa.insert(Account), [{**twice, "created_at": own.platform.clock.now()}])
        return "never"

    page = own.browser(ALICE).get("/outrun")
    assert page.status == 409
    assert "Somebody else changed this meanwhile" in page.text
