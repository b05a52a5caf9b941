"""The two seeds of a run: the world's and the model's, from one number.

They are separate hashes, so that a model (or a server that is given the model's seed)
cannot draw the world that it is asked about.
"""

from __future__ import annotations

from evals.simulation.draws import digest


def world_seed(seed: int) -> int:
    """Return the seed of the conversations."""
    return digest("memtune-world", seed) >> 16


def model_seed(seed: int) -> int:
    """Return the seed of the simulated model."""
    return digest("memtune-model", seed) >> 16
