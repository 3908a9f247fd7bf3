"""Background work: task rows, runs, the dispatcher, wake-ups."""
