"""W3C PROV-JSON (https://www.w3.org/submissions/prov-json/), written group by group.

Variables are entities, operations are activities, verdicts are entities attributed to the
scorer. An operation with a prompt was associated with the model, its instruction being the
plan; one that needs no model, with the backend. Written by hand: a document of the `prov`
library holds a whole run in memory at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain, count
from typing import Any, BinaryIO

import orjson

from traces.graph_export.part import Agent, Origin, Part
from traces.graph_export.view import (
    RELATIONS,
    Attributes,
    Relation,
    Value,
    View,
    escaped,
    local_name,
)
from traces.schema import OperationRecord

VOCABULARY = "urn:memtune:vocabulary:"
LONGEST_LABEL = 60

_SURROGATE = re.compile("[\ud800-\udfff]")
# What names the two ends of a relation: the later, then the earlier.
_ENDS = {
    "used": ("prov:activity", "prov:entity"),
    "wasGeneratedBy": ("prov:entity", "prov:activity"),
    "wasDerivedFrom": ("prov:generatedEntity", "prov:usedEntity"),
    "wasInvalidatedBy": ("prov:activity", "prov:entity"),
}
_MODEL, _BACKEND, _SCORER = "run:model", "run:backend", "run:scorer"

_Record = tuple[str, dict[str, Any]]


def write_prov(stream: BinaryIO, origin: Origin, parts: Iterable[Part]) -> None:
    """Write parts as one PROV-JSON document; each conversation is a bundle.

    `parts` is read once and one part at a time. Raises OSError where the stream does.
    """
    writer = _Writer(stream, origin)
    described = list[_Record]()
    writer.begin()
    writer.shared()
    writer.key("bundle")
    writer.begin()
    for part in parts:
        bundle = f"pass:{escaped(part.conversation)}"
        writer.key(bundle)
        writer.begin()
        writer.part(part)
        writer.end()
        described.append((bundle, _bundle(part)))
    writer.end()
    writer.key("entity")
    writer.group([_run(origin), *_plans(origin), *described])
    writer.end()
    stream.write(b"\n")


def write_prov_slice(stream: BinaryIO, origin: Origin, part: Part) -> None:
    """Write one part as a PROV-JSON document without bundles, as viewers like it best."""
    writer = _Writer(stream, origin)
    writer.begin()
    writer.shared()
    writer.part(part, extra=[_run(origin), *_plans(origin)])
    writer.end()
    stream.write(b"\n")


class _Writer:
    """Writes JSON objects whose members come one by one."""

    def __init__(self, stream: BinaryIO, origin: Origin) -> None:
        self._stream = stream
        self._origin = origin
        self._fresh = [True]
        # One count for the document: blank names must not meet when bundles are merged.
        self._blank = count(1)

    def begin(self) -> None:
        self._stream.write(b"{")
        self._fresh.append(True)

    def end(self) -> None:
        self._fresh.pop()
        self._stream.write(b"}")

    def key(self, name: str) -> None:
        self._stream.write(b"\n" if self._fresh[-1] else b",\n")
        self._fresh[-1] = False
        self._stream.write(orjson.dumps(name) + b":")

    def group(self, records: Iterable[_Record]) -> None:
        self.begin()
        for id, record in records:
            self.key(id)
            self._stream.write(orjson.dumps(record))
        self.end()

    def shared(self) -> None:
        """Write the prefixes and the agents, which every part names."""
        self.key("prefix")
        self._stream.write(orjson.dumps(_prefixes(self._origin)))
        self.key("agent")
        self.group(_agents(self._origin))

    def part(self, part: Part, extra: Iterable[_Record] = ()) -> None:
        """Write the groups of one part; `extra` are further entities."""
        names = _Names(part)
        view = View(part)
        self.key("entity")
        self.group(chain(extra, _entities(view, names)))
        self.key("activity")
        self.group(_activities(view, names))
        for kind in RELATIONS:
            found = (_relation(relation, names) for relation in view.relations(kind))
            self.key(kind)
            self.group(self._numbered(found))
        self.key("wasAssociatedWith")
        self.group(self._numbered(_associations(view, names, self._origin)))
        self.key("wasAttributedTo")
        self.group(self._numbered(_attributed(view, names)))

    def _numbered(self, records: Iterable[dict[str, Any]]) -> Iterator[_Record]:
        for record in records:
            yield f"_:r{next(self._blank)}", record


class _Names:
    """Qualified names of a part's nodes. What the data gave is the same in every run on it."""

    def __init__(self, part: Part) -> None:
        self._graph = part.graph
        self._conversation = part.conversation

    def __call__(self, id: str) -> str:
        given = id.startswith(("message/", "question/")) and self._graph.maker(id) is None
        return f"{'data' if given else 'pass'}:{local_name(self._conversation, id)}"


# what is written -----------------------------------------------------------------


def _prefixes(origin: Origin) -> dict[str, str]:
    run = f"urn:memtune:run:{escaped(origin.run)}:{origin.identity}:"
    return {
        "memtune": VOCABULARY,
        "data": f"urn:memtune:data:{origin.data_hash}:",
        "prompts": "urn:memtune:prompts:",
        "run": run,
        "pass": f"{run}{origin.prompts.hash}:",
    }


def _run(origin: Origin) -> _Record:
    return "run:run", {
        "prov:type": _name("memtune:run"),
        "prov:label": _clean(origin.label or f"memtune run {origin.run}"),
        "memtune:name": _clean(origin.run),
        "memtune:simulated": origin.label is not None,
        "memtune:prompts": _name(f"prompts:{origin.prompts.hash}"),
    }


def _plans(origin: Origin) -> Iterator[_Record]:
    prompts = origin.prompts
    whole: dict[str, Any] = {"prov:type": _name("memtune:prompt_set"), "prov:label": "prompt set"}
    if prompts.parent is not None:
        whole["memtune:parent"] = _name(f"prompts:{prompts.parent}")
    yield f"prompts:{prompts.hash}", whole
    for slot, instruction in prompts.instructions.items():
        yield (
            f"prompts:{prompts.hash}/{escaped(slot)}",
            {
                "prov:type": [_name("prov:Plan"), _name("memtune:instruction")],
                "prov:label": _label(f"prompt {slot}"),
                "prov:value": _clean(instruction),
                "memtune:slot": _clean(slot),
            },
        )


def _agents(origin: Origin) -> Iterator[_Record]:
    for id, agent in ((_MODEL, origin.model), (_BACKEND, origin.backend), (_SCORER, origin.scorer)):
        yield id, _agent(id.removeprefix("run:"), agent)


def _agent(role: str, agent: Agent) -> dict[str, Any]:
    return {
        "prov:type": [_name("prov:SoftwareAgent"), _name(f"memtune:{role}")],
        "prov:label": _label(f"{role} {agent.name}"),
        "memtune:name": _clean(agent.name),
        "memtune:simulated": agent.simulated,
    }


def _bundle(part: Part) -> dict[str, Any]:
    return {
        "prov:type": _name("prov:Bundle"),
        "prov:label": _label(f"conversation {part.conversation}"),
        "memtune:conversation": _clean(part.conversation),
    }


def _entities(view: View, names: _Names) -> Iterator[_Record]:
    for variable in view.variables():
        yield names(variable.id), _node(view.of_variable(variable))
    for verdict in view.verdicts():
        found = view.of_verdict(verdict)
        said = {True: "right", False: "wrong"}.get(verdict.record.correct, "none")  # type: ignore[arg-type]
        record = _node(found)
        record["prov:label"] = _label(f"verdict: {said}")
        record["memtune:question"] = _name(names(f"question/{verdict.record.question}"))
        yield names(verdict.id), record


def _activities(view: View, names: _Names) -> Iterator[_Record]:
    for operation in view.operations():
        found = view.of_operation(operation)
        blamed = found.pop("decisive_for", [])
        record = _node(found)
        record["prov:label"] = _label(f"{operation.name} ({operation.kind}, {operation.status})")
        if isinstance(blamed, list) and blamed:
            record["memtune:decisive_for"] = [_name(names(f"question/{q}")) for q in blamed]
        yield names(operation.id), record


def _node(attributes: Attributes) -> dict[str, Any]:
    kind, text = str(attributes["kind"]), attributes.get("text")
    record: dict[str, Any] = {"prov:type": _name(f"memtune:{kind}")}
    if text is not None:
        record["prov:label"] = _label(f"{kind}: {text}")
        record["prov:value"] = _clean(str(text))
    for name, value in attributes.items():
        if name not in ("kind", "text"):
            record[f"memtune:{name}"] = _value(value)
    return record


def _relation(relation: Relation, names: _Names) -> dict[str, Any]:
    first, second = _ENDS[relation.kind]
    record: dict[str, Any] = {first: names(relation.later), second: names(relation.earlier)}
    if relation.role:
        record["prov:role"] = _clean(relation.role)
    if relation.operation is not None:
        record["prov:activity"] = names(relation.operation)
    if relation.revision:
        record["prov:type"] = _name("prov:Revision")
    return record


def _attributed(view: View, names: _Names) -> Iterator[dict[str, Any]]:
    for verdict in view.verdicts():
        yield {"prov:entity": names(verdict.id), "prov:agent": _SCORER}


def _associations(view: View, names: _Names, origin: Origin) -> Iterator[dict[str, Any]]:
    for operation in view.operations():
        record = {"prov:activity": names(operation.id), "prov:agent": _agent_of(operation)}
        if operation.slot is not None and operation.slot in origin.prompts.instructions:
            record["prov:plan"] = f"prompts:{origin.prompts.hash}/{escaped(operation.slot)}"
        yield record


def _agent_of(operation: OperationRecord) -> str:
    """An operation without a prompt, or that was executed without a call, needed no model."""
    no_call = operation.status == "executed" and not operation.calls
    return _BACKEND if operation.slot is None or no_call else _MODEL


# values --------------------------------------------------------------------------


def _name(qualified: str) -> dict[str, str]:
    return {"$": qualified, "type": "xsd:QName"}


def _value(value: Value) -> Any:
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return {"$": str(value), "type": "xsd:long"}
    if isinstance(value, float):
        return {"$": repr(value), "type": "xsd:double"}
    if isinstance(value, list):
        return [_clean(text) for text in value]
    return _clean(value)


def _label(text: str) -> str:
    line = " ".join(_clean(text).split())
    return line if len(line) <= LONGEST_LABEL else line[: LONGEST_LABEL - 1] + "…"


def _clean(text: str) -> str:
    """Lone surrogates, which no UTF-8 file can hold, become U+FFFD."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)
