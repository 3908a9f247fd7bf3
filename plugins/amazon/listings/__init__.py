"""Listings: reading them, and sending inventory."""
