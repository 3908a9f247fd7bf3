"""Calling carts: which are installed, the one place that calls them, their way out and its limits."""
