"""Slow work at a cart: what was sent, asking what became of it, smaller batches."""
