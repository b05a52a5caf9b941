"""Tasks of memories that organise what they hold, by the output field that asks for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from evals.simulation.agent_boundary import starts
from evals.simulation.agent_clustering import scene
from evals.simulation.agent_narrative import foresights, narrative
from evals.simulation.agent_sufficiency import ranking, sufficiency
from evals.simulation.instructions import Reading
from evals.simulation.request import Request

# The field, and the competences of which slot its instruction is read by.
ORGANISING: Mapping[str, str] = {
    "starts": "extraction",
    "narrative": "extraction",
    "foresights": "extraction",
    "scene": "update",
    "sufficient": "retrieval",
    "ranking": "retrieval",
}
_Whole = Callable[[Request, Reading, float, int], dict[str, object]]
_WHOLE: Mapping[str, _Whole] = {
    "starts": lambda request, _, slip, seed: {"starts": starts(request, slip, seed)},
    "narrative": narrative,
    "foresights": lambda request, reading, slip, seed: {
        "foresights": foresights(request, reading, slip, seed)
    },
    "scene": lambda request, _, slip, seed: scene(request, slip, seed),
    "sufficient": sufficiency,
    "ranking": lambda request, _, slip, seed: {"ranking": ranking(request, slip, seed)},
}


def organise(
    task: str, request: Request, reading: Reading, slip: float, seed: int
) -> dict[str, object]:
    """Answer a request of one of these tasks."""
    return _WHOLE[task](request, reading, slip, seed)
