"""Feeds: what is handed in, and what its reports say."""
