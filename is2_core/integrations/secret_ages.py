"""Telling how old secrets are, and having the support renew those that are due."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.models import Credential, User
from is2_core.audit import Act
from is2_core.audit.queries import first_time
from is2_core.carts.models import CartSetting
from is2_core.cases.cases import end_case, raise_case
from is2_core.cases.models import SupportCase
from is2_core.cases.states import CaseKind
from is2_core.db.types import keyring
from is2_core.platform import Platform
from is2_core.tasks.run import TaskRun
from is2_core.warehouses.models import WarehouseSetting

# Amazon's Data Protection Policy has client secrets rotated in this time.
MOST = timedelta(days=180)


@dataclass(frozen=True)
class SecretAge:
    """A secret's age.

    Args:
        name: as pages show it.
        since: when it got its present value; of a release that did not note it, at the latest.
        advice: what to do when it is due; "" for one that another warning is about.
    """

    name: str
    since: datetime
    age: timedelta
    advice: str

    @property
    def is_due(self) -> bool:
        """Whether somebody is to renew it."""
        return bool(self.advice) and self.age >= MOST

    @property
    def subject(self) -> str:
        """The subject of a case about it: there is one of each value."""
        return f"{self.name}, of {self.since:%Y-%m-%d}"


def secret_ages(platform: Platform) -> list[SecretAge]:
    """List the secrets of carts and warehouses, the key that seals, and the oldest of the stores' authorizations."""
    found: list[tuple[str, datetime, str]] = []
    with platform.db.read() as session:
        for cart in session.scalars(sa.select(CartSetting).order_by(CartSetting.cart)):
            for key, at in (cart.secrets_set or {}).items():
                found.append(
                    (f"{cart.cart}: {key}", datetime.fromisoformat(at), "type a new one at the cart's settings")
                )
        for row in session.scalars(sa.select(WarehouseSetting).order_by(WarehouseSetting.warehouse)):
            for key, at in (row.secrets_set or {}).items():
                advice = "type a new one at the warehouse's settings"
                found.append((f"{row.warehouse}: {key}", datetime.fromisoformat(at), advice))
        if (since := _key_since(session)) is not None:
            found.append((f"encryption key {keyring().current}", since, "is2 keys rotate --new NAME"))
        oldest = session.scalar(sa.select(sa.func.min(Credential.authorized_at)))
        if oldest is not None:
            # Each store warns of its own, by what its cart says of how long they live.
            found.append(("oldest authorization of a store", oldest, ""))
    now = platform.clock.now()
    return [SecretAge(name, since, now - since, advice) for name, since, advice in found]


def _key_since(session: Session) -> datetime | None:
    """Return since when the present key seals, by the audit log; else it is as old as the installation."""
    told = first_time(session, (Act.KEY_ADDED, Act.KEYS_ROTATED), f"key {keyring().current}")
    return told or session.scalar(sa.select(sa.func.min(User.created_at)))


def warn_of_old_secrets(platform: Platform, run: TaskRun) -> None:
    """Open a case for each secret that is due, once for each of its values, and end those that were renewed."""
    due = {entry.subject: entry for entry in secret_ages(platform) if entry.is_due}
    with run.write() as session:
        cases = sa.select(SupportCase.subject, SupportCase.closed_at).where(SupportCase.kind == CaseKind.SECRET_OLD)
        known = session.execute(cases).all()
        now = platform.clock.now()
        for subject, entry in due.items():
            if subject not in {case.subject for case in known}:
                message = f"{entry.name} is {entry.age.days} days old, and {MOST.days} are the most: {entry.advice}."
                raise_case(session, now, account_id=None, kind=CaseKind.SECRET_OLD, subject=subject, message=message)
        for case in known:
            if case.closed_at is None and case.subject not in due:
                end_case(session, now, account_id=None, kind=CaseKind.SECRET_OLD, subject=case.subject)
