"""Help for merchants, cases for the support."""
