"""Finality of a cart's answers: one answer is no fact.

A shop loses an authorization for a minute, refuses a role for half an hour, does not find an order it shows a moment
later. So each such answer is counted here, asked again, and believed only once it was given several times over a while
with nothing to the contrary. Until then nobody is told of it, and nothing follows from it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.db.rows import dialect_of, insert_of, table_of
from is2_core.integrations.models import PassingAnswer


class Answer(StrEnum):
    """Name a kind of answer; rows hold them."""

    ACCESS_REFUSED = "ACCESS_REFUSED"
    AUTHORIZATION_LOST = "AUTHORIZATION_LOST"
    ORDER_NOT_FOUND = "ORDER_NOT_FOUND"
    WRITE_NOT_FOUND = "WRITE_NOT_FOUND"
    LISTING_NOT_FOUND = "LISTING_NOT_FOUND"
    WAREHOUSE_WITHOUT_ORDER = "WAREHOUSE_WITHOUT_ORDER"


@dataclass(frozen=True)
class Finality:
    """When an answer is believed.

    Args:
        answers: how often it must have been given.
        over: from the first to the last of them.
        longest_pause: between two of them; pauses begin at FIRST_PAUSE and grow with the time it has lasted.
        by_subject: whether each subject is counted for itself; else all there are of an integration together.
    """

    answers: int
    over: timedelta
    longest_pause: timedelta
    by_subject: bool = True


FINAL: Final[Mapping[Answer, Finality]] = {
    # A setting or a role (403 without words about the token), by what was refused; a person's own test is one more.
    Answer.ACCESS_REFUSED: Finality(3, timedelta(minutes=60), timedelta(minutes=2), by_subject=False),
    # `invalid_grant`, or a token refused although it is new.
    Answer.AUTHORIZATION_LOST: Finality(3, timedelta(minutes=15), timedelta(minutes=2), by_subject=False),
    # An order read by its id, whoever reads it.
    Answer.ORDER_NOT_FOUND: Finality(3, timedelta(hours=24), timedelta(hours=1)),
    # A write about an order that the cart says it does not know.
    Answer.WRITE_NOT_FOUND: Finality(3, timedelta(hours=24), timedelta(hours=1)),
    # A listing that was there before. Stock of the integration waits for it, so not for long.
    Answer.LISTING_NOT_FOUND: Finality(3, timedelta(minutes=2), timedelta(minutes=1)),
    # A warehouse that takes a number twice says it has no such order, after it was asked to take it.
    Answer.WAREHOUSE_WITHOUT_ORDER: Finality(2, timedelta(seconds=15), timedelta(minutes=1)),
}
FIRST_PAUSE: Final = timedelta(seconds=15)
# An answer that was not given again for so many times `over`, or for so long where that is more, begins anew.
_FRESH: Final = 3
_FRESH_LEAST: Final = timedelta(hours=1)


@dataclass(frozen=True)
class Verdict:
    """Whether an answer is final now, and when to ask again where it is not."""

    is_final: bool
    ask_again_at: datetime


def note_answer(
    session: Session,
    integration_id: int,
    answer: Answer,
    subject: str,
    now: datetime,
    *,
    seen_at: datetime | None = None,
) -> Verdict:
    """Count an answer that may pass, and say whether it is final by now.

    Args:
        subject: what it is about: an order by the cart's id, a kind of task.
        seen_at: when the contrary was last seen: what was answered before counts no more.
    """
    finality = FINAL[answer]
    fresh_since = now - max(_FRESH * finality.over, _FRESH_LEAST)
    if seen_at is not None:
        fresh_since = max(fresh_since, seen_at)
    key = {"integration_id": integration_id, "answer": answer.value, "subject": subject}
    first_at = session.execute(_count(dialect_of(session)), {**key, "now_": now, "fresh_": fresh_since}).scalar_one()
    told = sa.select(sa.func.sum(_ROW.times), sa.func.min(_ROW.first_at)).where(
        _ROW.integration_id == integration_id, _ROW.answer == answer.value, _ROW.set_at >= fresh_since
    )
    count, since = session.execute(told.where(_ROW.subject == subject) if finality.by_subject else told).one()
    ask_again_at = now + min(max(FIRST_PAUSE, (now - first_at) / 4), finality.longest_pause)
    session.execute(sa.update(_TABLE).where(*_is(key)).values(next_try_at=ask_again_at, set_at=now))
    return Verdict(count >= finality.answers and now - since >= finality.over, ask_again_at)


def forget_answers(
    session: Session, integration_id: int, answers: Collection[Answer], subjects: Collection[str] | None = None
) -> None:
    """Forget what was answered otherwise now; of all subjects where None."""
    gone = sa.delete(_TABLE).where(_ROW.integration_id == integration_id, _ROW.answer.in_(answers))
    session.execute(gone if subjects is None else gone.where(_ROW.subject.in_(subjects)))


def tries_of(session: Session, integration_id: int, answer: Answer) -> dict[str, datetime]:
    """Return, by subject, when to ask again about what was answered so."""
    rows = session.execute(
        sa.select(_ROW.subject, _ROW.next_try_at).where(
            _ROW.integration_id == integration_id, _ROW.answer == answer.value
        )
    )
    return dict(rows.all())


def answered_since(session: Session, integration_id: int, answers: Collection[Answer]) -> datetime | None:
    """Return since when these were given, None where none of them is counted."""
    counted = sa.select(sa.func.min(_ROW.first_at)).where(_ROW.answer.in_(answers))
    since: datetime | None = session.scalar(counted.where(_ROW.integration_id == integration_id))
    return since


def forget_old_answers(session: Session, now: datetime) -> None:
    """Delete what was not answered again for long."""
    oldest = now - _FRESH * max(finality.over for finality in FINAL.values())
    session.execute(sa.delete(_TABLE).where(_ROW.set_at < oldest))


_TABLE = table_of(PassingAnswer)
_ROW = _TABLE.c


def _is(key: Mapping[str, object]) -> list[sa.ColumnElement[bool]]:
    return [_ROW[name] == value for name, value in key.items()]


@cache
def _count(dialect: str) -> sa.Insert:
    """Build, once, the statement that counts an answer; it returns when it was first given."""
    now, fresh = (sa.bindparam(name, type_=_ROW.set_at.type) for name in ("now_", "fresh_"))
    first = {"times": 1, "first_at": now, "set_at": now, "next_try_at": now}
    insert = insert_of(dialect, PassingAnswer).values(
        {name: sa.bindparam(name) for name in ("integration_id", "answer", "subject")} | first
    )
    anew = _ROW.set_at < fresh
    statement: sa.Insert = insert.on_conflict_do_update(
        index_elements=["integration_id", "answer", "subject"],
        set_={
            "times": sa.case((anew, 1), else_=_ROW.times + 1),
            "first_at": sa.case((anew, now), else_=_ROW.first_at),
            "set_at": now,
        },
    ).returning(_ROW.first_at)
    return statement
