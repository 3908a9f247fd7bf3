"""Notices where something promised was not done, or the platform itself is not well."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from flask import g

from is2_core.accounts.states import Role
from is2_core.admin.platform_status import what_ails
from is2_core.tasks import lateness
from web import access
from web.access import platform


def is_late_now(promised_at: datetime | None) -> bool:
    """Tell whether what was promised for an instant should have happened by now."""
    return lateness.is_late(promised_at, platform().clock.now())


def late_integrations() -> Mapping[int, datetime]:
    """Return since when work is late, by integration of the page's account; looked up once a request."""
    if "late_integrations" not in g:
        g.late_integrations = {}
        if g.get("account") is not None:
            with platform().db.read() as db:
                g.late_integrations = lateness.late_since(db, platform().clock.now(), g.account.id)
    found: Mapping[int, datetime] = g.late_integrations
    return found


def platform_problems() -> list[str]:
    """Return what is wrong with background work, for those who look after the platform; empty for everybody else."""
    return what_ails(platform()) if access.has_role(Role.ADMIN, Role.SUPPORT) else []
