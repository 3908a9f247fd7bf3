"""The tables of every slice, for migrations and for tests: importing this module makes the metadata complete."""

from __future__ import annotations

from importlib import import_module
from pkgutil import walk_packages

import is2_core
from is2_core.db.base import Base

# Found, not listed: a slice that is added cannot be forgotten. The clock's one row stands beside the clock.
for _found in walk_packages(is2_core.__path__, "is2_core."):
    if _found.name.endswith(".models") or _found.name == "is2_core.clock":
        import_module(_found.name)

metadata = Base.metadata
