"""The function a worker's child runs. The platform of a worker process is made once, without opening the database."""

from __future__ import annotations

from sqlalchemy.orm import configure_mappers

from is2_core.config import Config
from is2_core.platform import Platform, build_platform
from is2_core.tasks.handlers import HANDLERS
from is2_core.tasks.run import run_next

_platform: Platform | None = None


def prepare() -> Platform:
    """This process's platform: carts and tables are loaded before forking, no connection is opened."""
    global _platform
    if _platform is None:
        # Otherwise every forked child would do it again, in twice the time its task takes.
        configure_mappers()
        _platform = build_platform(Config.from_environment())
    return _platform


def perform() -> None:
    """Run the task whose turn it is, if one is due."""
    run_next(prepare(), HANDLERS)
