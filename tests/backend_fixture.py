"""A scripted language model behind a real dspy.LM and a real OperationContext."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from evals.simulation.request import Request, parse_request
from memory_backends.registry import create_backend
from traces.domain import Message, PromptSet, Question, Session
from traces.operation import BoundOperation, OperationContext

Reply = Callable[[Request], Mapping[str, Any] | str]
DAY = datetime(2024, 5, 12, 9, 30)


# What a model says that organises as little as it may, by the field that asks for it.
_ORGANISED: Mapping[str, Mapping[str, Any]] = {
    "starts": {"starts": []},
    "narrative": {"title": "", "narrative": ""},
    "foresights": {"foresights": []},
    "scene": {"scene": None, "title": ""},
    "sufficient": {"sufficient": True, "missing": "", "queries": [], "require": []},
    "ranking": {"ranking": []},
}


def one_fact_a_message(request: Request) -> Mapping[str, Any]:
    """Extract each message as a fact, add every fact, search for the question; nothing else."""
    for field, reply in _ORGANISED.items():
        if field in request.outputs:
            return reply
    if "facts" in request.outputs:
        facts = []
        for line in request.inputs["messages"].splitlines():
            number, _, rest = line.partition("] ")
            speaker, _, text = rest.partition(": ")
            number = int(number.lstrip("["))
            facts.append({"text": text, "speaker": speaker, "time": "", "sources": [number]})
        return {"facts": facts}
    if "action" in request.outputs:
        return {"action": "add", "target": None, "text": request.inputs["fact"], "reason": ""}
    return {"queries": [request.inputs["question"]], "after": "", "before": "", "require": []}


class Scripted:
    """Answers with `reply`; keeps what it was asked (`texts`: system and user text)."""

    def __init__(self, reply: Reply = one_fact_a_message) -> None:
        self.reply = reply
        self.requests: list[Request] = []
        self.texts: list[tuple[str, str]] = []

    def complete(self, request: Any) -> Any:
        """DSPy's engine contract."""
        from dspy import lm15

        system = str(request.system or "")
        user = "".join(part.text for m in request.messages for part in m.parts)
        asked = parse_request(
            [{"role": "system", "content": system}, {"role": "user", "content": user}]
        )
        self.requests.append(asked)
        self.texts.append((system, user))
        reply = self.reply(asked)
        text = reply if isinstance(reply, str) else json.dumps(reply)
        return lm15.Response(
            id="r",
            model="scripted",
            message=lm15.Message(role="assistant", parts=(lm15.TextPart(text=text),)),
            finish_reason="stop",
            usage=lm15.Usage(input_tokens=1, output_tokens=1),
        )

    def bind(self, operation: BoundOperation) -> Any:
        """traces.operation.BindModel."""
        import dspy

        return dspy.LM("scripted", engine=self, cache=False, num_retries=0)

    def asked(self, output: str) -> list[Request]:
        """Return the requests whose reply has this field."""
        return [request for request in self.requests if output in request.outputs]


def context(
    model: Scripted, backend: str = "fact_store", prompts: Mapping[str, str] | None = None
) -> OperationContext:
    """Return a fresh pass over the episode 'c1' with the seed prompts (or others)."""
    seeds = {slot.name: slot.seed for slot in create_backend(backend).slots}
    return OperationContext(
        "c1",
        "",
        DAY,
        PromptSet({**seeds, **(prompts or {})}),
        model.bind,
        parameters=create_backend(backend).fingerprint,
    )


def session(*texts: str, id: str = "s1", date: datetime = DAY, start: int = 1) -> Session:
    """Return a session of messages by Rosa and Ben in turn; ids are `<session>:<number>`."""
    speakers = ("Rosa", "Ben")
    messages = (
        Message(f"{id}:{n}", speakers[(n - 1) % 2], text) for n, text in enumerate(texts, start)
    )
    return Session(id, date, tuple(messages))


def ingest(backend: Any, ctx: OperationContext, *sessions: Session) -> None:
    """Take in sessions, each in its own context."""
    for one in sessions:
        backend.ingest(one, ctx.child(one.id, one.date))


def ask(backend: Any, ctx: OperationContext, text: str, id: str = "q1") -> list[str]:
    """Return the texts retrieved for a question."""
    question = Question(id, text, answer=None)
    return [e.text for e in backend.retrieve(question, DAY, ctx.child(id, DAY))]


def texts(entries: Sequence[Any]) -> list[str]:
    """Return the entries' texts."""
    return [entry.text for entry in entries]
