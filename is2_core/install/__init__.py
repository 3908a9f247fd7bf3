"""Connecting an integration, its settings, and its end."""
