"""Rules for what the environment says: which links are safe, which secrets random."""
