"""How often things may be asked for."""
