"""GraphML (http://graphml.graphdrawing.org), written node by node.

Edges run from what was there before to what came of it, whatever PROV's direction, so that
the graph is acyclic; `relation` holds PROV's name of the edge.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain, count
from typing import BinaryIO
from xml.sax.saxutils import escape, quoteattr

from traces.graph_export.part import Origin, Part
from traces.graph_export.view import RELATIONS, Attributes, Relation, Value, View, local_name
from traces.hashing import canonical_json

# Name and type of all attributes that are ever written, by what they are for.
KEYS: dict[str, dict[str, str]] = {
    "graph": {
        "run": "string", "prompts": "string", "model": "string", "backend": "string",
        "scorer": "string", "simulated": "boolean", "label": "string",
    },
    "node": {
        "node": "string", "kind": "string", "conversation": "string", "name": "string",
        "slot": "string", "scope": "string", "status": "string", "error": "string",
        "calls": "int", "attempts": "int", "text": "string", "speaker": "string",
        "date": "string", "sources": "string", "entry_id": "string", "version": "long",
        "action": "string", "target": "string", "reason": "string", "size": "long", "rank": "int",
        "details": "string", "hash": "string", "evidence": "boolean", "decisive": "boolean",
        "decisive_for": "string", "error_type": "string", "attribution": "string",
        "question": "string", "category": "string", "correct": "boolean", "progress": "double",
        "scores": "string",
    },
    "edge": {"relation": "string", "role": "string", "revision": "boolean"},
}  # fmt: skip
_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns" \
xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" \
xsi:schemaLocation="http://graphml.graphdrawing.org/xmlns \
http://graphml.graphdrawing.org/xmlns/1.0/graphml.xsd">
"""
# XML 1.0 has no way to write these, not even escaped.
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_graphml(stream: BinaryIO, origin: Origin, parts: Iterable[Part]) -> None:
    """Write parts as one directed graph; node ids begin with the conversation.

    `parts` is read once and one part at a time. Raises OSError where the stream does.
    """

    def put(text: str) -> None:
        stream.write(text.encode("utf-8"))

    put(_HEAD)
    for scope, names in KEYS.items():
        for name, kind in names.items():
            put(
                f'<key id="{_key(scope, name)}" for="{scope}" attr.name="{name}" '
                f'attr.type="{kind}"/>\n'
            )
    put('<graph id="memtune" edgedefault="directed">\n')
    put(_data("graph", _of_origin(origin)) + "\n")
    numbers = count(1)
    for part in parts:
        view = View(part)
        for id, attributes in _nodes(view):
            put(f"<node id={_id(part, id)}>{_data('node', attributes)}</node>\n")
        for relation in chain.from_iterable(map(view.relations, RELATIONS)):
            put(
                f'<edge id="e{next(numbers)}" source={_id(part, relation.earlier)} '
                f"target={_id(part, relation.later)}>{_data('edge', _of_edge(relation))}</edge>\n"
            )
    put("</graph>\n</graphml>\n")


def _of_origin(origin: Origin) -> Attributes:
    found: Attributes = {
        "run": origin.run,
        "prompts": origin.prompts.hash,
        "model": origin.model.name,
        "backend": origin.backend.name,
        "scorer": origin.scorer.name,
        "simulated": origin.label is not None,
    }
    return found if origin.label is None else {**found, "label": origin.label}


def _nodes(view: View) -> Iterator[tuple[str, Attributes]]:
    where: Attributes = {"conversation": view.part.conversation}
    for operation in view.operations():
        yield operation.id, {"node": "operation", **where, **view.of_operation(operation)}
    for variable in view.variables():
        yield variable.id, {"node": "variable", **where, **view.of_variable(variable)}
    for verdict in view.verdicts():
        yield verdict.id, {"node": "variable", **where, **view.of_verdict(verdict)}


def _of_edge(relation: Relation) -> Attributes:
    found: Attributes = {"relation": relation.kind}
    if relation.role:
        found["role"] = relation.role
    if relation.revision:
        found["revision"] = True
    return found


def _key(scope: str, name: str) -> str:
    return f"{scope[0]}_{name}"


def _id(part: Part, id: str) -> str:
    return quoteattr(local_name(part.conversation, id))


def _data(scope: str, attributes: Attributes) -> str:
    return "".join(
        f'<data key="{_key(scope, name)}">{_text(value)}</data>'
        for name, value in attributes.items()
    )


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, list):
        return _text(canonical_json(value))
    # A carriage return as it is would be read as a line feed.
    return escape(_ILLEGAL.sub("\ufffd", str(value)), {"\r": "&#13;"})
