"""What is read of a warehouse that has nothing new, or says so oddly."""

from __future__ import annotations

from dataclasses import replace

import sqlalchemy as sa

from is2_core.embedded_warehouse.port import EmbeddedWarehouse
from is2_core.items.models import CartItem
from is2_core.jobs import HANDLERS
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.queue import enqueue
from is2_core.tasks.runner import run_next
from plugins.warehouse import Activity, WarehouseContext, hookimpl
from tests.support.statements import counted
from tests.support.world import World


def read_again(world: World) -> list[str]:
    """Read the warehouse once more, and nothing else; returns the first words of what is written on the way."""
    world.settle()
    with world.platform.db.write() as session:
        payload = {"wms_target": "embedded"}
        now = world.clock.now()
        enqueue(session, kind=TaskKind.WAREHOUSE_READ, account_id=world.account, now=now, payload=payload)
    with counted(world.platform) as asked:
        assert run_next(world.platform, {TaskKind.WAREHOUSE_READ: HANDLERS[TaskKind.WAREHOUSE_READ]})
    return [" ".join(text.split()[:2]) for text in asked if not text.startswith("SELECT")]


def test_where_nothing_is_new_nothing_is_written(world: World) -> None:
    world.stock_up()
    world.finish(world.connect())
    # The task is taken, and ended.
    assert read_again(world) == ["UPDATE task_turn", "UPDATE task", "UPDATE task"]


class TellsTwice(EmbeddedWarehouse):
    """As a warehouse whose cursor stands still while it has news."""

    @hookimpl
    def activity_since(self, ctx: WarehouseContext, cursor: str) -> Activity:
        return replace(super().activity_since(ctx, cursor), skus=("TENT-2P",))


def test_news_are_taken_also_where_the_cursor_stands_still(world: World) -> None:
    world.stock_up()
    item = world.add_item(world.connect(), "TENT-2P")
    read_again(world)
    world.platform.warehouses.replace("embedded", TellsTwice(world.platform.db))
    due = sa.select(CartItem.due_version).where(CartItem.id == item)
    with world.platform.db.read() as session:
        before = session.scalars(due).one()
    assert "UPDATE warehouse_cursor" in read_again(world)
    with world.platform.db.read() as session:
        assert session.scalars(due).one() == before + 1
