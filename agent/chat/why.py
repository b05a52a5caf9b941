"""What an answer rested on: the entries it was made from, where they come from, who made them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from agent.chat.record import Turn, TurnLog
from agent.response import ASSISTANT
from traces.errors import SettingsError
from traces.graph import EntryVersion, EvolutionGraph
from traces.schema import OperationRecord, Variable


@dataclass(frozen=True, slots=True)
class Said:
    """A message or an earlier answer. `date` is ISO 8601, '' for an answer."""

    id: str
    date: str
    speaker: str
    text: str


@dataclass(frozen=True, slots=True)
class Version:
    """One version of an entry, and the operation that made it: its name, its turn, and the
    reason that it gave."""

    number: int
    text: str
    operation: str
    turn: str
    reason: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A memory entry that the answer was made from, as it then was.

    `versions` end with the one that was used; `sources` are the messages that it rests on.
    """

    id: str
    rank: int
    text: str
    versions: tuple[Version, ...]
    sources: tuple[Said, ...]


@dataclass(frozen=True, slots=True)
class Why:
    """What one answer rested on. `queries` are what memory was searched for; `recent` came
    just before in the thread and went with the question."""

    turn: str
    date: str
    question: str
    answer: str
    simulated: bool
    prompts: str
    queries: tuple[str, ...]
    entries: tuple[Entry, ...]
    recent: tuple[Said, ...]


def turn_of(log: TurnLog, user: str, name: str | None = None) -> Turn:
    """Return a turn by its id (`t000012`, or 12), the latest without one.

    Raises SettingsError when there is none.
    """
    if name is None:
        found = log.last(user)
        if found is None:
            users = log.users()
            known = (
                f"known users: {', '.join(_short(u) for u in users[:8])}"
                if users
                else "nobody has any"
            )
            raise SettingsError(f"user '{user}' has no turn in {log.database.path}; {known}")
        return found
    digits = name.removeprefix("t").removesuffix("-q")
    number = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 16 else 0
    found = log.turn(user, number)
    if found is None:
        last = turn_of(log, user)
        raise SettingsError(f"{name}: user '{user}' has no such turn; the last one is {last.id}")
    return found


def why(log: TurnLog, turn: Turn) -> Why:
    """Return what a turn's answer rested on, from the recorded operations."""
    graph = log.graph(turn.user, turn.answer_pass)
    messages = {v.value["id"]: v for v in graph.variables("message")}
    entries: list[Entry] = []
    recent: list[Said] = []
    queries: list[str] = []
    for operation in graph.of_scope(turn.question.id):
        if operation.kind == "retrieval":
            for query in graph.outputs(operation.id, "query"):
                queries += query.value["queries"]
        elif operation.kind == "response":
            used = graph.inputs(operation.id, "retrieved")
            entries += [_entry(graph, v, i, messages) for i, v in enumerate(used, start=1)]
            before = (v for v in graph.inputs(operation.id) if v.kind in ("message", "answer"))
            recent += map(_said, before)
    return Why(
        turn.id, turn.date.isoformat(), turn.question.text, turn.prediction, turn.simulated,
        turn.prompt_set, tuple(queries), tuple(entries), tuple(recent),
    )  # fmt: skip


def _entry(
    graph: EvolutionGraph, used: Variable, rank: int, messages: Mapping[str, Variable]
) -> Entry:
    value = used.value
    chain = graph.versions(value["entry_id"])
    return Entry(
        value["entry_id"],
        rank,
        value["text"],
        tuple(
            _version(graph, version)
            for version in chain
            if version.variable.value["version"] <= value["version"]
        ),
        tuple(_said(messages[id]) for id in value["sources"] if id in messages),
    )


def _version(graph: EvolutionGraph, version: EntryVersion) -> Version:
    maker: OperationRecord = graph.operations[version.made_by]
    reasons = [c.value["reason"] for c in graph.outputs(maker.id, "change") if c.value["reason"]]
    value = version.variable.value
    return Version(value["version"], value["text"], maker.name, maker.scope, "; ".join(reasons))


def _said(variable: Variable) -> Said:
    value = variable.value
    return Said(
        value.get("id", ""), value.get("date", ""), value.get("speaker", ASSISTANT), value["text"]
    )


def _short(user: str) -> str:
    return user if len(user) <= 40 else f"{user[:37]}..."
