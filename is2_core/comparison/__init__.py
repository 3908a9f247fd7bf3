"""Comparing what is open here with what the cart shows."""
