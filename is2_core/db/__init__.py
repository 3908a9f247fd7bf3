"""The database: engine, units of work, column types, schema."""

from is2_core.db.engine import Database
from is2_core.db.unit import in_transaction, savepoint

__all__ = ["Database", "in_transaction", "savepoint"]
