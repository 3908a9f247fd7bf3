"""Cases for the support."""
