"""The agent of the simulated model: it reads the messages it is sent, and nothing else."""

from __future__ import annotations

from evals.simulation.agent_evolution import descriptions
from evals.simulation.agent_extraction import extract
from evals.simulation.agent_linking import links
from evals.simulation.agent_notes import notes
from evals.simulation.agent_organising import ORGANISING, organise
from evals.simulation.agent_plain import shaped, typed
from evals.simulation.agent_response import respond
from evals.simulation.agent_retrieval import retrieval
from evals.simulation.agent_update import update
from evals.simulation.draws import digest, uniform
from evals.simulation.instructions import Reading, read_instruction
from evals.simulation.request import Request
from evals.simulation.request_plain import PlainRequest, SectionedRequest

# Tasks of memories that describe themselves, by output field, with the competences of which
# slot they read instructions by.
_DESCRIBING = {"notes": "extraction", "links": "update", "descriptions": "update"}
FREE_WORDS = 120
LOSS_A_WORD = 0.0015


def task_of(outputs: tuple[str, ...]) -> str:
    """Infer the task from the requested output fields."""
    names = set(outputs)
    if "facts" in names:
        return "extraction"
    if "action" in names:
        return "update"
    for field in ORGANISING:
        if field in names:
            return field
    if "queries" in names:
        return "retrieval"
    for field in _DESCRIBING:
        if field in names:
            return field
    return "response"


def followed(reading: Reading, request: Request, seed: int, own: Reading | None = None) -> Reading:
    """Return what of the instruction is followed in this request: less, the longer it is.

    `own` is what a section of its own asks for: that is as long as the section is.
    """
    if _reliability(reading.words) >= 1.0:
        return reading
    key = digest(seed, request)
    kept = frozenset(
        c for c in reading.competences
        if uniform(key, c)
        < _reliability(own.words if own and c in own.competences else reading.words)
    )  # fmt: skip
    return Reading(kept, reading.aliases, reading.seasons, reading.words)


def _reliability(words: int) -> float:
    return max(0.0, 1.0 - LOSS_A_WORD * max(0, words - FREE_WORDS))


def answer(request: Request, *, seed: int, slip: float) -> dict[str, object]:
    """Answer a request of the agent's role; the draws depend on seed and request alone."""
    if isinstance(request, PlainRequest):
        known = typed(request)
        if known is not None:
            return shaped(request, answer(known, seed=seed, slip=slip))
    task = task_of(request.outputs)
    if task == "response":
        made = respond(request, slip, seed)
        return (
            made
            if "answer" in request.outputs or not request.outputs
            else dict.fromkeys(request.outputs, made["answer"])
        )
    slot = {**_DESCRIBING, **ORGANISING}.get(task, task)
    closing = request.closing if isinstance(request, SectionedRequest) else ""
    own = read_instruction(slot, closing) if closing else None
    reading = followed(read_instruction(slot, request.instruction), request, seed, own)
    if task in ORGANISING:
        return organise(task, request, reading, slip, seed)
    if task == "notes":
        return {"notes": notes(request, reading, slip, seed)}
    if task == "links":
        return {"links": links(request, slip, seed)}
    if task == "descriptions":
        return {"descriptions": descriptions(request, reading, slip, seed)}
    if task == "extraction":
        return {"facts": extract(request, reading, slip, seed)}
    if task == "update":
        return update(request, reading, slip, seed)
    return retrieval(request, reading, slip, seed)
