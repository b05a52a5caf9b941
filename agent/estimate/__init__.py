"""What a run will cost, before anything is paid for: a dry pass, and a model of the loop."""
