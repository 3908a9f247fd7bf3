"""Background work: task rows, runs, the dispatcher, the bell."""
