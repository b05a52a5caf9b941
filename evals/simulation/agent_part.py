"""The agent of the simulated model: it reads the messages it is sent, and nothing else."""

from __future__ import annotations

from evals.simulation.agent_extraction import extract
from evals.simulation.agent_response import respond
from evals.simulation.agent_retrieval import retrieval
from evals.simulation.agent_update import update
from evals.simulation.draws import digest, uniform
from evals.simulation.instructions import Reading, read_instruction
from evals.simulation.request import Request

FREE_WORDS = 120
LOSS_A_WORD = 0.0015


def task_of(outputs: tuple[str, ...]) -> str:
    """Infer the task from the requested output fields."""
    names = set(outputs)
    if "facts" in names:
        return "extraction"
    if "action" in names:
        return "update"
    if "queries" in names:
        return "retrieval"
    return "response"


def followed(reading: Reading, request: Request, seed: int) -> Reading:
    """Return what of the instruction is followed in this request: less, the longer it is."""
    reliability = 1.0 - LOSS_A_WORD * max(0, reading.words - FREE_WORDS)
    if reliability >= 1.0:
        return reading
    key = digest(seed, request)
    kept = frozenset(c for c in reading.competences if uniform(key, c) < max(0.0, reliability))
    return Reading(kept, reading.aliases, reading.seasons, reading.words)


def answer(request: Request, *, seed: int, slip: float) -> dict[str, object]:
    """Answer a request of the agent's role; the draws depend on seed and request alone."""
    task = task_of(request.outputs)
    if task == "response":
        made = respond(request, slip, seed)
        return (
            made
            if "answer" in request.outputs or not request.outputs
            else dict.fromkeys(request.outputs, made["answer"])
        )
    reading = followed(read_instruction(task, request.instruction), request, seed)
    if task == "extraction":
        return {"facts": extract(request, reading, slip, seed)}
    if task == "update":
        return update(request, reading, slip, seed)
    return retrieval(request, reading, slip, seed)
