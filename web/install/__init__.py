"""Pages of connecting an integration."""
