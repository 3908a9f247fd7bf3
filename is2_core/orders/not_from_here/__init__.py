"""Lines of orders that are not shipped from here, and orders of which no line is."""
