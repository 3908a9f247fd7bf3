"""Kill sweep: the process that does all of IS2's work dies at a fault point; a new one must finish the work."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from is2_core.calls.carts import CartRegistry
from tests.concurrency.kill_sweep import CHAPTERS, Chapter, Story, first_orders, packages, stock, sweep


@pytest.fixture
def story(database_url: str, redis_url: str, carts: CartRegistry) -> Iterator[Story]:
    with Story(database_url, redis_url, carts).told() as told:
        yield told


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.__name__)
def test_killed_at_every_fault_point_of_every_flow(
    story: Story, chapter: Chapter, capsys: pytest.CaptureFixture[str]
) -> None:
    coverage = sweep(story, chapter, wanted=lambda place: True)
    with capsys.disabled():
        print(
            f"\nKilled at fault points of '{chapter.__name__}' on {story.platform.db.engine.dialect.name}:\n{coverage}"
        )
    assert coverage.killed.keys() == coverage.met.keys()
    assert coverage.killed.total() == coverage.met.total()


# The whole sweep is one of the long proofs.
@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    ("chapter", "place"), [(first_orders, 12), (first_orders, 41), (packages, 27), (stock, 51), (stock, 70)]
)
def test_killed_at_one_of_them(story: Story, chapter: Chapter, place: int) -> None:
    coverage = sweep(story, chapter, wanted=lambda each: each == place)
    assert coverage.killed.total() == 1
