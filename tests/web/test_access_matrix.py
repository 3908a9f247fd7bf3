"""Every page for every role: what each is answered stands in access_matrix.txt, and is compared."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from werkzeug.routing import Rule

from tests.support.browser import Client
from tests.support.panel import ADMIN, ALICE, BOB, CHARLIE, PACKER, SUPPORT, Panel
from tests.web.test_rules import PUBLIC, Content, address, rules, with_object

FILE = Path(__file__).with_name("access_matrix.txt")
# Northwind is the owner's and the member's account, Contoso the outsider's. Anybody else is in none.
ROLES = {
    "owner": ALICE,
    "member": BOB,
    "outsider": CHARLIE,
    "support": SUPPORT,
    "warehouse": PACKER,
    "admin": ADMIN,
    "nobody": None,
}
IN_AN_ACCOUNT = ("owner", "member", "outsider")
# No worker runs here, and this address says so.
AWAY = {"health.readyz"}
# What a refused request may store all the same: a wrong password or code is counted.
COUNTED = {"auth.change_password", "auth.sign_in", "second_factor.renew_codes"}
# What is read there is for the audit log.
REVEALS = {
    "access_review.download",
    "customizations.of_received",
    "customizations.of_warehouse",
    "drift.download",
    "item_table.download",
    "orders_export.export",
    "received_orders.address",
    "received_orders.detail",
    "stock_export.export",
    "warehouse.order",
}
HEAD = """\
# What each role is answered at each address. One about something in an account is asked for Northwind's, where owner
# and member are, then for Contoso's, in which only the outsider is. Forms are sent empty, with a good token; "in" is
# the way to the sign-in page. Written by `make access-matrix`: each difference is somebody's decision.
"""


@dataclass(frozen=True)
class Cell:
    """What one role was answered at one address."""

    rule: Rule
    method: str
    role: str
    at_home: str
    at_contoso: str | None

    def __str__(self) -> str:
        return self.at_home if self.at_contoso is None else f"{self.at_home}/{self.at_contoso}"


class Walk:
    """Goes through all addresses with every role; whatever a request changed is put back before the next."""

    def __init__(self, panel: Panel) -> None:
        self._panel = panel
        self._path = str(sa.make_url(panel.platform.db.url).database)
        self._cookies = {role: self._signed_in(email) for role, email in ROLES.items()}
        self._live, self._kept = sqlite3.connect(self._path), sqlite3.connect(f"{self._path}.kept")
        self._live.backup(self._kept)
        self._content = Content(panel)
        self.breaches: list[str] = []
        self._acts = self._content.acts()

    def _signed_in(self, email: str | None) -> tuple[str, str]:
        browser = self._panel.browser(email)
        token = browser.token()
        return browser.cookie(), token

    def cells(self) -> Iterator[Cell]:
        """Ask everything of everybody."""
        for method in ("GET", "POST"):
            for rule in sorted(rules(self._panel, method), key=lambda rule: rule.rule):
                for role in ROLES:
                    home = self._ask(rule, method, role, self._panel.northwind)
                    other = None
                    if with_object(rule) and role in IN_AN_ACCOUNT:
                        other = self._ask(rule, method, role, self._panel.contoso)
                    yield Cell(rule, method, role, home, other)

    def _ask(self, rule: Rule, method: str, role: str, account_id: int) -> str:
        app = self._panel.app
        client = Client(app, app.response_class, use_cookies=True)
        cookie, token = self._cookies[role]
        client.set_cookie(str(app.config["SESSION_COOKIE_NAME"]), cookie)
        target = address(self._panel, rule, account_id)
        response = client.open(target, method=method, data={"csrf_token": token} if method == "POST" else None)
        status = response.status_code
        self._check(status < 500 or rule.endpoint in AWAY, f"{role} met a failure at {rule}")
        acts = self._content.acts()
        if acts != self._acts:
            self._check(method == "POST" or rule.endpoint in REVEALS, f"{rule} is in the audit log, read by {role}")
            self._acts = acts
        if not self._content.is_the_same():
            self._check(method == "POST", f"{role} changed something by reading {rule}")
            self._check(status < 400 or rule.endpoint in COUNTED, f"{role} was refused {rule}, which stored something")
            self._put_back()
        return "in" if response.headers.get("Location", "").startswith("/sign-in?next=") else str(status)

    def _check(self, holds: bool, otherwise: str) -> None:
        if not holds:
            self.breaches.append(otherwise)

    def _put_back(self) -> None:
        self._kept.backup(self._live)
        self._acts = self._content.acts()
        assert self._content.is_the_same()


def table(cells: list[Cell]) -> str:
    """The file's text: a row for each address."""

    def row(answers: Iterable[object], where: str) -> str:
        return "".join(f"{answer!s:<11}" for answer in answers) + where

    lines = [HEAD, row(ROLES, "address")]
    for at in range(0, len(cells), len(ROLES)):
        answers = cells[at : at + len(ROLES)]
        lines.append(row(answers, f"{answers[0].method:<4} {answers[0].rule}"))
    return "\n".join(lines) + "\n"


def breach(cell: Cell) -> str | None:
    """The rule that an answer breaks, which no version of the file may allow."""
    refused, endpoint = ("403", "404"), cell.rule.endpoint
    if cell.role == "nobody":
        return "strangers see public pages only" if endpoint not in PUBLIC and cell.at_home != "in" else None
    if endpoint.startswith("admin.") and cell.role != "admin" and cell.at_home not in refused:
        return "admin pages are for admins"
    if not with_object(cell.rule):
        return None
    if (cell.at_home if cell.role == "outsider" else cell.at_contoso or "404") not in refused:
        return "what is another account's is not there"
    if cell.role == "support" and cell.method == "POST" and cell.at_home not in refused:
        return "support changes nothing"
    return None


def test_every_page_for_every_role(panel: Panel) -> None:
    walk = Walk(panel)
    cells = list(walk.cells())
    assert walk.breaches == []
    told = ((breach(cell), cell) for cell in cells)
    assert [f"{rule}: {cell.role}, {cell.method} {cell.rule} ({cell})" for rule, cell in told if rule] == []
    made = table(cells)
    if os.environ.get("WRITE_ACCESS_MATRIX"):
        FILE.write_text(made, encoding="utf-8")
    expected = FILE.read_text(encoding="utf-8")
    assert made.splitlines() == expected.splitlines(), "run `make access-matrix` and look at the difference"
