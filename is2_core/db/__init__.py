"""The database: engine, units of work, column types, schema."""
