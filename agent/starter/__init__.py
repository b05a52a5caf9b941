"""The files that a new project begins with."""
