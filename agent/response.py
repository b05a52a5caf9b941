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
ASSISTANT = "Assistant"
# Most characters of one recent message in a prompt.
RECENT_CHARS = 1000


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


@lru_cache(maxsize=1)
def _chat_signature() -> Any:
    import dspy

    class ChatResponse(dspy.Signature):  # type: ignore[misc]
        question: str = dspy.InputField(
            desc="the user's message; when it asks nothing, acknowledge it in a few words"
        )
        asked_on: str = dspy.InputField()
        recent: str = dspy.InputField(
            desc="the last messages of this chat, oldest first; they count as memories"
        )
        memories: str = dspy.InputField()
        answer: str = dspy.OutputField()

    return ChatResponse


def render_memories(entries: Sequence[MemoryEntry]) -> str:
    """Return the entries one a line, numbered within this prompt: `[1] (2024-05-12) text`."""
    lines = []
    for number, entry in enumerate(entries, start=1):
        text = " ".join(entry.text.split())
        date = f"({entry.date[:10]}) " if entry.date else ""
        lines.append(f"[{number}] {date}{text}")
    return "\n".join(lines) or "(none)"


def render_recent(recent: Sequence[Variable]) -> str:
    """Return messages and earlier answers one a line: `Ana: text`."""
    from memory_backends.prediction import one_line

    lines = []
    for variable in recent:
        speaker = variable.value.get("speaker") or ASSISTANT
        lines.append(f"{speaker}: {one_line(variable.value['text'], RECENT_CHARS)}")
    return "\n".join(lines) or "(none)"


def respond(
    question: Question,
    entries: Sequence[MemoryEntry],
    ctx: OperationContext,
    recent: Sequence[Variable] | None = None,
) -> Variable:
    """Answer from the entries, as one operation. Returns the answer variable.

    `recent` makes it a turn of a chat: the messages and answers (variables of these kinds)
    that came just before, oldest first, go with the question and are recorded as used.
    Without it the request is the one that evaluation makes.
    """
    from memory_backends.prediction import predict

    def call(op: BoundOperation) -> Outputs:
        given = {
            "question": question.text,
            "asked_on": ctx.now.date().isoformat(),
            "memories": render_memories(entries),
        }
        if recent is None:
            prediction = predict(op, _signature(), **given)
        else:
            prediction = predict(op, _chat_signature(), **given, recent=render_recent(recent))
        return {"answer": [schema.answer(str(prediction["answer"]).strip())]}

    used = [entry.variable or entry.as_variable("retrieved") for entry in entries]
    inputs = {"question": [schema.question_variable(question, ctx.now)], "retrieved": used}
    if recent:
        inputs["recent"] = list(recent)
    outputs = ctx.perform(
        "response",
        name="respond",
        slot=SLOT,
        identity=[question.id],
        inputs=inputs,
        call=call,
    )
    return outputs["answer"][0]
