"""The access review: everybody who can sign in, for administrators to look through every quarter."""

from __future__ import annotations

import csv
import io

from flask import Blueprint, Response, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from is2_core.accounts import access_review
from is2_core.accounts.states import Role
from is2_core.items.table_csv import guard
from web import access
from web.access import platform
from web.accounts.fresh import fresh
from web.audit.notes import note_export
from web.limits.kinds import EXPORT
from web.limits.limiter import limited

blueprint = Blueprint("access_review", __name__, template_folder="templates", url_prefix="/admin")
COLUMNS = ("email", "name", "role", "accounts", "last_sign_in_at", "unused_days", "second_factor_at", "disabled")


@blueprint.get("/access-review")
@access.require_role(Role.ADMIN)
def show() -> ResponseReturnValue:
    """Everybody with access, and when that was looked through last."""
    people = access_review.people_with_access(platform())
    return render_template("admin/access_review.html", people=people, due=access_review.review_due(platform()))


@blueprint.post("/access-review")
@access.require_role(Role.ADMIN)
@fresh
def note_reviewed() -> ResponseReturnValue:
    """Note that the list was looked through."""
    access_review.note_reviewed(platform(), by=access.user().id)
    flash("Noted: who has access was reviewed.", "success")
    return redirect(url_for(".show"), 303)


@blueprint.get("/access-review.csv")
@limited(EXPORT)
@access.require_role(Role.ADMIN)
def download() -> ResponseReturnValue:
    """The same as a CSV file; times in UTC."""
    people = access_review.people_with_access(platform())
    note_export("access review", len(people), None)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for each in people:
        seen, factor = (
            at.isoformat(timespec="seconds") if at else "" for at in (each.last_sign_in_at, each.second_factor_at)
        )
        disabled = "yes" if each.disabled else "no"
        cells = (each.email, each.name, each.role, "; ".join(each.places), seen, each.unused_days, factor, disabled)
        writer.writerow([guard(cell) if isinstance(cell, str) else cell for cell in cells])
    headers = {"Content-Disposition": 'attachment; filename="access-review.csv"'}
    return Response(text.getvalue(), mimetype="text/csv", headers=headers)
