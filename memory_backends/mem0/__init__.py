"""The mem0 package (2.x) as a memory backend: driven as it is, seen at its boundaries."""
