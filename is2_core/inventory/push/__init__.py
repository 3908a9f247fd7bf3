"""One push of an integration's inventory: what is due, sending it, its results."""
