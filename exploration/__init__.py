"""The deterministic explorer: real flows and tasks, a simulated Amazon in the same process, one seed for all luck."""
