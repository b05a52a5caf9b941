"""One call of a model, through gateway and ledger as in a run, and what its reply is like."""

from __future__ import annotations

import json
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from agent.doctor.check import Check, broken
from traces.errors import ProviderError, TransientProviderError
from traces.ledger import Completion

if TYPE_CHECKING:
    from agent.models.gateway import Gateway
    from agent.models.providers import Messages, Provider

_TEXT = "Ana bought a green car."


class _Question(NamedTuple):
    """A small question of the kind that a role is asked in a run."""

    task: str
    instruction: str
    inputs: Mapping[str, str]
    outputs: Mapping[str, Any]


_QUESTIONS = {
    "agent": _Question(
        "response",
        "Answer the question from the memories only, in as few words as possible.",
        {
            "question": "What colour is Ana's car?",
            "asked_on": "2024-05-12",
            "memories": f"[1] (2024-05-01) {_TEXT}",
        },
        {"answer": str},
    ),
    "judge": _Question(
        "judge",
        "Decide whether the prediction says the same as the gold answer.",
        {
            "question": "What colour is Ana's car?",
            "gold_answer": "green",
            "prediction": "It is a dark green.",
        },
        {"correct": bool, "reason": str},
    ),
    "reflection": _Question(
        "reflection",
        "Give one edit that makes the instruction shorter, with 'action' and 'clause'.",
        {"slot": "response", "instruction": "Answer the question. Be brief. Be short."},
        {"edits": list[dict[str, Any]]},
    ),
}


@dataclass
class AskedOnce:
    """A provider that passes on one request and no other: nothing is waited for or repeated."""

    inner: Provider
    reply: Completion | None = None
    schema: Mapping[str, Any] | None = None
    seconds: float = 0.0
    asked: bool = False
    simulated: bool = field(init=False)

    def __post_init__(self) -> None:
        self.simulated = self.inner.simulated

    def identity(self, role: str) -> Mapping[str, Any]:
        return self.inner.identity(role)

    def accepts_schema(self, role: str) -> bool:
        return self.inner.accepts_schema(role)

    def complete(
        self,
        role: str,
        messages: Messages,
        sample_index: int,
        schema: Mapping[str, Any] | None = None,
    ) -> Completion:
        if self.asked:
            raise ProviderError("the doctor asks once")
        self.asked, self.schema = True, schema
        started = time.monotonic()
        try:
            self.reply = self.inner.complete(role, messages, sample_index, schema)
        except TransientProviderError as error:
            raise ProviderError(str(error)) from error  # the gateway would try again
        finally:
            self.seconds = time.monotonic() - started
        return self.reply

    def close(self) -> None:
        self.inner.close()


@dataclass
class _Asked:
    """What came of asking: the reply, or why there is none; what the adapter made of it."""

    once: AskedOnce
    error: ProviderError | None = None

    def answered(self, name: str) -> Check:
        reply = self.once.reply
        assert reply is not None
        tokens = f"{reply.input_tokens:,} tokens in, {reply.output_tokens:,} out"
        return Check(
            "call", "ok", f"{name} answered in {self.once.seconds:.1f} s ({tokens})",
            details={"seconds": round(self.once.seconds, 3), "input_tokens": reply.input_tokens,
                     "output_tokens": reply.output_tokens},
        )  # fmt: skip


def _ask(provider: Provider, role: str, question: Callable[[Gateway], object]) -> _Asked:
    """Ask through a gateway with a ledger of its own, which is thrown away."""
    from agent.models.budget import Budget, Limits
    from agent.models.gateway import Gateway
    from traces.database import Database
    from traces.ledger import Ledger

    asked = _Asked(AskedOnce(provider))
    with tempfile.TemporaryDirectory(prefix="memtune-doctor-") as made:
        database = Database(Path(made) / "ledger.db")
        try:
            question(Gateway({role: asked.once}, Ledger(database), Budget(Limits())))
        except ProviderError as error:
            asked.error = error
        finally:
            database.close()
    return asked


def chat(provider: Provider, role: str, name: str, where: str) -> Iterator[Check]:
    """Ask as a run does, with a JSON schema where the model takes one."""
    from agent.models.choose import log_to

    question = _QUESTIONS[role]
    events: list[str] = []
    log_to({role: provider}, lambda event, **_: events.append(event))
    asked = _ask(
        provider,
        role,
        lambda gateway: gateway.ask(role)(*question),
    )
    if asked.once.reply is None:
        yield _unanswered(asked, where)
        return
    yield asked.answered(name)
    refused = "json_schema_refused" in events
    read = asked.error is None
    yield _form(asked.once.reply.text, set(question.outputs), asked.once.schema, refused, read)


def embedding(provider: Provider, name: str, where: str) -> Iterator[Check]:
    """Have one text embedded."""
    from agent.models.embeddings import ROLE, unpacked

    asked = _ask(provider, ROLE, lambda gateway: gateway.complete(ROLE, [("text", _TEXT)], 0))
    if asked.once.reply is None:
        yield _unanswered(asked, where)
        return
    size = unpacked(asked.once.reply.text).shape[1]
    found = asked.answered(name)
    yield replace(found, said=f"{found.said}, {size} dimensions",
                  details={**found.details, "dimensions": size})  # fmt: skip


def _unanswered(asked: _Asked, where: str) -> Check:
    assert asked.error is not None
    found = broken("call", asked.error, mend="check the model's name, --api-base and the network")
    mend = ""
    if re.search("no (complete )?answer ", found.said):
        mend = f"check that {where} is up and reachable from here"
    elif "HTTP 429" in found.said:
        mend = f"{where} limits how often it is asked: wait, or set --requests-per-minute"
    return replace(found, mend=mend) if mend else found


def _form(
    text: str, fields: set[str], schema: Mapping[str, Any] | None, refused: bool, read: bool
) -> Check:
    """Judge the reply's form: whether it is what the schema asks for."""
    valid = _valid(text, fields)
    details = {"schema_sent": schema is not None and not refused, "valid": valid}
    began = repr(" ".join(text.split())[:60])
    if not read:
        return Check(
            "schema", "problem",
            f"the reply is no JSON object with {' and '.join(sorted(fields))}: {began}",
            "choose a model with a JSON mode; this one would be asked up to three times each "
            "time, and its questions go without an answer",
            details,
        )  # fmt: skip
    if refused:
        return Check(
            "schema", "warning", "the endpoint refused a JSON schema; the prompt alone had to do",
            'set json_schema = "never" to spare the refused request', details,
        )  # fmt: skip
    sent = "a JSON schema was sent" if schema is not None else "no JSON schema is sent here"
    if not valid:
        return Check(
            "schema", "warning", f"{sent}; the reply could be read, but is not exact JSON: {began}",
            "expect some requests to be repeated, or choose a model with a JSON mode", details,
        )  # fmt: skip
    return Check("schema", "ok", f"{sent}; the reply is exact JSON", details=details)


def _valid(text: str, fields: set[str]) -> bool:
    """Whether a reply is, as it stands, an object with these fields and nothing else."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and set(found) == fields
