"""Wording what holds and timelines store as codes and parameters."""
