"""W3C PROV-JSON (https://www.w3.org/submissions/prov-json/), written group by group.

Variables are entities, operations are activities, verdicts are entities attributed to the
scorer. An operation with a prompt was associated with the model, its instruction being the
plan; one that needs no model, with the backend. Written by hand: a document of the `prov`
library holds a whole run in memory at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, count
from typing import Any, BinaryIO

import orjson

from traces.graph_export import prov_records as records
from traces.graph_export.part import Origin, Part
from traces.graph_export.prov_records import Names, Record
from traces.graph_export.view import RELATIONS, View, escaped


def write_prov(stream: BinaryIO, origin: Origin, parts: Iterable[Part]) -> None:
    """Write parts as one PROV-JSON document; each conversation is a bundle.

    `parts` is read once and one part at a time. Raises OSError where the stream does.
    """
    writer = _Writer(stream, origin)
    described = list[Record]()
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
        described.append((bundle, records.bundle_entity(part)))
    writer.end()
    writer.key("entity")
    writer.group([records.run_entity(origin), *records.plans(origin), *described])
    writer.end()
    stream.write(b"\n")


def write_prov_slice(stream: BinaryIO, origin: Origin, part: Part) -> None:
    """Write one part as a PROV-JSON document without bundles, as viewers like it best."""
    writer = _Writer(stream, origin)
    writer.begin()
    writer.shared()
    writer.part(part, extra=[records.run_entity(origin), *records.plans(origin)])
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

    def group(self, members: Iterable[Record]) -> None:
        self.begin()
        for id, record in members:
            self.key(id)
            self._stream.write(orjson.dumps(record))
        self.end()

    def shared(self) -> None:
        """Write the prefixes and the agents, which every part names."""
        self.key("prefix")
        self._stream.write(orjson.dumps(records.prefixes(self._origin)))
        self.key("agent")
        self.group(records.agents(self._origin))

    def part(self, part: Part, extra: Iterable[Record] = ()) -> None:
        """Write the groups of one part; `extra` are further entities."""
        names = Names(part)
        view = View(part)
        self.key("entity")
        self.group(chain(extra, records.entities(view, names)))
        self.key("activity")
        self.group(records.activities(view, names))
        for kind in RELATIONS:
            found = (records.relation(r, names) for r in view.relations(kind))
            self.key(kind)
            self.group(self._numbered(found))
        self.key("wasAssociatedWith")
        self.group(self._numbered(records.associations(view, names, self._origin)))
        self.key("wasAttributedTo")
        self.group(self._numbered(records.attributions(view, names)))

    def _numbered(self, members: Iterable[dict[str, Any]]) -> Iterator[Record]:
        for record in members:
            yield f"_:r{next(self._blank)}", record
