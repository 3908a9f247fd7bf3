"""Comparing what the two sides hold."""
