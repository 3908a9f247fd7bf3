"""The warehouse port and the embedded warehouse."""
