"""`is2 demo`: orders and stock against a simulated Amazon, over HTTP only, and both sides compared."""
