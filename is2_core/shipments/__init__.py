"""Reports of the warehouse, and tracking for the carts."""
