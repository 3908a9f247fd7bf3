"""Confirmed shipments."""
