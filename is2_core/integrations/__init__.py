"""One connected integration: its pauses, its connection and its authorization."""
