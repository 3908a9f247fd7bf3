"""When background work last proved that it goes on."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from is2_core.db.base import Base, Id, reference
from is2_core.db.instants import future, lease, past
from is2_core.tasks.states import OPEN_SQL, TaskState

LEASE = timedelta(seconds=60)


class Heartbeat(Base):
    """One row, id 1, in wall time by the database's clock, also where the platform's clock is moved.

    `asked_at`: a dispatcher last asked for a heartbeat. `stored_at`: a worker last stored one.
    """

    __tablename__ = "heartbeat"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    asked_at: Mapped[datetime | None] = mapped_column(info=past(is_watched=True))
    stored_at: Mapped[datetime | None]


class Schedule(Base):
    """Work that comes due again and again; the dispatcher turns a due row into a task, once per slot.

    Slots are `every_s` seconds apart, or at the local time `daily_at` ("02:30") of the time zone `zone` where set.
    `set_at` is when `next_at` was set. `integration_id` is None where it is the platform's own work.
    """

    __tablename__ = "schedule"
    __table_args__ = (
        sa.UniqueConstraint("integration_id", "kind"),
        sa.Index(
            "uq_schedule_platform_kind",
            "kind",
            unique=True,
            sqlite_where=sa.text("integration_id IS NULL"),
            postgresql_where=sa.text("integration_id IS NULL"),
        ),
    )
    id: Mapped[Id]
    integration_id: Mapped[int | None] = reference("integration.id", index=False)
    kind: Mapped[str]
    every_s: Mapped[int]
    daily_at: Mapped[str] = mapped_column(default="")
    zone: Mapped[str] = mapped_column(default="")
    next_at: Mapped[datetime] = mapped_column(index=True, info=future(is_watched=True))
    set_at: Mapped[datetime | None] = mapped_column(index=True)


class Task(Base):
    """One unit of background work of an integration and flow, never of a single order.

    `business_key` is unique while the task is open; asking again raises `wanted`, and a run that finishes
    while `wanted` rose meanwhile leaves the task due again, so no request is lost. `fence` rises with every
    claim; a run whose fence is no longer the row's can commit nothing. `priority` 0: a person waits.
    `set_at` is when `run_at` was set; where it `keeps_pause`, asking again does not bring that forward.
    """

    __tablename__ = "task"
    __table_args__ = (
        sa.Index(
            "uq_task_open_business_key",
            "business_key",
            unique=True,
            sqlite_where=sa.text(OPEN_SQL),
            postgresql_where=sa.text(OPEN_SQL),
        ),
        sa.Index("ix_task_due", "state", "run_at"),
    )
    id: Mapped[Id]
    account_id: Mapped[int | None] = reference("account.id")
    integration_id: Mapped[int | None] = reference("integration.id")
    kind: Mapped[str]
    business_key: Mapped[str]
    payload: Mapped[dict[str, Any]] = mapped_column(default=dict)
    priority: Mapped[int] = mapped_column(default=5)
    state: Mapped[str] = mapped_column(default=TaskState.READY)
    # Not a plain comparison, for which SQLite would take the index of what is due and read all that is due later.
    run_at: Mapped[datetime] = mapped_column(
        info=future(is_watched=True, where="COALESCE(task.state, '') IN ('READY', 'WAITING')")
    )
    set_at: Mapped[datetime | None] = mapped_column(index=True)
    keeps_pause: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    wanted: Mapped[int] = mapped_column(default=1)
    attempts: Mapped[int] = mapped_column(default=0)
    crashes: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[datetime | None] = mapped_column(
        info=lease(LEASE, is_watched=True, where="task.state = 'RUNNING'")
    )
    fence: Mapped[int] = mapped_column(default=0)
    error_code: Mapped[str] = mapped_column(default="")
    error_message: Mapped[str] = mapped_column(default="")
    error_detail: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class TaskTurn(Base):
    """When an account had its last turn, as a number that rises with every task taken; account 0 is the platform's
    own work. `ahead`: the turn was given because a person waited."""

    __tablename__ = "task_turn"
    account_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    turn: Mapped[int]
    ahead: Mapped[bool]
