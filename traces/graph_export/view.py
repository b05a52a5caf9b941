"""A part of a graph as nodes and relations: what both formats write."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, get_args

from traces.graph_export.part import Part
from traces.hashing import canonical_json
from traces.results import AnswerRecord, Attribution
from traces.schema import OperationRecord, Variable, VariableKind

RelationKind = Literal["used", "wasGeneratedBy", "wasDerivedFrom", "wasInvalidatedBy"]
RELATIONS: tuple[RelationKind, ...] = get_args(RelationKind)
Value = str | int | float | bool | list[str]
Attributes = dict[str, Value]

# Fields of a variable's value that have an attribute of their own, or are in its text.
_SHOWN = {"id", "text", "queries"}


@dataclass(frozen=True, slots=True)
class Relation:
    """An edge from what was there before to what came of it: `earlier` and `later` are ids.

    used: variable, operation. wasGeneratedBy: operation, variable. wasDerivedFrom: variable,
    variable, in `operation` where one is known. wasInvalidatedBy: variable, operation.
    """

    kind: RelationKind
    earlier: str
    later: str
    role: str = ""
    operation: str | None = None
    revision: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was said of an answer; `answer` is a variable's id, None where there is none."""

    id: str
    answer: str | None
    record: AnswerRecord


class View:
    """Reads one part. Everything comes in the graph's order, which is the run's."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self._graph = part.graph
        self._blamed: dict[str, list[Attribution]] = {}
        for found in part.attributions.values():
            if self._asked(found.question):
                for operation in found.operations:
                    self._blamed.setdefault(operation, []).append(found)
        self._evidence = {
            id for a in part.attributions.values() if self._asked(a.question) for id in a.evidence
        }
        self._dates = self._scope_dates()

    def _asked(self, question: str) -> bool:
        return self.part.questions is None or question in self.part.questions

    def _holds(self, id: str) -> bool:
        return self.part.only is None or id in self.part.only

    def _scope_dates(self) -> dict[str, str]:
        """Return the date by scope: of a session's messages, or when a question was asked."""
        dates: dict[str, str] = {}
        for operation in self._graph.operations.values():
            for kind in ("message", "question"):
                for variable in self._graph.inputs(operation.id, kind):
                    date = str(variable.value.get("date", ""))
                    dates[operation.scope] = max(date, dates.get(operation.scope, ""))
        return dates

    # nodes -----------------------------------------------------------------------

    def operations(self) -> Iterator[OperationRecord]:
        """Yield the operations, failed ones too."""
        return (o for o in self._graph.operations.values() if self._holds(o.id))

    def variables(self) -> Iterator[Variable]:
        """Yield the variables, kind by kind."""
        for kind in get_args(VariableKind):
            yield from (v for v in self._graph.variables(kind) if self._holds(v.id))

    def verdicts(self) -> Iterator[Verdict]:
        """Yield the verdicts on answers."""
        answered: dict[str, str] = {}
        for operation in self.operations():
            if operation.kind == "response":
                for refs in operation.outputs.values():
                    answered.update((operation.scope, id) for id, _ in refs)
        for question, record in self.part.answers.items():
            if self._asked(question):
                yield Verdict(f"verdict/{question}", answered.get(question), record)

    # relations -------------------------------------------------------------------

    def relations(self, kind: RelationKind) -> Iterator[Relation]:
        """Yield the relations of one kind between nodes of the part, each once."""
        made = {
            "used": self._used,
            "wasGeneratedBy": self._generated,
            "wasDerivedFrom": self._derived,
            "wasInvalidatedBy": self._invalidated,
        }[kind]()
        yield from (r for r in made if self._holds(r.earlier) and self._holds(r.later))
        if kind == "wasDerivedFrom":
            for verdict in self.verdicts():
                if verdict.answer is not None:
                    yield Relation(kind, verdict.answer, verdict.id)

    def _used(self) -> Iterator[Relation]:
        for operation in self.operations():
            for role, refs in operation.inputs.items():
                for id in dict(refs):
                    yield Relation("used", id, operation.id, role)

    def _generated(self) -> Iterator[Relation]:
        for operation in self.operations():
            for role, refs in operation.outputs.items():
                for id in dict(refs):
                    yield Relation("wasGeneratedBy", operation.id, id, role)

    def _derived(self) -> Iterator[Relation]:
        for operation in self.operations():
            if operation.status == "failed":
                continue
            # Only where the data gave them: a backend may hand messages on as its own.
            given = {m.value["id"]: m.id for m in self._graph.inputs(operation.id, "message")}
            for fact in self._graph.outputs(operation.id, "fact"):
                for source in dict.fromkeys(fact.value["sources"]):
                    if source in given:
                        yield Relation(
                            "wasDerivedFrom", given[source], fact.id, operation=operation.id
                        )
            for found in self._graph.outputs(operation.id, "retrieved"):
                version = self._graph.version(found.value["entry_id"], found.value["version"])
                if version is not None:
                    yield Relation(
                        "wasDerivedFrom", version.variable.id, found.id, operation=operation.id
                    )
        for chain in self._graph.entries():
            for before, after in pairwise(chain):
                yield Relation(
                    "wasDerivedFrom", before.variable.id, after.variable.id,
                    operation=after.made_by, revision=True,
                )  # fmt: skip

    def _invalidated(self) -> Iterator[Relation]:
        for chain in self._graph.entries():
            for version in chain:
                if version.ended_by is not None:
                    yield Relation("wasInvalidatedBy", version.variable.id, version.ended_by)

    # attributes ------------------------------------------------------------------

    def of_operation(self, operation: OperationRecord) -> Attributes:
        """Return an operation's attributes; `decisive` and what goes with it where it is."""
        found: Attributes = {
            "kind": operation.kind,
            "name": operation.name,
            "status": operation.status,
            "scope": operation.scope,
            "calls": len(operation.calls),
            "attempts": operation.attempts,
        }
        if operation.slot is not None:
            found["slot"] = operation.slot
        if self._dates.get(operation.scope):
            found["date"] = self._dates[operation.scope]
        if operation.error is not None:
            found["error"] = operation.error
        blamed = self._blamed.get(operation.id)
        if blamed:
            found["decisive"] = True
            found["decisive_for"] = [a.question for a in blamed]
            types = (f"{a.error_type}" + (f"/{a.sub_type}" if a.sub_type else "") for a in blamed)
            found["error_type"] = list(dict.fromkeys(types))
            found["attribution"] = list(dict.fromkeys(a.verdict for a in blamed))
        return found

    def of_variable(self, variable: Variable) -> Attributes:
        """Return a variable's attributes: kind, text, and the fields that its kind has."""
        found: Attributes = {"kind": variable.kind, "text": _text(variable), "hash": variable.hash}
        others = {}
        for name, value in variable.value.items():
            if name == "sources":
                found[name] = [str(source) for source in value]
            elif name in _SHOWN or value is None or (name, variable.kind) == ("hash", "memory"):
                continue
            elif isinstance(value, str | int) and type(value) is _KNOWN.get(name):
                found[name] = value
            else:
                others[name] = value
        if others:
            found["details"] = canonical_json(others)
        place = variable.id.rpartition("/")[2]
        if variable.kind == "retrieved" and place.isdecimal():
            found["rank"] = int(place) + 1
        if variable.kind == "message" and variable.value["id"] in self._evidence:
            found["evidence"] = True
        return found

    def of_verdict(self, verdict: Verdict) -> Attributes:
        """Return a verdict's attributes; `correct` is left out where nothing was judged."""
        record = verdict.record
        found: Attributes = {"kind": "verdict", "text": record.reason, "question": record.question}
        if record.category:
            found["category"] = record.category
        if record.correct is not None:
            found["correct"] = record.correct
        if record.progress is not None:
            found["progress"] = float(record.progress)
        if record.scores:
            found["scores"] = canonical_json(dict(record.scores))
        return found


# What other fields a variable has is its backend's affair: they go into `details`.
_KNOWN: dict[str, type] = {
    "speaker": str, "date": str, "entry_id": str, "version": int, "action": str, "target": str,
    "reason": str, "size": int,
}  # fmt: skip


def _text(variable: Variable) -> str:
    value = variable.value
    if variable.kind == "query":
        return "; ".join(str(query) for query in value["queries"])
    if variable.kind == "change":
        reason = f": {value['reason']}" if value["reason"] else ""
        return f"{value['action']}{reason}"
    if variable.kind == "memory":
        return f"{value['size']} entries"
    return str(value.get("text", ""))


def local_name(conversation: str, id: str) -> str:
    """Return an id that is unique in an export, of characters that any format allows."""
    return f"{escaped(conversation)}/{'/'.join(escaped(piece) for piece in id.split('/'))}"


def escaped(text: str) -> str:
    """Return a text percent-encoded, but for letters, digits, '-', '_', '.' and '~'."""
    from urllib.parse import quote

    return quote(text, safe="", errors="surrogatepass")
