"""Error signals in, better prompts out."""
