"""Pages of the embedded warehouse."""
