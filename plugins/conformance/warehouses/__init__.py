"""Checks of warehouse plugins."""
