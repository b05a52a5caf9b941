"""What the competences of each slot look like in English prose."""

from __future__ import annotations

from evals.simulation.instruction_extraction import EXTRACTION
from evals.simulation.instruction_retrieval import RETRIEVAL
from evals.simulation.instruction_update import UPDATE
from evals.simulation.instruction_verbs import Spec

__all__ = ["SPECS", "Spec"]

SPECS: dict[str, tuple[Spec, ...]] = {
    "extraction": EXTRACTION,
    "update": UPDATE,
    "retrieval": RETRIEVAL,
    "response": (),
}
