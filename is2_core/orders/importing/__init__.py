"""From what a cart lists to stored orders."""
