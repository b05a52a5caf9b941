"""The common ground: what there is, what happened, why it failed."""
