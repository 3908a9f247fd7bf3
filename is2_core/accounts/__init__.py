"""Accounts, their people, and the rows of their integrations."""
