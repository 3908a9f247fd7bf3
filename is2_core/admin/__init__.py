"""Actions of administrators: carts, failed tasks, cases, the clock of a trial."""
