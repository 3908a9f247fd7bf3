"""Pages of items and shipping mappings."""
