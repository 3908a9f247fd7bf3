"""The database goes away, loses a commit or is full: nothing is lost, nothing is told before it is stored."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from is2_core.calls.carts import CartRegistry
from plugins.amazon.simulator import Request, Response
from tests.concurrency.kill_sweep import CHAPTERS, Chapter, Story, check_outcome, cut_commits, first_orders, tell
from tests.conftest import Engines, empty_postgres
from tests.support.postgres import PostgresServer

DISK_FULL = """
CREATE FUNCTION no_room() RETURNS trigger AS $$ BEGIN
    RAISE EXCEPTION 'could not extend file: no space left on device' USING ERRCODE = 'disk_full';
END $$ LANGUAGE plpgsql
"""


@pytest.fixture
def story(database_url: str, redis_url: str, carts: CartRegistry) -> Iterator[Story]:
    with Story(database_url, redis_url, carts).told() as told:
        yield told


# Of the first chapter: the listing's commit, the warehouse's, the one that makes acknowledgements due.
@pytest.mark.parametrize("how", ["lost", "refused"])
def test_scenario_F5_commits_whose_answer_is_lost(story: Story, how: str) -> None:
    assert cut_commits(story, first_orders, how, lambda place: place in (8, 15, 19)) == 3


@pytest.mark.slow
@pytest.mark.sweep
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.__name__)
def test_every_commit_of_every_flow_may_lose_its_answer(story: Story, chapter: Chapter) -> None:
    # One that is refused leaves what a process killed before it leaves.
    assert cut_commits(story, chapter, "lost", lambda place: True) > 0


@pytest.mark.postgres
@pytest.mark.parametrize("seconds", [1, pytest.param(60, marks=pytest.mark.slow)])
def test_scenario_F6_the_database_goes_away_in_the_middle_of_a_page(
    postgres: PostgresServer, engines: Engines, redis_url: str, carts: CartRegistry, seconds: int
) -> None:
    with Story(empty_postgres(postgres, engines), redis_url, carts).told() as story:
        back, _, unharmed = tell(story, first_orders)
        back()
        story.platform.db.dispose()
        stage, away, back_again = story.amazon.stage, threading.Event(), threading.Event()
        answer = stage.handle

        def cutting(request: Request) -> Response:
            if "/orders/" in request.path and not away.is_set():
                away.set()
                postgres.refuse_connections("test_is2")
                threading.Timer(seconds, come_back).start()
            return answer(request)

        def come_back() -> None:
            postgres.take_connections("test_is2")
            back_again.set()

        stage.handle = cutting  # type: ignore[method-assign]
        while not back_again.is_set():
            assert story.run()[0] == 0
        check_outcome(story, unharmed, "the database was away")


@contextmanager
def full_disk(story: Story) -> Iterator[dict[str, str]]:
    """Have no room in the database; yields what a process must be told."""
    engine = story.platform.db.engine
    if story.platform.db.is_sqlite:
        yield {"IS2_FULL": "1"}
        return
    tables = sa.inspect(engine).get_table_names()
    with engine.connect().execution_options(is2_writes=True) as connection:
        connection.execute(sa.text(DISK_FULL))
        for table in tables:
            connection.execute(
                sa.text(f"CREATE TRIGGER no_room BEFORE INSERT OR UPDATE ON {table} EXECUTE FUNCTION no_room()")
            )
        connection.commit()
    yield {}
    with engine.connect().execution_options(is2_writes=True) as connection:
        connection.execute(sa.text("DROP FUNCTION no_room CASCADE"))
        connection.commit()


def test_scenario_F52_a_full_disk_stops_everything_and_breaks_nothing(story: Story) -> None:
    back, _, unharmed = tell(story, first_orders)
    back()
    before = story.acknowledged()
    with full_disk(story) as told:
        assert story.run(**told)[0] == 0
        stood_still: dict[str, Any] = story.outcome()
    assert story.acknowledged() == before
    assert stood_still["undone"] != []
    check_outcome(story, unharmed, "the disk was full")
