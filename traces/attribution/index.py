"""What attribution looks up in an evolution graph again and again, gathered once a graph."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from traces.attribution.words import key_stems, names_in
from traces.graph import EntryVersion, EvolutionGraph
from traces.schema import OperationRecord, Variable, holds_on, internal
from traces.text import BM25, tokens

_ASKED = ("retrieval", "response")


@dataclass(slots=True)
class Asked:
    """The operations of one question, and where in the episode they stand.

    An operation of ingestion is visible to the question when its position is below
    `position`: questions are answered before the next session is ingested. `day` is the ISO
    date on which it was asked, empty where no operation was given the question.
    """

    retrievals: list[OperationRecord]
    responses: list[OperationRecord]
    position: int
    day: str = ""
    context: list[Variable] = field(default_factory=list)


class GraphIndex:
    """Facts and entry versions by source message, operations by what they used.

    `people` maps the lower-case words of the speakers' names to the full name; `name_stems`
    are these words and their stems.
    """

    def __init__(self, graph: EvolutionGraph) -> None:
        self._operations = graph.operations
        self._keep = _Variables(graph)
        self.messages: dict[str, Variable] = {}
        self.position = {id: i for i, id in enumerate(graph.operations)}
        self.users: dict[str, list[OperationRecord]] = defaultdict(list)
        self.facts: dict[str, list[Variable]] = defaultdict(list)
        self.versions: dict[str, list[EntryVersion]] = defaultdict(list)
        self.version_of: dict[str, EntryVersion] = {}
        self.chain_of: dict[str, list[EntryVersion]] = {}
        self.people: dict[str, str] = {}
        self._made_by: dict[str, str] = {}
        self._asked: dict[str, Asked] = {}
        self.searches: dict[tuple[str, ...], BM25] = {}
        self._largest: dict[str, int] = {}
        for operation in graph.operations.values():
            for refs in operation.inputs.values():
                for id, _ in refs:
                    self.users[id].append(operation)
            if operation.status != "failed":
                for refs in operation.outputs.values():
                    self._made_by.update((id, operation.id) for id, _ in refs)
        for message in graph.variables("message"):
            if message.id not in self._made_by:
                self.messages[message.value["id"]] = message
        for fact in graph.variables("fact"):
            for source in dict.fromkeys(fact.value["sources"]):
                self.facts[source].append(fact)
        for chain in graph.entries():
            for version in chain:
                self.version_of[version.variable.id] = version
                self.chain_of[version.variable.value["entry_id"]] = chain
                for source in dict.fromkeys(version.variable.value["sources"]):
                    self.versions[source].append(version)
        self._count_words()
        self.stores = any(o.kind == "update" for o in graph.operations.values())
        # Updates that put out a memory in its place: what they stored cannot be seen.
        made = {v.id for v in graph.variables("memory")}
        self.opaque = {
            o.id for o in graph.operations.values() if o.kind == "update"
            for refs in o.outputs.values() for id, _ in refs if id in made
        }  # fmt: skip

    def _count_words(self) -> None:
        self.order = {id: i for i, id in enumerate(self.messages)}
        self.search = BM25()
        self._document_counts: Counter[str] = Counter()
        for id, message in self.messages.items():
            text = f"{message.value['speaker']} {message.value['text']}"
            found = key_stems(text)
            self.search.add(id, found)
            self._document_counts.update(set(found))
            for word in tokens(message.value["speaker"]):
                if len(word) > 2:
                    self.people.setdefault(word, message.value["speaker"])
        stems = (stem for word in self.people for stem in key_stems(word))
        self.name_stems = frozenset((*self.people, *stems))

    def weight(self, stem: str) -> float:
        """Return the inverse document frequency of a stem among the messages, above 0."""
        return self.weight_of(self._document_counts[stem])

    def weight_of(self, messages: int) -> float:
        """Return the weight of a stem that so many messages hold."""
        return math.log1p((len(self.messages) + 1) / (messages + 0.5))

    def named(self, text: str) -> set[str]:
        """Return the speakers (full names) that a text names."""
        return names_in(text, self.people)

    def operation(self, id: str) -> OperationRecord:
        """Return an operation by id."""
        return self._operations[id]

    def of_kind(self, kind: str) -> list[OperationRecord]:
        """Return the operations of one kind, in their order."""
        return [o for o in self._operations.values() if o.kind == kind]

    def of_scope(self, scope: str) -> list[OperationRecord]:
        """Return the operations of one session or question."""
        return [o for o in self._operations.values() if o.scope == scope]

    def maker(self, variable_id: str) -> OperationRecord | None:
        """Return the operation that generated a variable, or None."""
        made_by = self._made_by.get(variable_id)
        return None if made_by is None else self._operations[made_by]

    def outputs(self, operation: OperationRecord, kind: str) -> list[Variable]:
        """Return what an operation put out, of one kind; nothing for a failed one."""
        return self._keep.of(operation.outputs.values(), kind)

    def inputs(self, operation: OperationRecord, kind: str) -> list[Variable]:
        """Return what an operation used, of one kind; of failed ones what is known."""
        return self._keep.of(operation.inputs.values(), kind)

    def asked(self, question_id: str) -> Asked:
        """Return the operations of a question; the position is infinite where it has none."""
        found = self._asked.get(question_id)
        if found is None:
            mine = [
                o for o in self._operations.values() if o.scope == question_id and o.kind in _ASKED
            ]
            position = min((self.position[o.id] for o in mine), default=len(self.position) + 1)
            found = Asked(
                [o for o in mine if o.kind == "retrieval"],
                [o for o in mine if o.kind == "response"],
                position,
            )
            questions = (v for o in mine for v in self.inputs(o, "question"))
            found.day = next((v.value["date"][:10] for v in questions), "")
            found.context = self._context(found)
            self._asked[question_id] = found
        return found

    def _context(self, asked: Asked) -> list[Variable]:
        """Return what the answer was made from: the response's inputs, else what was retrieved."""
        for response in reversed(asked.responses):
            used = [
                variable
                for kind in ("retrieved", "entry", "message")
                for variable in self.inputs(response, kind)
            ]
            if used or not asked.retrievals:
                return used
        for retrieval in reversed(asked.retrievals):
            return self.outputs(retrieval, "retrieved")
        return []

    def brought_in(self, asked: Asked, shown: Variable) -> OperationRecord | None:
        """Return the retrieval with a prompt that brought an entry in: the first that put it
        out, since later ones were handed it; else the last one. None where none has a prompt."""
        choosing = [o for o in asked.retrievals if o.slot]
        entry_id = shown.value.get("entry_id")
        for operation in choosing:
            if any(v.value["entry_id"] == entry_id for v in self.outputs(operation, "retrieved")):
                return operation
        return choosing[-1] if choosing else None

    def largest_result(self, name: str) -> int:
        """Return the greatest number of entries that a retrieval of this name returned."""
        if name not in self._largest:
            self._largest[name] = max(
                (len(self.outputs(o, "retrieved")) for o in self._operations.values()
                 if o.kind == "retrieval" and o.name == name),
                default=0,
            )  # fmt: skip
        return self._largest[name]

    def searching(self, asked: Asked) -> list[OperationRecord]:
        """Return the retrievals that searched by themselves: not those that chose among what
        others had found, nor such as had nothing to choose from and no memory to search."""
        alone = [o for o in asked.retrievals if not self.inputs(o, "retrieved")]
        able = [o for o in alone if self.inputs(o, "memory") or all(o.inputs.values())]
        return able or alone

    def visible(self, operation_id: str, asked: Asked) -> bool:
        """Say whether an operation had happened when the question was asked."""
        return self.position[operation_id] < asked.position

    def alive(self, chain: Sequence[EntryVersion], asked: Asked) -> EntryVersion | None:
        """Return the version of an entry that stood when the question was asked, or None."""
        seen = [v for v in chain if self.visible(v.made_by, asked)]
        if not seen:
            return None
        last = seen[-1]
        ended = last.ended_by is not None and self.visible(last.ended_by, asked)
        return None if ended else last

    def standing(self, asked: Asked) -> list[EntryVersion]:
        """Return all entry versions that stood when the question was asked and could be
        returned."""
        found = (self.alive(chain, asked) for chain in self.chain_of.values())
        return [v for v in found if v is not None and self.returnable(v, asked)]

    def returnable(self, version: EntryVersion, asked: Asked) -> bool:
        """Say whether a retrieval of a question may return an entry version, if it stands."""
        entry = version.variable
        return not internal(entry) and (not asked.day or holds_on(entry, asked.day))


class _Variables:
    """Looks variables up without holding the graph, which keys the cache weakly."""

    def __init__(self, graph: EvolutionGraph) -> None:
        kinds = (
            "message", "fact", "change", "entry", "memory", "question", "query", "retrieved",
            "answer",
        )  # fmt: skip
        self._by_id = {v.id: v for kind in kinds for v in graph.variables(kind)}

    def of(self, roles: Iterable[Sequence[tuple[str, str]]], kind: str) -> list[Variable]:
        found = (self._by_id.get(id) for refs in roles for id, _ in refs)
        return [v for v in found if v is not None and v.kind == kind]


_INDEXES: WeakKeyDictionary[EvolutionGraph, GraphIndex] = WeakKeyDictionary()


def index_of(graph: EvolutionGraph) -> GraphIndex:
    """Return the graph's index, made on first use and kept as long as the graph lives."""
    found = _INDEXES.get(graph)
    if found is None:
        found = _INDEXES[graph] = GraphIndex(graph)
    return found
