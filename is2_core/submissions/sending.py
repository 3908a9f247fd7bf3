"""Writing to a cart: one way for all that is written, whoever prepares it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from sqlalchemy.orm import Session

from is2_core.accounts.models import Integration
from is2_core.carts.context import cart_context
from is2_core.errors import PluginBug
from is2_core.submissions.rows import checked_reply, has_open, open_submissions
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.pace import PUT_OFF_MAX, Pace
from is2_core.tasks.queue import enqueue
from is2_core.tasks.run import LeaseLost, TaskRun
from plugins.interface import CartManifest, Permanent, RateLimited, Rejected, Result, Retry, WriteReply

_log = logging.getLogger(__name__)
Settle = Callable[[Session, int, Mapping[str, Result], datetime], None]


class Keyed(Protocol):
    """A value of the contract that is written, with the key its result comes back under."""

    @property
    def key(self) -> str: ...


T = TypeVar("T", bound=Keyed)


@dataclass(frozen=True)
class WriteKind:
    """One kind of write to a cart.

    Args:
        hook: called with the batch as `argument`; also the kind of its submissions.
        most: how many the cart takes at once.
        settle: stores final results of an integration by key, from a reply or from later polling; one that comes twice,
            or late, changes nothing that is newer.
        task: runs the flow; asked for again where a submission ends.
        ended: asks for what follows the end of a submission otherwise, given when the first of what is to be sent again
            may be.
        given_up: stores that nobody waits any more for the results of these; `settle` where None.
        settle_reply: stores a whole reply; None where its results are to be settled and no more.
        sent_late: stores that these were sent by a run that had lost its task meanwhile, so that they may have replaced
            newer ones; None where an older one is as good.
        note_sent: stores, in the unit that proves that the run owns its task, that these keys are about to be sent, or
            with False that they were not after all.
        one_at_a_time: while the cart works on a batch, no further one is sent.
        fails_alone: where the cart cannot do a batch, its members go one by one; what fails alone counts as refused.
    """

    hook: str
    argument: str
    most: Callable[[CartManifest], int]
    settle: Settle
    task: TaskKind
    ended: Callable[[Session, Integration, datetime | None, datetime], None] | None = None
    unanswered: Settle | None = None
    settle_reply: Callable[[Session, int, WriteReply, datetime], None] | None = None
    sent_late: Callable[[Session, int, Collection[str], datetime], None] | None = None
    note_sent: Callable[[Session, Collection[str], bool], None] | None = None
    one_at_a_time: bool = True
    fails_alone: bool = False


class Sending:
    """Send one kind of write in one run, for its integration.

    `later`: when the cart will take what it puts off; `is_pending`: it works on a batch, perhaps since an earlier run;
    `put_off`: how many batches one after the other were put off whole.
    """

    def __init__(self, run: TaskRun, kind: WriteKind) -> None:
        with run.platform.db.read() as session:
            self.integration = session.get_one(Integration, run.integration_id)
            self.is_pending = has_open(session, self.integration.id, kind.hook)
        self.context = cart_context(run.platform, self.integration, before_call=run.heartbeat)
        self.later: list[datetime] = []
        self.put_off = 0
        self._run, self._kind = run, kind
        manifest = run.platform.carts.manifest(self.integration.cart)
        self._pace = Pace(run, kind.most(manifest), whole=kind.hook in manifest.whole_batches)

    def batches(
        self, prepare: Callable[[int, Collection[str]], Sequence[T]]
    ) -> Iterator[tuple[Sequence[T], WriteReply]]:
        """Send batch after batch, each stored before the next one; yields each with its reply.

        Args:
            prepare: makes the next batch of at most so many, none of the keys tried before; empty where none is left.

        Raises:
            CartError: what was sent before is stored, and so it is with the others.
            PluginBug: the cart's answer to a batch cannot be used.
            LeaseLost: another run has the task. Nothing of this batch is stored, and it will be sent again.
        """
        tried: set[str] = set()
        alone = False
        while self.put_off < PUT_OFF_MAX and not (self.is_pending and self._kind.one_at_a_time):
            batch = prepare(1 if alone else self._pace.size, tried)
            if not batch or not self._run.has_time():
                return
            try:
                reply = self.send(batch)
            except (PluginBug, Permanent) as error:
                if not self._kind.fails_alone:
                    raise
                if len(batch) > 1:
                    # From now on one by one, so that one hinders no other.
                    alone = True
                    continue
                _log.error("%s failed: %s", self._kind.hook, getattr(error, "trace", error.message))
                reply = self._store(WriteReply({batch[0].key: Rejected("FAILED", error.message)}))
            tried |= reply.keys()
            yield batch, reply

    def send(self, batch: Sequence[Keyed]) -> WriteReply:
        """Send one batch and store what becomes of it."""
        kind, cart, keys = self._kind, self.integration.cart, [entry.key for entry in batch]
        self._own(keys, True)
        try:
            with self._pace.measured(len(batch)):
                reply = self._run.platform.carts.call(cart, kind.hook, ctx=self.context, **{kind.argument: batch})
        except RateLimited:
            self._own(keys, False)
            raise
        reply = checked_reply(cart, kind.hook, reply, keys)
        try:
            return self._store(reply)
        except LeaseLost:
            self._note_late(keys)
            raise

    def _note_late(self, keys: Collection[str]) -> None:
        """Have sent again what this process has sent although it had stood still beyond its lease."""
        if self._kind.sent_late:
            with self._run.platform.db.write() as session:
                now = self._run.platform.clock.now()
                self._kind.sent_late(session, self.integration.id, keys, now)
                integration = session.get_one(Integration, self.integration.id)
                enqueue(session, kind=self._kind.task, integration=integration, now=now)

    def _own(self, keys: Collection[str], sent: bool) -> None:
        with self._run.write() as session:
            if self._kind.note_sent:
                self._kind.note_sent(session, keys, sent)

    def _store(self, reply: WriteReply) -> WriteReply:
        with self._run.write() as session:
            now = self._run.platform.clock.now()
            open_submissions(session, self.integration, self._kind.hook, reply.pending, now)
            if self._kind.settle_reply:
                self._kind.settle_reply(session, self.integration.id, reply, now)
            else:
                self._kind.settle(session, self.integration.id, reply.results, now)
        whens = [result.when for result in reply.results.values() if isinstance(result, Retry)]
        self.later += whens
        self.is_pending = self.is_pending or bool(reply.pending)
        self.put_off = self.put_off + 1 if len(whens) == len(reply.keys()) else 0
        return reply
