"""Reading Amazon's orders, and translating them."""
