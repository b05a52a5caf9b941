"""What the attribution of one failure may cost."""

# Half of all failures take less than a third of it.
MOST_CALLS = 28
MOST_TOKENS = 60_000
MOST_REPLAYS = 24
