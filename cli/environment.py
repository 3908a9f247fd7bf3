"""The platform the environment describes, for a command."""

from __future__ import annotations

from is2_core.bootstrap import build_platform
from is2_core.config import Config
from is2_core.platform import Platform
from is2_core.startup import check_database


def platform_of_environment() -> Platform:
    """Return the platform, its database checked.

    Raises:
        CannotStart: the environment does not add up, or its database cannot be used; the message says why.
    """
    platform = build_platform(Config.from_environment())
    check_database(platform.db)
    platform.db.dispose()
    return platform
