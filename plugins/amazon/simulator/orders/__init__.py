"""Simulated orders: making, keeping, finding and showing them."""
