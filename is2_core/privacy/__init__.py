"""Buyers' data and its end: purge, forgetting at the warehouses, deletion on request."""
