"""Why an order waits, and looking at that again."""
