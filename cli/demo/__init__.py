"""`is2 demo`: the whole road against a simulated Amazon, driven over HTTP only, and both sides compared."""
