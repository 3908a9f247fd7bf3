"""The deterministic explorer: the real core, a simulated Amazon in the same process, one seed for all luck."""
