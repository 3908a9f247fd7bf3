"""The IS2 core: every process, table and queue, and no knowledge of any cart."""
