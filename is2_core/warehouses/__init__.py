"""Warehouses as the core sees them: calling one, what is set for it, how far it was read."""
