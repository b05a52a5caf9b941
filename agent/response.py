"""The agent's own operation: answer a question from what the memory returned."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from importlib import resources
from typing import Any

from traces import schema
from traces.domain import PromptSlot, Question
from traces.operation import BoundOperation, OperationContext
from traces.schema import MemoryEntry, Outputs, Variable

SLOT = "response"


@lru_cache(maxsize=1)
def response_slot() -> PromptSlot:
    """Return the response slot; it is tuned only when asked for."""
    seed = resources.files("agent").joinpath("prompts/response.md").read_text("utf-8")
    return PromptSlot(SLOT, "response", seed.strip(), max_chars=2000)


@lru_cache(maxsize=1)
def _signature() -> Any:
    import dspy

    class Response(dspy.Signature):  # type: ignore[misc]
        question: str = dspy.InputField()
        asked_on: str = dspy.InputField()
        memories: str = dspy.InputField()
        answer: str = dspy.OutputField()

    return Response


def render_memories(entries: Sequence[MemoryEntry]) -> str:
    """Return the entries one a line, numbered within this prompt: `[1] (2024-05-12) text`."""
    lines = []
    for number, entry in enumerate(entries, start=1):
        text = " ".join(entry.text.split())
        date = f"({entry.date[:10]}) " if entry.date else ""
        lines.append(f"[{number}] {date}{text}")
    return "\n".join(lines) or "(none)"


def respond(question: Question, entries: Sequence[MemoryEntry], ctx: OperationContext) -> Variable:
    """Answer from the entries, as one operation. Returns the answer variable."""
    from memory_backends.prediction import predict

    def call(op: BoundOperation) -> Outputs:
        prediction = predict(
            op,
            _signature(),
            question=question.text,
            asked_on=ctx.now.date().isoformat(),
            memories=render_memories(entries),
        )
        return {"answer": [schema.answer(str(prediction["answer"]).strip())]}

    used = [entry.variable or entry.as_variable("retrieved") for entry in entries]
    outputs = ctx.perform(
        "response",
        name="respond",
        slot=SLOT,
        identity=[question.id],
        inputs={"question": [schema.question_variable(question, ctx.now)], "retrieved": used},
        call=call,
    )
    return outputs["answer"][0]
