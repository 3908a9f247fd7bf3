"""The administrators' pages."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from is2_core.accounts.models import Integration
from is2_core.calls.plugins import BrokenPlugin
from is2_core.carts import cart_settings
from is2_core.integrations import legacy_authorization
from is2_core.platform import Platform
from is2_core.submissions.models import Submission
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.models import Task
from is2_core.tasks.queue import enqueue
from is2_core.tasks.run import TaskRun
from is2_core.tasks.runner import run_next
from is2_core.tasks.states import TaskState
from tests.support.panel import ADMIN, PACKER, Panel


def test_plugins_show_what_they_can_do_and_who_uses_them(panel: Panel) -> None:
    page = panel.browser(ADMIN).get("/admin/plugins")
    assert "Amazon Enabled" in page.text
    assert "contract 2.1" in page.text
    assert "Endpoints Simulator" in page.text
    assert "Integrations 2" in page.text
    assert "acknowledge_orders" in page.text
    assert "Tiny Shop Disabled" in page.text


def test_a_broken_plugin_is_shown_with_its_traceback(panel: Panel) -> None:
    broken = BrokenPlugin("crooked", "could not be loaded: no module named crooked", "Traceback <x>")
    panel.platform.carts.broken.append(broken)
    try:
        page = panel.browser(ADMIN).get("/admin/plugins")
    finally:
        panel.platform.carts.broken.remove(broken)
    assert "crooked Broken could not be loaded" in page.text
    assert "Traceback <x>" in page.text


def test_a_cart_is_disabled_and_enabled(panel: Panel) -> None:
    browser = panel.browser(ADMIN)
    browser.get("/admin/plugins")
    page = browser.press("Disable")
    assert "Amazon is disabled" in page.messages
    assert not cart_settings.is_enabled(panel.platform, "amazon")
    assert "Amazon:" not in page.text, "no enabled cart, no environment in the header"
    browser.press("Enable")
    assert cart_settings.is_enabled(panel.platform, "amazon")


def test_a_secret_is_never_shown_and_kept_when_left_empty(panel: Panel) -> None:
    browser = panel.browser(ADMIN)
    page = browser.get("/admin/plugins/amazon/settings")
    field = page.field("LWA client secret")
    assert field["type"] == "password"
    assert field["value"] == ""
    assert "leave empty" in str(field["placeholder"])
    page = browser.press("Save settings", application_id="amzn1.sp.solution.other")
    assert "were saved" in page.messages
    stored = cart_settings.platform_settings(panel.platform, "amazon")
    assert stored.values["application_id"] == "amzn1.sp.solution.other"
    assert stored.secrets["client_secret"].value == "is2-demo-client-secret-0123456789"


def test_a_former_secret_is_told_of_and_forgotten_by_an_admin_only(panel: Panel) -> None:
    browser = panel.browser(ADMIN)
    page = browser.get("/admin/plugins/amazon/settings")
    assert "stays usable" not in page.text
    assert "Forget it now" not in page.text
    browser.press("Save settings", client_secret="the next secret")
    page = browser.get("/admin/plugins/amazon/settings")
    until = cart_settings.stored_settings(panel.platform, "amazon").former_until["client_secret"]
    field = page.field("LWA client secret").find_parent("div", class_="mb-3")
    assert field is not None
    assert "The one before stays usable until" in field.text
    assert [tag["datetime"] for tag in field.find_all("time")] == [f"{until:%Y-%m-%dT%H:%M:%SZ}"]
    address = str(page.form("Forget it now")["action"])
    assert panel.browser(PACKER).post(address).status == 403
    assert browser.client.post(address).status_code == 400, "a form without its token"
    assert cart_settings.platform_settings(panel.platform, "amazon").former
    page = browser.press("Forget it now")
    assert "The former secret of Amazon was forgotten." in page.messages
    assert "stays usable" not in page.text
    settings = cart_settings.platform_settings(panel.platform, "amazon")
    assert not settings.former
    assert settings.secrets["client_secret"].value == "the next secret"
    assert browser.post("/admin/plugins/nowhere/former-secrets/forget").status == 404


def test_refused_platform_settings_keep_what_was_typed(panel: Panel) -> None:
    browser = panel.browser(ADMIN)
    browser.get("/admin/plugins/amazon/settings")
    page = browser.press("Save settings", application_id="", client_id="kept", client_secret="new secret")
    assert page.status == 400
    assert "is missing" in page.problem_at("Application ID")
    assert page.field("LWA client identifier")["value"] == "kept"
    assert "new secret" not in page.html
    page = browser.press("Save settings", application_id="x", environment=None)
    assert "Choose one of the endpoints" in page.text


def test_accounts_are_made(panel: Panel) -> None:
    browser = panel.browser(ADMIN)
    browser.get("/admin/accounts")
    assert "The account Fabrikam was made" in browser.press("Add account", name="Fabrikam").messages
    page = browser.press("Add account", name="Fabrikam")
    assert page.status == 409
    assert "already" in page.problem_at("Company name")
    assert page.field("Company name")["value"] == "Fabrikam"


def test_tasks_show_what_was_given_up(panel: Panel) -> None:
    with panel.platform.db.write() as db:
        newest = db.scalar(sa.select(sa.func.max(Task.id)))
        db.execute(
            sa.update(Task)
            .where(Task.id == newest)
            .values(state=TaskState.QUARANTINED, error_message="It broke.", error_detail="File x, line 1")
        )
    page = panel.browser(ADMIN).get("/admin/tasks")
    assert "It broke." in page.text
    assert "File x, line 1" in page.text
    page = panel.browser(ADMIN).get("/admin/tasks")
    form = next(tag for tag in page.soup.find_all("form") if "Try again" in tag.text)
    assert f"Task {newest} is tried again." in panel.browser(ADMIN).post(str(form["action"])).text
    with panel.platform.db.read() as db:
        task = db.get_one(Task, newest)
        assert (task.state, task.attempts, task.crashes) == (TaskState.READY, 0, 0)
    assert panel.browser(ADMIN).post(str(form["action"])).status == 404


def test_field_H6_the_traceback_is_shown_from_the_first_failure(panel: Panel) -> None:
    def stumbles(platform: Platform, run: TaskRun) -> None:
        raise ZeroDivisionError

    with panel.platform.db.write() as session:
        integration = session.scalars(sa.select(Integration)).first()
        enqueue(session, kind=TaskKind.ORDERS_RECONCILE, integration=integration, now=panel.platform.clock.now())
    assert run_next(panel.platform, {TaskKind.ORDERS_RECONCILE: stumbles}) is not None
    page = panel.browser(ADMIN).get("/admin/tasks").text
    trace = page.partition("Something went wrong on our side.")[2].partition("</details>")[0]
    assert "1 of 8 tries" in trace
    assert "in stumbles" in trace and "ZeroDivisionError" in trace


def test_slow_work_without_an_answer_is_listed_and_can_be_given_up(panel: Panel) -> None:
    assert "Waiting for an answer" not in panel.browser(ADMIN).get("/admin/tasks").text
    panel.clock.advance(timedelta(hours=2))
    browser = panel.browser(ADMIN)
    page = browser.get("/admin/tasks")
    assert "Outdoor" in page.text
    assert "acknowledge orders" in page.text
    with panel.platform.db.read() as db:
        before = db.scalars(sa.select(Submission.id).where(Submission.closed_at.is_(None))).all()
    page = browser.press("Give up")
    assert "Given up: what had no result is sent again." in page.messages
    with panel.platform.db.read() as db:
        after = db.scalars(sa.select(Submission.id).where(Submission.closed_at.is_(None))).all()
    assert len(after) == len(before) - 1


def test_the_carrier_codes_of_a_cart_are_shown_set_and_taken_back(panel: Panel) -> None:
    browser = panel.browser(ADMIN)
    page = browser.get(browser.get("/admin/plugins").link("Carrier codes"))
    assert page.heading == "Amazon: carrier codes"
    assert "UPS UPS the plugin" in page.text
    page = browser.press("Save code", carrier=" ", code="X")
    assert page.status == 400
    assert "Give the carrier" in page.problem_at("Carrier")
    assert page.field("Code")["value"] == "X"
    page = browser.press("Save code", carrier="ups", code="UPS2")
    assert "ups is now UPS2 at Amazon" in page.messages
    assert "ups UPS2 an admin, instead of UPS" in page.text
    page = browser.press("Take back")
    assert "UPS UPS the plugin" in page.text
    assert browser.post("/admin/plugins/amazon/carriers/remove", {"code_id": 10_000}).status == 404
    assert browser.get("/admin/plugins/nowhere/carriers").status == 404


def test_the_migration_is_begun_and_ended(panel: Panel) -> None:
    browser = panel.browser(ADMIN)
    page = browser.get("/admin/plugins")
    assert "Migration from the older API generation Not begun" in page.text
    page = browser.press("Begin the migration")
    assert "The migration of Amazon runs" in page.messages
    assert legacy_authorization.migration_of(panel.platform, "amazon") == legacy_authorization.RUNNING
    assert "older API generation Running" in page.text
    page = browser.press("End the migration")
    assert "older API generation Ended" in page.text
    assert legacy_authorization.migration_of(panel.platform, "amazon") == legacy_authorization.ENDED
    refused = browser.post("/admin/plugins/tiny/migration", {"running": "yes"})
    assert refused.status == 409
    assert "no older API generation" in refused.alerts[0]
