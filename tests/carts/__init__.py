"""Tests of the carts that exist for tests only."""
