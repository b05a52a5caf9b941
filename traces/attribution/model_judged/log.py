"""What had happened when a question was answered: its operations, and how near they stand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cached_property

from traces.attribution.index import Asked, GraphIndex
from traces.attribution.locate import known_messages
from traces.attribution.words import key_stems
from traces.graph import EvolutionGraph
from traces.results import Failure
from traces.schema import OperationRecord, Variable

SEARCHED = 5  # messages that stand for an evidence that nobody names
FAR = 1 << 30  # the distance of what nothing connects

Roles = list[tuple[str, list[Variable]]]


class OperationLog:
    """The operations that the answer to one question could rest on, in the order in which they
    ended, and the steps between them.

    `evidence` are the data set's messages or, where it names none (`known` is False), those
    nearest to question and gold answer in wording.
    """

    def __init__(self, failure: Failure, graph: EvolutionGraph, index: GraphIndex) -> None:
        self.failure = failure
        self.graph = graph
        self.index = index
        self.asked: Asked = index.asked(failure.question.id)
        self._closeness: dict[str, float] = {}
        sessions = {session.id for session in failure.conversation.sessions}
        self.operations = [o for o in graph.operations.values() if self._concerns(o, sessions)]
        self.evidence = known_messages(index, failure.question, failure.conversation)
        self.known = bool(self.evidence)
        if not self.known:
            self.evidence = self._searched()

    def _concerns(self, operation: OperationRecord, sessions: set[str]) -> bool:
        if operation.scope == self.failure.question.id:
            return True
        # Other questions were asked and answered beside this one.
        foreign = operation.kind in ("retrieval", "response") and operation.scope not in sessions
        return not foreign and self.index.visible(operation.id, self.asked)

    def _searched(self) -> list[Variable]:
        question = self.failure.question
        wanted = key_stems(question.text) + key_stems(question.answer or "")
        ranked = (self.index.messages[id] for id, _ in self.index.search.top(wanted, 4 * SEARCHED))
        found = [message for message in ranked if self.users_of(message)]
        return found[:SEARCHED]

    @cached_property
    def position(self) -> dict[str, int]:
        """Where each operation (by id) stands in the log."""
        return {operation.id: place for place, operation in enumerate(self.operations)}

    def used(self, operation: OperationRecord) -> Roles:
        """Return what an operation was given, by role."""
        return self._roles(operation.inputs)

    def made(self, operation: OperationRecord) -> Roles:
        """Return what an operation put out, by role."""
        return self._roles(operation.outputs)

    def _roles(self, roles: dict[str, list[tuple[str, str]]]) -> Roles:
        return [(role, [self.graph.variable(id) for id, _ in refs]) for role, refs in roles.items()]

    def predecessors(self, operation: OperationRecord) -> list[OperationRecord]:
        """Return the operations that made what this one used (or returned), in order; before
        an answer stands its retrieval, also one that returned nothing."""
        makers = (self.index.maker(id) for id in self._sources[operation.id])
        found = [maker.id for maker in makers if maker is not None]
        if operation in self.asked.responses:
            found += [retrieval.id for retrieval in self.asked.retrievals]
        return self._ordered(found)

    def successors(self, operation: OperationRecord) -> list[OperationRecord]:
        """Return the operations that used (or returned) what this one made, in order."""
        made = (id for refs in operation.outputs.values() for id, _ in refs)
        found = [user for id in made for user in self._users.get(id, ())]
        if operation in self.asked.retrievals:
            found += [response.id for response in self.asked.responses]
        return self._ordered(found)

    def users_of(self, message: Variable) -> list[OperationRecord]:
        """Return the operations that a message was given to, in order."""
        return self._ordered(self._users.get(message.id, ()))

    def _ordered(self, ids: Iterable[str]) -> list[OperationRecord]:
        places = sorted({self.position[id] for id in ids if id in self.position})
        return [self.operations[place] for place in places]

    @cached_property
    def _sources(self) -> dict[str, list[str]]:
        """The variables that each operation used. A retrieval reads the whole memory; what it
        used are the versions of entries that it returned."""
        found: dict[str, list[str]] = {}
        for operation in self.operations:
            used = [id for refs in operation.inputs.values() for id, _ in refs]
            for variable in self.index.outputs(operation, "retrieved"):
                value = variable.value
                version = self.graph.version(value["entry_id"], value["version"])
                if version is not None:
                    used.append(version.variable.id)
            found[operation.id] = used
        return found

    @cached_property
    def _users(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for operation, used in self._sources.items():
            for id in used:
                found[id].append(operation)
        return found

    @cached_property
    def starts(self) -> list[OperationRecord]:
        """The question's answer (or what there is of its operations), then what the evidence
        was given to."""
        answered = self.asked.responses[-1:] or self.asked.retrievals
        given = [user for message in self.evidence for user in self.users_of(message)]
        return list({o.id: o for o in (*answered, *given) if o.id in self.position}.values())

    @cached_property
    def distances(self) -> dict[str, int]:
        """How many steps each operation (by id) is from the nearest of `starts`."""
        found = {operation.id: 0 for operation in self.starts}
        edge: Sequence[OperationRecord] = self.starts
        while edge:
            beyond: dict[str, OperationRecord] = {}
            for operation in edge:
                for other in (*self.predecessors(operation), *self.successors(operation)):
                    if other.id not in found:
                        found[other.id] = found[operation.id] + 1
                        beyond[other.id] = other
            edge = list(beyond.values())
        return found

    @cached_property
    def _telling(self) -> frozenset[str]:
        failure = self.failure
        texts = (failure.question.text, failure.question.answer or "", failure.prediction)
        return frozenset(stem for text in texts for stem in key_stems(text))

    def closeness(self, variable: Variable) -> float:
        """Return how much a value has to do with the case: that it comes from the evidence
        counts most, then the weight of the words that it shares with question, gold answer
        and prediction."""
        found = self._closeness.get(variable.hash)
        if found is None:
            value = variable.value
            sources = {value.get("id"), *(value.get("sources") or ())}
            words = self._telling.intersection(key_stems(str(value.get("text") or "")))
            shared = sum(self.index.weight(stem) for stem in words)
            found = shared + 1000 * any(m.value["id"] in sources for m in self.evidence)
            self._closeness[variable.hash] = found
        return found

    def nearest_first(self, operations: Iterable[OperationRecord]) -> list[OperationRecord]:
        """Return operations by their distance from answer and evidence; among equals those
        whose values have more to do with the case, then the later ones."""

        def rank(operation: OperationRecord) -> tuple[int, float, int]:
            values = (v for _, variables in (*self.used(operation), *self.made(operation))
                      for v in variables)  # fmt: skip
            closest = max(map(self.closeness, values), default=0.0)
            distance = self.distances.get(operation.id, FAR)
            return distance, -closest, -self.position[operation.id]

        return sorted(operations, key=rank)
