"""What the two sides hold, beside each other."""
