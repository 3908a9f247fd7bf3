"""What a worker's job calls. The platform of a worker process is made once, without opening the database."""

from __future__ import annotations

from sqlalchemy.orm import configure_mappers

from is2_core.config import Config
from is2_core.platform import Platform, build_platform
from is2_core.tasks.handlers import HANDLERS
from is2_core.tasks.run import run_task

_platform: Platform | None = None


def prepare() -> Platform:
    """This process's platform: carts and tables are loaded before forking, no connection is opened."""
    global _platform
    if _platform is None:
        # Otherwise every forked child would do it again, in twice the time its task takes.
        configure_mappers()
        _platform = build_platform(Config.from_environment())
    return _platform


def perform(task_id: int) -> None:
    """Run one task."""
    run_task(prepare(), task_id, HANDLERS)
