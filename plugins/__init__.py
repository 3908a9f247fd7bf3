"""Contract of a cart and the carts themselves."""
