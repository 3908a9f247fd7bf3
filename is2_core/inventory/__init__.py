"""What can be sold, and telling the carts."""
