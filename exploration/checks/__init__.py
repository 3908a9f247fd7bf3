"""Checks of a run, and the state expected of it."""
