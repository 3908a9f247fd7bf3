"""What administrators do: carts, failed tasks, cases, the clock of a trial."""
