"""`/_sim/`: moving the simulated world, and its faults."""
