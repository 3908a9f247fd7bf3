"""Pages of inventory and shared stock."""
