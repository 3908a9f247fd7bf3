"""What the warehouse reports, and tracking for the carts."""
