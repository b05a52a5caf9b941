"""What the competences of each slot look like in English prose."""

from __future__ import annotations

from evals.simulation.instruction_extraction import EXTRACTION
from evals.simulation.instruction_retrieval import RETRIEVAL
from evals.simulation.instruction_shapes import Shape
from evals.simulation.instruction_shapes_extraction import EXTRACTION_SHAPES
from evals.simulation.instruction_shapes_retrieval import RETRIEVAL_SHAPES
from evals.simulation.instruction_shapes_update import UPDATE_SHAPES
from evals.simulation.instruction_update import UPDATE
from evals.simulation.instruction_verbs import Spec

__all__ = ["SHAPES", "SPECS", "Spec"]

SHAPES: dict[str, tuple[Shape, ...]] = {
    "extraction": EXTRACTION_SHAPES,
    "update": UPDATE_SHAPES,
    "retrieval": RETRIEVAL_SHAPES,
}

SPECS: dict[str, tuple[Spec, ...]] = {
    "extraction": EXTRACTION,
    "update": UPDATE,
    "retrieval": RETRIEVAL,
    "response": (),
}
