"""Put many empty tasks and some of 40 to 90 s through real processes while they are killed: `python -m
tests.concurrency.soak --tasks 10000`.

Four workers, two dispatchers and a busy panel share one database and one embedded Redis. Workers (with their child,
without it, or the child alone), dispatchers and Redis get SIGKILL, workers are told to stop, children are frozen beyond
their lease, and Redis is emptied, at random. In the end every task must be done, with exactly one effect in the data,
none set aside, and no "database is locked" in any log.

A kill that strikes a task counts as a crash of that task, and three crashes set it aside. A long task is struck once at
most: whoever has one that was begun before is spared. An empty one takes milliseconds and kills come every few seconds,
so three do not strike it by chance. If they do, the soak fails and says so.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psutil
import redis
import sqlalchemy as sa

from cli.embedded_redis import EmbeddedRedis
from is2_core.accounts.models import Account
from is2_core.crypto import Keyring
from is2_core.db.engine import Database
from is2_core.db.schema import upgrade
from is2_core.tasks.models import Task
from is2_core.tasks.queue import enqueue
from is2_core.tasks.run import LEASE
from is2_core.tasks.states import TaskState
from tests.support.postgres import PostgresServer
from tests.support.soak_worker import BEGUN, EFFECT, EMPTY, LONG, METADATA

ROOT = Path(__file__).resolve().parent.parent
KINDS = (EMPTY, LONG)
ACCOUNTS, WORKERS, DISPATCHERS = 10, 4, 2
_LOST = re.compile(rb"(\d+) tasks had lost their worker")


@dataclass(frozen=True)
class Options:
    """How a soak is run.

    Args:
        tasks: how many empty ones.
        long: how many that take between `long_s` seconds.
        seconds: give up after this long.
        trouble_s: mean time between two troubles; None for an undisturbed run.
        lease_s: a shorter lease than the product's, or None.
    """

    tasks: int
    long: int = 6
    long_s: tuple[float, float] = (40, 90)
    seconds: float = 1200
    database: str = "sqlite"
    seed: int = 1
    trouble_s: float | None = 5
    lease_s: float | None = None


@dataclass
class Report:
    """The result of a soak; `failures` is empty where all is well."""

    took_s: float = 0.0
    done: int = 0
    troubles: Counter[str] = field(default_factory=Counter)
    restarts: int = 0
    recovered: int = 0
    panel: str = ""
    failures: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """The figures, for people."""
        troubles = ", ".join(f"{number} {what}" for what, number in sorted(self.troubles.items())) or "none"
        return [
            f"{self.done} tasks in {self.took_s:.1f} s, {self.done / self.took_s:.1f} tasks/s",
            f"troubles: {troubles}",
            f"processes restarted: {self.restarts}; tasks recovered after a crash: {self.recovered}; {self.panel}",
            *(f"FAILED: {failure}" for failure in self.failures),
        ]


class Child:
    """One supervised process: started again whenever it ends, its output kept."""

    def __init__(self, name: str, module: str, arguments: list[str], folder: Path, environment: dict[str, str]) -> None:
        self.name, self.log = name, folder / f"{name}.log"
        self._command = [sys.executable, "-m", module, *arguments]
        self._environment = environment
        self.start()

    def start(self) -> None:
        """Start it (again)."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self._command, cwd=ROOT, env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def kill(self, *, itself: bool, children: bool) -> None:
        """SIGKILL the process, its children, or all of them at once."""
        family = self.children() if children else []
        if itself:
            self.process.kill()
        for member in family:
            with suppress(psutil.NoSuchProcess):
                member.kill()

    def children(self) -> list[psutil.Process]:
        """Its children, now."""
        try:
            return psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def stop(self) -> None:
        """Ask it to end, and see to it."""
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill(itself=True, children=True)
            self.process.wait()


class Soak:
    """One soak in a folder of its own."""

    def __init__(self, options: Options, folder: Path, url: str, server: EmbeddedRedis) -> None:
        self._options, self._folder, self._server = options, folder, server
        self._rng = random.Random(options.seed)
        self._db = Database(url)
        self._report = Report()
        self._frozen: list[tuple[float, psutil.Process]] = []
        environment = {
            **os.environ,
            "IS2_DATABASE_URL": url,
            "IS2_REDIS_URL": server.url,
            "IS2_ENCRYPTION_KEYS": Keyring.generate(),
            "IS2_SESSION_SECRET": secrets.token_hex(32),
            "IS2_LOG_LEVEL": "WARNING",
        }
        if options.lease_s:
            environment["IS2_SOAK_LEASE_S"] = str(options.lease_s)
        self._environment = environment

    def run(self) -> Report:
        """Run it to its end and judge it."""
        upgrade(self._db.url)
        METADATA.create_all(self._db.engine)
        self._ask()
        module = "tests.support.soak_worker"
        self._workers = [self._child(f"worker{number}", module) for number in range(WORKERS)]
        self._dispatchers = [
            self._child(f"dispatcher{number}", module, "--dispatcher") for number in range(DISPATCHERS)
        ]
        panel = self._child("panel", "tests.support.soak_panel")
        self._children = [*self._workers, *self._dispatchers, panel]
        started = time.monotonic()
        try:
            self._disturb(started + self._options.seconds)
            self._report.took_s = time.monotonic() - started
        finally:
            self._thaw(all_of_them=True)
            for child in self._children:
                child.stop()
        self._judge(panel)
        self._db.dispose()
        return self._report

    def _child(self, name: str, module: str, *arguments: str) -> Child:
        return Child(name, module, list(arguments), self._folder, self._environment)

    def _ask(self) -> None:
        now = datetime.now(UTC)
        with self._db.write() as session:
            accounts = [Account(name=f"account {number}", created_at=now) for number in range(ACCOUNTS)]
            session.add_all(accounts)
            session.flush()
            for number in range(self._options.tasks):
                account = accounts[number % ACCOUNTS].id
                enqueue(session, kind=EMPTY, now=now, account_id=account, key=str(number))
            for number in range(self._options.long):
                payload = {"seconds": self._rng.uniform(*self._options.long_s)}
                account = accounts[number % ACCOUNTS].id
                enqueue(session, kind=LONG, now=now, account_id=account, key=str(number), payload=payload)

    def _disturb(self, deadline: float) -> None:
        """Supervise and make trouble until all is done; the first Redis kill comes early, so that none is left out."""
        mean = self._options.trouble_s
        next_trouble = time.monotonic() + 1
        queue = [self._kill_redis, self._flush] if mean else []
        while not self._all_done():
            if time.monotonic() > deadline:
                self._report.failures.append(f"not done after {self._options.seconds:.0f} s")
                return
            for child in self._children:
                if child.process.poll() is not None:
                    self._report.restarts += 1
                    child.start()
            if mean and time.monotonic() > next_trouble:
                trouble = queue.pop(0) if queue else self._some_trouble
                trouble()
                next_trouble = time.monotonic() + max(0.5, self._rng.expovariate(1 / mean))
            self._thaw()
            time.sleep(0.2)

    def _some_trouble(self) -> None:
        whole, alone, horse, stop, freeze, dispatcher, flush, server = range(8)
        kinds = (whole, alone, horse, stop, freeze, dispatcher, flush, server)
        what = self._rng.choices(kinds, (6, 3, 4, 2, 2, 4, 2, 1))[0]
        if what == flush:
            self._flush()
        elif what == server:
            self._kill_redis()
        elif what == dispatcher:
            self._rng.choice(self._dispatchers).kill(itself=True, children=False)
            self._report.troubles["dispatchers killed"] += 1
        elif workers := [worker for worker in self._workers if not self._is_spared(worker)]:
            worker = self._rng.choice(workers)
            if what == stop:
                worker.process.terminate()
                self._report.troubles["workers told to stop"] += 1
            elif what == freeze:
                self._freeze(worker)
            else:
                worker.kill(itself=what != horse, children=what != alone)
                self._report.troubles["workers killed" if what != horse else "work horses killed"] += 1

    def _is_spared(self, worker: Child) -> bool:
        """Whether it has a long task that was begun before."""
        with self._db.read() as session:
            begun = session.execute(sa.select(BEGUN.c.pid, BEGUN.c.task_id)).all()
        times = Counter(row.task_id for row in begun)
        again = {row.pid for row in begun if times[row.task_id] > 1}
        return any(child.pid in again for child in worker.children())

    def _freeze(self, worker: Child) -> None:
        """Have its child stand still for longer than its lease; it wakes as one that has lost its task."""
        lease = self._options.lease_s or LEASE.total_seconds()
        for child in worker.children():
            child.suspend()
            self._frozen.append((time.monotonic() + lease + 5, child))
            self._report.troubles["work horses frozen"] += 1

    def _thaw(self, *, all_of_them: bool = False) -> None:
        for until, child in list(self._frozen):
            if all_of_them or time.monotonic() > until:
                self._frozen.remove((until, child))
                with suppress(psutil.NoSuchProcess):
                    child.resume()

    def _flush(self) -> None:
        with redis.Redis.from_url(self._server.url) as connection:
            connection.flushall()
        self._report.troubles["FLUSHALL"] += 1

    def _kill_redis(self) -> None:
        """SIGKILL the server and start it on what it left behind."""
        pid = int((self._folder / "redis" / "redis.pid").read_text())
        os.kill(pid, signal.SIGKILL)
        while self._server.is_running():
            time.sleep(0.01)
        self._server.start()
        self._report.troubles["Redis killed"] += 1

    def _all_done(self) -> bool:
        with self._db.read() as session:
            counts = sa.select(Task.state, sa.func.count()).where(Task.kind.in_(KINDS)).group_by(Task.state)
            states = dict(session.execute(counts).all())
        self._report.done = states.get(TaskState.DONE, 0)
        return self._report.done + states.get(TaskState.QUARANTINED, 0) == self._options.tasks + self._options.long

    def _judge(self, panel: Child) -> None:
        report = self._report
        with self._db.read() as session:
            effects = Counter(session.scalars(sa.select(EFFECT.c.task_id)))
            done = set(session.scalars(sa.select(Task.id).where(Task.kind.in_(KINDS), Task.state == TaskState.DONE)))
            aside = session.scalar(sa.select(sa.func.count()).where(Task.state == TaskState.QUARANTINED))
        twice = [task for task, count in effects.items() if count > 1]
        if twice:
            report.failures.append(f"{len(twice)} tasks have more than one effect")
        asked = self._options.tasks + self._options.long
        if effects.keys() != done or len(done) != asked:
            report.failures.append(f"{asked} tasks, {len(done)} done, {len(effects)} with an effect")
        if aside:
            report.failures.append(f"{aside} tasks were set aside")
        for child in self._children:
            text = child.log.read_bytes()
            report.recovered += sum(map(int, _LOST.findall(text)))
            if b"database is locked" in text:
                report.failures.append(f"{child.name}: database is locked")
        report.panel = panel.log.read_text().strip().splitlines()[-1] if panel.log.stat().st_size else "panel: silent"
        if panel.process.returncode != 0:
            report.failures.append(f"the panel ended with {panel.process.returncode}")


def soak(options: Options, folder: Path) -> Report:
    """Run one soak in an empty folder."""
    with ExitStack() as stack:
        server = stack.enter_context(EmbeddedRedis(folder / "redis"))
        if options.database == "postgresql":
            url = stack.enter_context(PostgresServer()).create_database("soak")
        else:
            url = f"sqlite:///{folder / 'soak.db'}"
        return Soak(options, folder, url, server).run()


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=10_000)
    parser.add_argument("--long", type=int, default=6, help="how many tasks of 40 to 90 s besides")
    parser.add_argument("--minutes", type=float, default=20, help="give up after this long")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--trouble", type=float, default=5, help="mean seconds between two troubles")
    parser.add_argument("--calm", action="store_true", help="kill nothing")
    chosen = parser.parse_args()
    options = Options(
        chosen.tasks,
        chosen.long,
        seconds=chosen.minutes * 60,
        database=chosen.database,
        seed=chosen.seed,
        trouble_s=None if chosen.calm else chosen.trouble,
    )
    with tempfile.TemporaryDirectory(prefix="is2-soak-") as folder:
        report = soak(options, Path(folder))
    print("\n".join(report.lines()))
    sys.exit(1 if report.failures else 0)


if __name__ == "__main__":
    main()
