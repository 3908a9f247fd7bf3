"""The audit log: all of it for administrators, for an account's owners what concerns the account."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from is2_core.accounts.names import account_names, people_of
from is2_core.accounts.states import Role
from is2_core.audit import Act
from is2_core.audit.queries import Wanted, list_entries
from is2_core.errors import BadInput
from web import access
from web.access import owner_only, platform
from web.paging import page_from

blueprint = Blueprint("audit_log", __name__, template_folder="templates")


@blueprint.get("/admin/audit-log")
@access.require_role(Role.ADMIN)
def of_all() -> ResponseReturnValue:
    """Everything that is recorded."""
    return _page(account_id=request.args.get("account", None, type=int), names=account_names(platform()))


@blueprint.get("/audit-log")
@owner_only
def of_account() -> ResponseReturnValue:
    """Show the account's owners what concerns it, and the sign-ins of its people."""
    account = access.account()
    return _page(account_id=account.id, names={account.id: account.name})


def _page(*, account_id: int | None, names: dict[int, str]) -> ResponseReturnValue:
    typed = {key: _plain(request.args.get(key, "")) for key in ("who", "act", "subject", "from", "to")}
    problem, since, until = "", None, None
    try:
        since, until = _day(typed["from"], "From"), _day(typed["to"], "To")
    except BadInput as error:
        problem = error.message
    wanted = Wanted(
        who=typed["who"],
        act=typed["act"],
        subject=typed["subject"],
        since=since,
        until=until + timedelta(days=1) if until else None,
        account_id=account_id,
        people=people_of(platform(), account_id) if account_id is not None else (),
    )
    html = render_template(
        "audit/log.html",
        page=page_from(lambda first, most: list_entries(platform(), wanted, first, most)),
        typed=typed,
        problem_text=problem,
        account_id=account_id,
        names=names,
        is_whole=request.endpoint == "audit_log.of_all",
        acts=sorted(act.value for act in Act),
    )
    return html, 400 if problem else 200


@blueprint.app_template_filter("audited")
def audited(value: Any) -> str:
    """Write down a value of the audit log's for people: it is JSON's."""
    if value is None or value in ("", [], {}):
        return "—"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(audited, value))
    if isinstance(value, dict):
        return ", ".join(f"{key}: {audited(each)}" for key, each in value.items())
    return str(value)


def _plain(text: str) -> str:
    # A database refuses some of what a browser can send.
    return "".join(filter(str.isprintable, text)).strip()


def _day(text: str, label: str) -> datetime | None:
    """The beginning of a day, in UTC."""
    if not text:
        return None
    try:
        # A further day is added at the end: the last one there is has none.
        return datetime.combine(min(date.fromisoformat(text), date.max - timedelta(days=1)), time(), UTC)
    except ValueError as error:
        raise BadInput(f"{label} is no day: type it as year, month and day, such as 2026-11-30.") from error
