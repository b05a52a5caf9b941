"""Systems under test: memory backends behind one small protocol."""
