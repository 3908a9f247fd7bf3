"""Pages about buyers' data."""
