"""Placing orders, acknowledging them, and what their packages complete."""
