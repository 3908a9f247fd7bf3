"""The access review: complete, dated, and warned of when it is overdue."""

from __future__ import annotations

from datetime import timedelta

from is2_core.accounts import access_review, people, users
from is2_core.audit.models import AuditEntry
from is2_core.platform import Platform
from tests.support.browser import PASSWORD
from tests.support.panel import ADMIN, ALICE, BOB, PACKER, Panel


def test_the_report_holds_everybody_and_is_dated(panel: Panel) -> None:
    bob = people.user_id_of(panel.platform, BOB)
    people.set_enabled(panel.platform, user_id=bob, enabled=False, by=None)
    users.create_user(
        panel.platform, email="eve@example.com", name='=HYPERLINK("x")', password=PASSWORD, account_id=panel.contoso
    )
    root = panel.browser(ADMIN)
    panel.clock.advance(timedelta(days=3))
    page = root.get("/admin/access-review")
    assert "Never reviewed" in page.text
    rows = {row.find("td").get_text(): row.get_text(" ") for row in page.soup.select("tbody tr")}  # type: ignore[union-attr]
    assert "Northwind (member)" in rows[BOB] and "Disabled" in rows[BOB]
    assert {ALICE, PACKER, ADMIN, "eve@example.com"} <= rows.keys()
    text = root.client.get("/admin/access-review.csv").get_data(as_text=True)
    lines = dict(line.split(",", 1) for line in text.splitlines())
    assert lines[BOB].startswith("Bob,merchant,Northwind (member),") and lines[BOB].endswith(",yes")
    assert lines[ADMIN].endswith(",3,,no")
    assert "'=HYPERLINK" in lines["eve@example.com"], "no formula for the spreadsheet"


def test_it_is_overdue_after_ninety_days_until_somebody_says_it_is_done(panel: Panel) -> None:
    root = panel.browser(ADMIN)
    assert "overdue" not in root.get("/admin/people").text
    panel.clock.advance(timedelta(days=91))
    assert "access review is overdue" in root.get("/admin/people").text
    root.get(root.page.link("Look through who has access"))
    page = root.press("I have reviewed it")
    assert "Reviewed by Ada" in page.text and "Overdue" not in page.text
    assert "overdue" not in root.get("/admin/people").text
    panel.clock.advance(timedelta(days=90, seconds=1))
    assert access_review.review_due(panel.platform).is_overdue


def test_the_command_line_reviews_as_well(platform: Platform) -> None:
    users.create_user(platform, email="ada@example.com", name="Ada", password=PASSWORD, role="admin")
    access_review.note_reviewed(platform, by=None)
    due = access_review.review_due(platform)
    assert (due.last_by, due.due_at) == ("the command line", platform.clock.now() + timedelta(days=90))
    with platform.db.read() as db:
        assert db.query(AuditEntry.act).all()[-1][0] == "access.review"
