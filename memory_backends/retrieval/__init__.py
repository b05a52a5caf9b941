"""Search over memory entries, shared by backends: exact, deterministic, in memory or on disk."""
