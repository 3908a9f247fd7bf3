"""Addresses by country."""
