"""Checks for carts, and the harness that runs them."""
