"""Search over memory entries, shared by backends: exact, in memory, deterministic."""
