"""Signed-in browsers: a row each, looked up with every request."""
