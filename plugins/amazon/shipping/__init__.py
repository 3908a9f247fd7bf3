"""Shipping: methods, carriers, and tracking for Amazon."""
