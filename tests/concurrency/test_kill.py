"""Kill sweep: the process that does all of IS2's work dies at a fault point; a new one must finish the work."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from is2_core.calls.carts import CartRegistry
from is2_core.tasks.kinds import TaskKind
from tests.concurrency.kill_sweep import CHAPTERS, Chapter, Story, first_orders, packages, stock, sweep


@pytest.fixture
def story(database_url: str, redis_url: str, carts: CartRegistry) -> Iterator[Story]:
    with Story(database_url, redis_url, carts).told() as told:
        yield told


@pytest.mark.slow
@pytest.mark.sweep
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.__name__)
def test_scenario_F47_killed_at_every_fault_point_of_every_flow(
    story: Story, chapter: Chapter, capsys: pytest.CaptureFixture[str]
) -> None:
    coverage = sweep(story, chapter, wanted=lambda points: range(len(points)))
    with capsys.disabled():
        print(
            f"\nKilled at fault points of '{chapter.__name__}' on {story.platform.db.engine.dialect.name}:\n{coverage}"
        )
    assert coverage.killed.keys() == coverage.met.keys()
    assert coverage.killed.total() == coverage.met.total()


# The whole sweep is one of the long proofs; these are told in every run of the tests, on SQLite.
class One:
    """One fault point of a chapter."""

    def __init__(self, database_url: str, redis_url: str, carts: CartRegistry) -> None:
        self._made = (database_url, redis_url, carts)

    def kill(self, chapter: Chapter, kind: TaskKind, name: str, which: int = 0) -> None:
        """Kill at the first, or another, fault point of this name that a kind of task meets."""
        with Story(*self._made).told() as story:
            coverage = sweep(
                story,
                chapter,
                wanted=lambda points: [[place for place, each in enumerate(points) if each == (kind, name)][which]],
            )
        assert coverage.killed == {(kind, name): 1}


@pytest.fixture
def one(sqlite_url: str, redis_url: str, carts: CartRegistry) -> One:
    return One(sqlite_url, redis_url, carts)


def test_scenario_F1_killed_before_a_page_is_asked_for(one: One) -> None:
    one.kill(first_orders, TaskKind.ORDERS_CHECK, "http.before", -1)


def test_scenario_F2_killed_with_a_page_in_hand(one: One) -> None:
    one.kill(first_orders, TaskKind.ORDERS_CHECK, "http.after", -1)


def test_scenario_F3_killed_between_placing_and_acknowledging(one: One) -> None:
    one.kill(first_orders, TaskKind.ORDERS_PLACE, "commit.after", -1)


def test_scenario_F4_killed_when_all_of_an_import_is_committed(one: One) -> None:
    one.kill(first_orders, TaskKind.ORDERS_CHECK, "commit.after", -1)


def test_scenario_F23_killed_with_the_answer_to_an_acknowledgement_in_hand(one: One) -> None:
    one.kill(first_orders, TaskKind.ACKNOWLEDGEMENTS_SEND, "http.after", -1)


def test_scenario_F28_killed_with_the_answer_to_a_push_in_hand(one: One) -> None:
    one.kill(stock, TaskKind.INVENTORY_PUSH, "http.after", -1)


def test_scenario_F40_killed_with_the_answer_to_a_confirmation_in_hand(one: One) -> None:
    one.kill(packages, TaskKind.TRACKING_POST, "http.after", -1)
