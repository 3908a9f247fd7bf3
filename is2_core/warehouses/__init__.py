"""Warehouses as the core sees them: how far each was read."""
