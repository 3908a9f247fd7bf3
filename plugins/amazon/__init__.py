"""The Amazon cart."""
