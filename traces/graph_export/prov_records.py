"""PROV-JSON's records: what each node and relation of an export is written as."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from traces.graph_export.part import Agent, Origin, Part
from traces.graph_export.view import Attributes, Relation, Value, View, escaped, local_name
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

Record = tuple[str, dict[str, Any]]


class Names:
    """Qualified names of a part's nodes. What the data gave is the same in every run on it."""

    def __init__(self, part: Part) -> None:
        self._graph = part.graph
        self._conversation = part.conversation

    def __call__(self, id: str) -> str:
        given = id.startswith(("message/", "question/")) and self._graph.maker(id) is None
        return f"{'data' if given else 'pass'}:{local_name(self._conversation, id)}"


def prefixes(origin: Origin) -> dict[str, str]:
    """Return the namespaces by prefix."""
    run = f"urn:memtune:run:{escaped(origin.run)}:{origin.identity}:"
    return {
        "memtune": VOCABULARY,
        "data": f"urn:memtune:data:{origin.data_hash}:",
        "prompts": "urn:memtune:prompts:",
        "run": run,
        "pass": f"{run}{origin.prompts.hash}:",
    }


def run_entity(origin: Origin) -> Record:
    """Return the run: its name, its prompts, and whether it is simulated."""
    return "run:run", {
        "prov:type": _name("memtune:run"),
        "prov:label": _clean(origin.label or f"memtune run {origin.run}"),
        "memtune:name": _clean(origin.run),
        "memtune:simulated": origin.label is not None,
        "memtune:prompts": _name(f"prompts:{origin.prompts.hash}"),
    }


def plans(origin: Origin) -> Iterator[Record]:
    """Yield the prompt set and each of its instructions."""
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


def agents(origin: Origin) -> Iterator[Record]:
    """Yield model, backend and scorer."""
    for id, agent in ((_MODEL, origin.model), (_BACKEND, origin.backend), (_SCORER, origin.scorer)):
        yield id, _agent(id.removeprefix("run:"), agent)


def _agent(role: str, agent: Agent) -> dict[str, Any]:
    return {
        "prov:type": [_name("prov:SoftwareAgent"), _name(f"memtune:{role}")],
        "prov:label": _label(f"{role} {agent.name}"),
        "memtune:name": _clean(agent.name),
        "memtune:simulated": agent.simulated,
    }


def bundle_entity(part: Part) -> dict[str, Any]:
    """Return the description of a conversation's bundle."""
    return {
        "prov:type": _name("prov:Bundle"),
        "prov:label": _label(f"conversation {part.conversation}"),
        "memtune:conversation": _clean(part.conversation),
    }


def entities(view: View, names: Names) -> Iterator[Record]:
    """Yield a part's variables and verdicts."""
    for variable in view.variables():
        yield names(variable.id), _node(view.of_variable(variable))
    for verdict in view.verdicts():
        found = view.of_verdict(verdict)
        said = {True: "right", False: "wrong"}.get(verdict.record.correct, "none")  # type: ignore[arg-type]
        record = _node(found)
        record["prov:label"] = _label(f"verdict: {said}")
        record["memtune:question"] = _name(names(f"question/{verdict.record.question}"))
        yield names(verdict.id), record


def activities(view: View, names: Names) -> Iterator[Record]:
    """Yield a part's operations."""
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


def relation(relation: Relation, names: Names) -> dict[str, Any]:
    """Return a relation with both its ends."""
    first, second = _ENDS[relation.kind]
    record: dict[str, Any] = {first: names(relation.later), second: names(relation.earlier)}
    if relation.role:
        record["prov:role"] = _clean(relation.role)
    if relation.operation is not None:
        record["prov:activity"] = names(relation.operation)
    if relation.revision:
        record["prov:type"] = _name("prov:Revision")
    return record


def attributions(view: View, names: Names) -> Iterator[dict[str, Any]]:
    """Yield who gave each verdict."""
    for verdict in view.verdicts():
        yield {"prov:entity": names(verdict.id), "prov:agent": _SCORER}


def associations(view: View, names: Names, origin: Origin) -> Iterator[dict[str, Any]]:
    """Yield who carried out each operation, and by which instruction."""
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
