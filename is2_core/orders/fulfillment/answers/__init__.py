"""The warehouse's answers to being asked to take orders."""
