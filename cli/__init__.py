"""The `is2` command."""
