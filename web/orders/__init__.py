"""Pages of received orders."""
