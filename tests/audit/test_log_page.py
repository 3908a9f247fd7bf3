"""The page that shows the audit log, and the export after an incident."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from cli.audit_log.incident import incident
from is2_core.audit import Act, Actor, acting, record
from is2_core.audit.models import AuditEntry
from tests.support.panel import ADMIN, ALICE, BOB, CHARLIE, PACKER, SUPPORT, Panel

EVE = Actor(99, "=eve@example.test", "support", "198.51.100.9")


def add(panel: Panel, subject: str, account_id: int | None, act: Act = Act.BUYER_SHOWN, actor: Actor = EVE) -> None:
    with acting(actor), panel.platform.db.write() as session:
        record(session, act, subject=subject, after={"page": "<b>x</b>"}, account_id=account_id)


def shown(panel: Panel, email: str, address: str) -> set[str]:
    """The subjects that stand on the page, of those this module adds."""
    page = panel.browser(email).get(address)
    assert page.status == 200, (email, address)
    return {word for word in ("tent-1", "tent-2", "tent-3", "tent-4") if word in page.text}


@pytest.fixture
def filled(panel: Panel) -> Panel:
    add(panel, "tent-1", panel.northwind)
    add(panel, "tent-2", panel.contoso)
    add(panel, "tent-3", None)
    with panel.platform.db.read() as session:
        charlie = session.scalars(sa.text("SELECT id FROM user_account WHERE email = :email"), {"email": CHARLIE}).one()
    add(panel, "tent-4", None, Act.SIGNED_IN, Actor(charlie, CHARLIE, "merchant", "203.0.113.5"))
    return panel


def test_each_sees_what_concerns_them_and_filters_narrow_it(filled: Panel) -> None:
    own, everything = "/audit-log", "/admin/audit-log"
    today, tomorrow = (filled.clock.now() + timedelta(days=days) for days in (0, 1))
    for email, address, wanted in (
        (ALICE, own, "1"),
        (ALICE, f"{own}?account={filled.contoso}", "1"),
        (CHARLIE, own, "24"),
        (ADMIN, everything, "1234"),
        (ADMIN, f"{everything}?who=EVE", "123"),
        (ADMIN, f"{everything}?who=198.51.100.9", "123"),
        (ADMIN, f"{everything}?who=198.51.100", ""),
        (ADMIN, f"{everything}?act=sign_in", "4"),
        (ADMIN, f"{everything}?subject=TENT-2", "2"),
        (ADMIN, f"{everything}?account={filled.contoso}", "24"),
        (ADMIN, f"{everything}?from={today:%Y-%m-%d}&to={today:%Y-%m-%d}", "1234"),
        (ADMIN, f"{everything}?from={tomorrow:%Y-%m-%d}", ""),
        (ADMIN, f"{everything}?to=9999-12-31&page=99", "1234"),
        (ADMIN, f"{everything}?who=%25&subject=%00", ""),
    ):
        assert shown(filled, email, address) == {f"tent-{number}" for number in wanted}, (email, address)
    page = filled.browser(ADMIN).get(everything)
    assert "<b>x</b>" not in page.html and "page: <b>x</b>" in page.text
    for email in (ALICE, SUPPORT, PACKER):
        assert filled.browser(email).get(everything).status == 403
    assert filled.browser(BOB).get(own).status == 403
    bad = filled.browser(ADMIN).get(f"{everything}?from=yesterday")
    assert (bad.status, "From is no day" in bad.text) == (400, True)


def test_an_incident_s_rows_are_written_down_and_that_is_recorded(
    filled: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.audit_log.incident.platform_of_environment", lambda: filled.platform)
    day = f"{filled.clock.now():%Y-%m-%d}"

    def export(*more: str) -> str:
        with acting(Actor(name="command line (root)", role="command line")):
            done = CliRunner().invoke(incident, ["export", "--from", day, "--to", day, *more])
        assert done.exit_code == 0, done.output
        return done.output

    rows = list(csv.DictReader(io.StringIO(export("--account", "Contoso"))))
    assert [row["subject"] for row in rows if row["subject"].startswith("tent")] == ["tent-2", "tent-4"]
    eve = next(row for row in rows if row["subject"] == "tent-2")
    # No spreadsheet runs what stands there.
    assert (eve["actor"], eve["address"], eve["account_id"]) == ("'=eve@example.test", "198.51.100.9", "2")
    told = json.loads(export("--format", "json"))
    assert {row["subject"] for row in told} >= {"tent-1", "tent-2", "tent-3", "tent-4"}
    exports = [row for row in told if row["act"] == "export"]
    assert (exports[-1]["actor"], exports[-1]["after"]["rows"]) == ("command line (root)", len(rows))
    with filled.platform.db.read() as session:
        last = session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()
    assert (last.act, last.subject, last.account_id, last.after and last.after["rows"]) == (
        "export", "audit log", None, len(told)
    )  # fmt: skip
    for wrong in (["--to", "2020-01-01"], ["--account", "Nobody"]):
        done = CliRunner().invoke(incident, ["export", "--from", day, "--to", day, *wrong])
        assert done.exit_code != 0
