"""Sellable units, and sending them to the carts."""
