"""What happened: variables that flow between operations, and the records of operations.

A variable is a kind and a JSON object. Its hash depends on both and on nothing
else; its id says where it came from (`<operation id>/<role>/<index>`, or
`message/<id>`, `question/<id>` for what the data set gave).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal

from traces.domain import Message, OperationKind, Question
from traces.errors import OperationError
from traces.hashing import canonical_json, text_hash

VariableKind = Literal[
    "message", "question", "fact", "change", "entry", "memory", "query", "retrieved", "answer"
]
# `pinned`: kept its recorded outputs in a replay although its inputs changed.
Status = Literal["executed", "reused", "substituted", "pinned", "failed"]

# The fields that every variable of a kind must have. Further fields are allowed:
# a backend may keep what it likes, but these are what graph and attribution read.
_FIELDS: dict[str, dict[str, tuple[type, ...]]] = {
    "message": {"id": (str,), "speaker": (str,), "text": (str,), "date": (str,)},
    "question": {"id": (str,), "text": (str,), "date": (str,)},
    "fact": {"text": (str,), "speaker": (str,), "date": (str,), "sources": (list,)},
    "change": {"action": (str,), "target": (str, type(None)), "reason": (str,)},
    "entry": {
        "entry_id": (str,), "version": (int,), "text": (str,), "speaker": (str,),
        "date": (str,), "sources": (list,),
    },
    "memory": {"hash": (str,), "size": (int,)},
    "query": {"queries": (list,)},
    "retrieved": {
        "entry_id": (str,), "version": (int,), "text": (str,), "speaker": (str,),
        "date": (str,), "sources": (list,),
    },
    "answer": {"text": (str,)},
}  # fmt: skip
ACTIONS = ("add", "change", "delete", "keep")
# Which kinds of variable an operation of a kind may put out, and the fewest of each.
_OUTPUTS: dict[str, dict[str, int]] = {
    "extraction": {"fact": 0, "message": 0},
    # A memory in place of entries: what was stored cannot be seen.
    "update": {"change": 0, "entry": 0, "memory": 0},
    "retrieval": {"query": 0, "retrieved": 0},
    "response": {"answer": 1},
}


class Variable:
    """One immutable value with its content hash and its place of origin.

    Treat `value` as read-only; `json` is its canonical text, from which the
    store writes, so a mutated `value` never reaches the record.
    """

    __slots__ = ("hash", "id", "json", "kind", "value")

    def __init__(self, kind: VariableKind, value: dict[str, Any], id: str = "") -> None:
        self.kind: VariableKind = kind
        self.value = value
        self.id = id
        self.json = canonical_json(value)
        self.hash = text_hash(kind + self.json)

    @classmethod
    def stored(cls, kind: VariableKind, text: str, hash: str, id: str) -> Variable:
        """Return a variable from its canonical JSON, without hashing it again."""
        variable = object.__new__(cls)
        variable.kind, variable.json, variable.hash, variable.id = kind, text, hash, id
        variable.value = json.loads(text)
        return variable

    @classmethod
    def all_stored(
        cls, refs: Iterable[Ref], values: Mapping[str, tuple[VariableKind, str]]
    ) -> list[Variable]:
        """Return variables for references; those of the same hash share one decoded value."""
        decoded: dict[str, Variable] = {}
        found = []
        for id, digest in refs:
            if digest not in decoded:
                decoded[digest] = cls.stored(*values[digest], digest, id)
            found.append(decoded[digest].placed(id))
        return found

    def placed(self, id: str) -> Variable:
        """Return the same value under another id, without hashing it again."""
        twin = object.__new__(Variable)
        twin.kind, twin.value, twin.json, twin.hash = self.kind, self.value, self.json, self.hash
        twin.id = id
        return twin

    def __repr__(self) -> str:
        return f"Variable({self.kind}, {self.id}, {self.json[:80]})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Variable) and (self.id, self.hash) == (other.id, other.hash)

    def __hash__(self) -> int:
        return hash((self.id, self.hash))


Ref = tuple[str, str]  # (variable id, value hash)
Inputs = Mapping[str, Sequence[Variable]]
Outputs = Mapping[str, Sequence[Variable]]


def message_variable(message: Message, date: datetime) -> Variable:
    """Return the variable for a message of a session of that date."""
    value = {
        "id": message.id,
        "speaker": message.speaker,
        "text": message.text,
        "date": date.isoformat(),
    }
    return Variable("message", value, f"message/{message.id}")


def question_variable(question: Question, date: datetime) -> Variable:
    """Return the variable for a question asked at that date. Gold is never part of it."""
    value = {"id": question.id, "text": question.text, "date": date.isoformat()}
    return Variable("question", value, f"question/{question.id}")


def fact(text: str, speaker: str, date: str, sources: Sequence[str]) -> Variable:
    """Return a fact: self-contained text, its subject or speaker, ISO date, message ids."""
    return Variable(
        "fact", {"text": text, "speaker": speaker, "date": date, "sources": list(sources)}
    )


def change(action: str, target: str | None, reason: str = "") -> Variable:
    """Return a change: one of ACTIONS, the entry id that it is about (None for add)."""
    return Variable("change", {"action": action, "target": target, "reason": reason})


def internal(entry: Variable) -> bool:
    """Say whether a memory keeps an entry for its own order alone, and never returns it."""
    return bool(entry.value.get("internal"))


def holds_on(entry: Variable, day: str) -> bool:
    """Say whether an entry may be returned on a day (ISO): always, but where a memory gives it a
    first or last day (`holds_from`, `holds_until`: an ISO date, month or year; empty is open)."""
    first, last = (str(entry.value.get(name) or "") for name in ("holds_from", "holds_until"))
    return day[: len(first)] >= first and (not last or day[: len(last)] <= last)


def query(queries: Sequence[str], **filters: Any) -> Variable:
    """Return a query: search strings and whatever filters the backend understands."""
    return Variable("query", {"queries": list(queries), **filters})


def answer(text: str) -> Variable:
    """Return an answer."""
    return Variable("answer", {"text": text})


@dataclass(frozen=True, slots=True)
class MemoryEntry:
    """One version of a memory entry, as backends keep it and retrieval returns it.

    `date` is ISO 8601, `sources` the message ids that it rests on. `variable` is set
    once the entry has passed through `perform`.
    """

    id: str
    text: str
    speaker: str = ""
    date: str = ""
    sources: tuple[str, ...] = ()
    version: int = 1
    variable: Variable | None = field(default=None, compare=False)

    def as_variable(self, kind: Literal["entry", "retrieved"] = "entry") -> Variable:
        """Return this version as a variable of kind `entry` or `retrieved`."""
        return _entry_variable(self, kind)

    def _value(self) -> dict[str, Any]:
        return {
            "entry_id": self.id,
            "version": self.version,
            "text": self.text,
            "speaker": self.speaker,
            "date": self.date,
            "sources": list(self.sources),
        }

    @classmethod
    def from_variable(cls, variable: Variable) -> MemoryEntry:
        """Return the entry that an `entry` or `retrieved` variable describes."""
        v = variable.value
        return cls(
            v["entry_id"], v["text"], v["speaker"], v["date"], tuple(v["sources"]), v["version"],
            variable,
        )  # fmt: skip


@lru_cache(maxsize=8192)
def _entry_variable(entry: MemoryEntry, kind: Literal["entry", "retrieved"]) -> Variable:
    # A long context returns the same entries for every question: hashed and held once.
    return Variable(kind, entry._value())


@dataclass(slots=True)
class OperationRecord:
    """What one call of `perform` did. `calls` are ledger keys, `attempts` the longest
    chain of samples that one of its requests needed before its content could be read."""

    id: str
    kind: OperationKind
    name: str
    slot: str | None
    scope: str
    status: Status
    reuse_key: str
    inputs: dict[str, list[Ref]]
    outputs: dict[str, list[Ref]]
    error: str | None = None
    calls: tuple[str, ...] = ()
    attempts: int = 1


def validate_outputs(kind: OperationKind, name: str, outputs: Outputs) -> None:
    """Check operation outputs against the schema of their kinds.

    Raises OperationError naming operation, role and field.
    """
    allowed = _OUTPUTS[kind]
    counts = dict.fromkeys(allowed, 0)
    if not isinstance(outputs, Mapping):
        raise OperationError(
            f"{kind} operation '{name}': its call returned {outputs!r:.60}; let it return a dict "
            "of lists of variables by role"
        )
    for role, variables in outputs.items():
        for variable in variables:
            if not isinstance(variable, Variable):
                raise OperationError(
                    f"{kind} operation '{name}': output '{role}' holds {variable!r:.60}, no "
                    f"Variable; expected {' or '.join(allowed)}"
                )
            if variable.kind not in counts:
                raise OperationError(
                    f"{kind} operation '{name}': output '{role}' is a {variable.kind}; "
                    f"expected {' or '.join(allowed)}"
                )
            counts[variable.kind] += 1
            value = variable.value
            for name_, types in _FIELDS[variable.kind].items():
                if name_ not in value or not isinstance(value[name_], types):
                    raise OperationError(
                        f"{kind} operation '{name}': output '{role}' ({variable.kind}) needs a "
                        f"field '{name_}' of type {types[0].__name__}, "
                        f"got {type(value.get(name_)).__name__}"
                    )
            if variable.kind == "change" and value["action"] not in ACTIONS:
                raise OperationError(
                    f"update operation '{name}': action is {value['action']!r}; "
                    f"expected one of {', '.join(ACTIONS)}"
                )
    for needed, fewest in allowed.items():
        if counts[needed] < fewest:
            raise OperationError(f"{kind} operation '{name}' put out no {needed}")
