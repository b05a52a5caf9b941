"""A memory's life as plain data: said -> extracted -> stored, changed, deleted -> retrieved
-> answered. What `memtune trace` draws as a tree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from traces.attribution.blame import describe_update
from traces.attribution.carries import Carries
from traces.attribution.index import Asked, GraphIndex, index_of
from traces.attribution.locate import known_messages, locate
from traces.domain import Question
from traces.graph import EntryVersion, EvolutionGraph
from traces.schema import OperationRecord, Variable

StepKind = Literal[
    "message", "fact", "stored", "changed", "kept", "deleted", "dropped", "retrieved",
    "not_retrieved", "answered",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Step:
    """One node of the tree.

    `operation` is the id of the operation that made this step ('' for a message), so that
    the decisive one can be marked; `note` a reason, a version or a rank for display.
    `speaker` and `date` (ISO) are '' where they do not apply.
    """

    kind: StepKind
    text: str
    operation: str = ""
    name: str = ""
    speaker: str = ""
    date: str = ""
    note: str = ""
    rank: int | None = None
    children: tuple[Step, ...] = ()

    def walk(self) -> Iterator[Step]:
        """Yield this step and all below it, parents first."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, slots=True)
class Journey:
    """The evidence messages of a question, each with what became of it, and the answer.

    `located`: the messages were found by search, since the data set names none. `context`
    are all entries that the answer was made from, in rank order.
    """

    question: str
    messages: tuple[Step, ...]
    context: tuple[Step, ...]
    answer: Step | None
    located: bool = False


def journey(question: Question, graph: EvolutionGraph) -> Journey:
    """Return the journey of a question's evidence, at no model call.

    Evidence ids that no operation used are left out.
    """
    index = index_of(graph)
    asked = index.asked(question.id)
    messages = known_messages(index, question)
    located = not messages and not question.unanswerable
    if located:
        messages = [t.message for t in locate(index, question, Carries(index, question))]
    guide = _Guide(index, asked)
    shown = tuple(
        _step("retrieved", guide.search(v), v, rank=rank)
        for rank, v in enumerate(asked.context, start=1)
    )
    answer: Step | None = None
    for response in asked.responses:
        for variable in index.outputs(response, "answer"):
            answer = _step("answered", response, variable)
    return Journey(question.text, tuple(guide.message(m) for m in messages), shown, answer, located)


def _step(
    kind: StepKind,
    operation: OperationRecord | None,
    variable: Variable,
    *,
    note: str = "",
    rank: int | None = None,
    children: tuple[Step, ...] = (),
) -> Step:
    value = variable.value
    return Step(
        kind, value["text"], operation.id if operation else "", operation.name if operation else "",
        value.get("speaker", ""), value.get("date", ""), note, rank, children,
    )  # fmt: skip


class _Guide:
    """Builds the steps below a message."""

    def __init__(self, index: GraphIndex, asked: Asked) -> None:
        self._index = index
        self._asked = asked

    def search(self, variable: Variable) -> OperationRecord | None:
        """Return the retrieval that put out a retrieved entry."""
        return self._index.maker(variable.id) or next(iter(self._asked.retrievals), None)

    def message(self, message: Variable) -> Step:
        """Return a message with all that was made from it before the question was asked."""
        id = message.value["id"]
        facts = [
            f for f in self._index.facts[id]
            if (maker := self._index.maker(f.id)) and self._index.visible(maker.id, self._asked)
        ]  # fmt: skip
        below = [self._fact(f, id) for f in facts]
        if not facts:
            below += self._entries([], id)
        return _step("message", None, message, children=tuple(below))

    def _fact(self, fact: Variable, message_id: str) -> Step:
        updates = [
            u for u in self._index.users[fact.id]
            if u.kind == "update" and self._index.visible(u.id, self._asked)
        ]  # fmt: skip
        below = self._entries(updates, message_id)
        if not updates:
            below = [Step("dropped", "no update took it")]
        return _step("fact", self._index.maker(fact.id), fact, children=tuple(below))

    def _entries(self, updates: list[OperationRecord], message_id: str) -> list[Step]:
        """Return what updates did with a fact, or (without one) what rests on the message."""
        steps: list[Step] = []
        if not updates:
            seen: set[str] = set()
            for version in self._index.versions[message_id]:
                entry_id = version.variable.value["entry_id"]
                if entry_id not in seen and self._index.visible(version.made_by, self._asked):
                    seen.add(entry_id)
                    steps.append(self._life(version))
            return steps
        for update in updates:
            reasons = [c.value for c in self._index.outputs(update, "change")]
            note = "; ".join(c["reason"] for c in reasons if c["reason"])
            made = self._index.outputs(update, "entry")
            steps += [self._life(self._index.version_of[e.id]) for e in made]
            if made:
                continue
            for change in reasons or [{"action": "keep", "target": None}]:
                kind: StepKind = "deleted" if change["action"] == "delete" else "kept"
                stands = self._index.chain_of.get(change["target"] or "", [])
                text = stands[-1].variable.value["text"] if stands else "memory left as it was"
                steps.append(Step(kind, text, update.id, update.name, note=note))
        return steps

    def _life(self, version: EntryVersion) -> Step:
        """Return an entry version, the versions after it, and whether it was retrieved."""
        maker = self._index.operation(version.made_by)
        number = version.variable.value["version"]
        changed = any(c.value["action"] == "change" for c in self._index.outputs(maker, "change"))
        below: list[Step] = []
        ended = version.ended_by
        if ended is not None and self._index.visible(ended, self._asked):
            below.append(self._after(version, ended))
        else:
            below.append(self._found(version))
        note = f"version {number}" + self._reason(version)
        kind: StepKind = "changed" if changed else "stored"
        return _step(kind, maker, version.variable, note=note, children=tuple(below))

    def _after(self, version: EntryVersion, ended: str) -> Step:
        entry_id = version.variable.value["entry_id"]
        for later in self._index.chain_of[entry_id]:
            if later.made_by == ended:
                return self._life(later)
        operation = self._index.operation(ended)
        text = describe_update(self._index, operation)
        return Step("deleted", text, operation.id, operation.name)

    def _found(self, version: EntryVersion) -> Step:
        entry_id = version.variable.value["entry_id"]
        for rank, shown in enumerate(self._asked.context, start=1):
            if shown.value.get("entry_id") == entry_id:
                return _step("retrieved", self.search(shown), shown, rank=rank)
        left_out = self._left_out(entry_id)
        search = left_out or next(iter(self._asked.retrievals), None)
        id, name = (search.id, search.name) if search else ("", "")
        note = f"found, then left out by '{name}'" if left_out else ""
        return Step("not_retrieved", version.variable.value["text"], id, name, note=note)

    def _left_out(self, entry_id: str) -> OperationRecord | None:
        """Return the retrieval that was given an entry and did not hand it on, or None."""
        for operation in self._asked.retrievals:
            given = {v.value["entry_id"] for v in self._index.inputs(operation, "retrieved")}
            handed = {v.value["entry_id"] for v in self._index.outputs(operation, "retrieved")}
            if entry_id in given - handed:
                return operation
        return None

    def _reason(self, version: EntryVersion) -> str:
        """Return why a version was made: of an operation's changes the entry's own count."""
        maker = self._index.operation(version.made_by)
        changes = [c.value for c in self._index.outputs(maker, "change") if c.value["reason"]]
        own = [c for c in changes if c["target"] == version.variable.value["entry_id"]]
        stated = "; ".join(dict.fromkeys(c["reason"] for c in own or changes))
        return f": {stated}" if stated else ""
