"""The embedded warehouse, an application of its own behind the warehouse contract."""
