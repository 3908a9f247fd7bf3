"""Received orders, from the cart to the warehouse and to their end."""
