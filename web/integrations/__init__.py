"""View Integrations."""
