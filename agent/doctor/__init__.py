"""Checks that everything a run needs is there, before it is needed."""
