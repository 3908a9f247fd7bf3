"""Tiny: the second cart. No regions, a key instead of tokens, a true item list, every answer at once."""
