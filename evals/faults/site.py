"""Where faults can be planted for one question: its path through a clean pass."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from evals.faults.fault import sources_of
from evals.faults.values import Values, number_of
from evals.faults.wording import names_among, parts_of, renamed, replaced, says
from traces.domain import Conversation, Question
from traces.graph import EvolutionGraph
from traces.schema import OperationRecord, Variable, holds_on, internal
from traces.text import stems


@dataclass(frozen=True)
class Site:
    """A question that a clean pass answered rightly, and what faults are made from.

    `graph` is that of the clean pass; the question has its evidence ids.
    """

    graph: EvolutionGraph
    conversation: Conversation
    question: Question
    prediction: str
    values: Values
    seed: str

    def number(self, *parts: str) -> int:
        """Return a number that depends on seed, question and the texts alone."""
        return number_of(self.seed, self.conversation.id, self.question.id, *parts)

    # the conversation ---------------------------------------------------------------

    @cached_property
    def people(self) -> tuple[str, ...]:
        """The speakers, in the order in which they first speak."""
        said = (m.speaker for s in self.conversation.sessions for m in s.messages)
        return tuple(dict.fromkeys(said))

    @cached_property
    def order(self) -> dict[str, int]:
        """The place of each message in the conversation."""
        ids = (m.id for s in self.conversation.sessions for m in s.messages)
        return {id: place for place, id in enumerate(ids)}

    @cached_property
    def asked_about(self) -> tuple[str, ...]:
        """The speakers whom the question names."""
        return tuple(names_among(self.question.text, self.people))

    @cached_property
    def evidence(self) -> tuple[str, ...]:
        """The evidence messages: those that say the gold answer first, then the latest."""
        gold = self.question.answer or ""
        known = [m for m in self.question.evidence if self.conversation.message(m)]

        def rank(id: str) -> tuple[bool, int]:
            message = self.conversation.message(id)
            return not (message and gold and says(message.text, gold)), -self.order[id]

        return tuple(sorted(known, key=rank))

    # operations -----------------------------------------------------------------------

    def of_kind(self, kind: str) -> list[OperationRecord]:
        """Return the operations of a kind in the order in which they ran."""
        return [o for o in self.graph.operations.values() if o.kind == kind]

    @cached_property
    def retrieval(self) -> OperationRecord | None:
        """The question's retrieval."""
        return next((o for o in self.graph.of_scope(self.question.id, "retrieval")), None)

    @cached_property
    def response(self) -> OperationRecord | None:
        """The question's response."""
        return next((o for o in self.graph.of_scope(self.question.id, "response")), None)

    @cached_property
    def context(self) -> list[Variable]:
        """The entries that the answer was made from, best first."""
        return self.graph.inputs(self.response.id, "retrieved") if self.response else []

    @cached_property
    def _places(self) -> dict[str, int]:
        return {id: place for place, id in enumerate(self.graph.operations)}

    @property
    def before_question(self) -> Iterator[OperationRecord]:
        """The operations that had run when the question was asked."""
        mine = self._places[self.retrieval.id] if self.retrieval else len(self._places)
        questions = {q.id for q in self.conversation.questions}
        for operation in self.graph.operations.values():
            if self._places[operation.id] < mine and operation.scope not in questions:
                yield operation

    def extraction(self, message_id: str) -> OperationRecord | None:
        """Return the extraction that was given a message. Of several it is one that makes facts,
        not one that passes messages on."""
        given = [
            o for o in self.before_question
            if o.kind == "extraction"
            and any(v.value["id"] == message_id for v in self.graph.inputs(o.id, "message"))
        ]  # fmt: skip
        making = [o for o in given if self.graph.outputs(o.id, "fact")]
        last = [o for o in given if not self.graph.outputs(o.id, "message")]
        return next(iter(making or last or given), None)

    def facts(self, message_id: str) -> list[Variable]:
        """Return the facts that rest on a message; the message itself where none are made."""
        operation = self.extraction(message_id)
        if operation is None:
            return [v for v in self.graph.variables("message") if v.value["id"] == message_id][:1]
        return [f for f in self.graph.outputs(operation.id, "fact") if rests_on(f, message_id)]

    def updates(self, message_id: str) -> list[OperationRecord]:
        """Return the updates that took in a message or its facts, for a retrieval to return."""
        return [o for o in self._answering if self._takes_in(o, message_id)]

    def other_updates(self, message_ids: tuple[str, ...]) -> list[OperationRecord]:
        """Return the updates that took in none of these messages."""
        return [o for o in self._answering if not any(self._takes_in(o, m) for m in message_ids)]

    def tells_anew(self, update: OperationRecord) -> bool:
        """Say whether an update tells messages of which facts are made besides: what it leaves
        out is not lost."""
        given = self.graph.inputs(update.id, "message")
        return any(self.graph.outputs(e.id, "fact")
                   for v in given if (e := self.extraction(str(v.value["id"]))))  # fmt: skip

    @cached_property
    def _answering(self) -> list[OperationRecord]:
        """The updates that made no entry, or one that an answer may be made from: an error in
        what a memory keeps for its own order alone says nothing wrong to anyone."""
        updates = (o for o in self.before_question if o.kind == "update")
        made = ((o, self.graph.outputs(o.id, "entry")) for o in updates)
        return [o for o, entries in made if not entries or not all(map(internal, entries))]

    def _takes_in(self, update: OperationRecord, message_id: str) -> bool:
        return any(
            rests_on(v, message_id)
            for kind in ("fact", "message") for v in self.graph.inputs(update.id, kind)
        )  # fmt: skip

    @cached_property
    def standing(self) -> list[Variable]:
        """The entry versions that could be returned when the question was asked, in order of
        arrival."""
        seen = {o.id for o in self.before_question}
        found = []
        for chain in self.graph.entries():
            visible = [v for v in chain if v.made_by in seen]
            if visible and not self._returnable(visible[-1].variable):
                continue
            if visible and (visible[-1].ended_by is None or visible[-1].ended_by not in seen):
                found.append(visible[-1].variable)
        return found

    def _returnable(self, entry: Variable) -> bool:
        asked = self.graph.inputs(self.retrieval.id, "question") if self.retrieval else []
        day = str(asked[0].value["date"])[:10] if asked else ""
        return not internal(entry) and (not day or holds_on(entry, day))

    # content --------------------------------------------------------------------------

    def subject(self, text: str) -> str | None:
        """Return the speaker whom a text is about: one that the question names, else the
        first that it names."""
        named = names_among(text, self.people)
        return next((p for p in named if p in self.asked_about), named[0] if named else None)

    def told_of(self, variable: Variable) -> str | None:
        """Return the speaker whom a message, fact or entry is about: one that it names, else
        whoever says it."""
        named = self.subject(str(variable.value["text"]).split(" (formerly")[0])
        if named is None and variable.kind == "message":
            return str(variable.value["speaker"])
        return named

    def other_person(self, person: str, *salt: str) -> str:
        """Return another speaker."""
        others = [p for p in self.people if p != person] or [person]
        return others[self.number("person", person, *salt) % len(others)]

    def likeness(self, text: str) -> float:
        """Return the share of the question's stems, names aside, that a text has."""
        names = {s for p in self.people for s in stems(p)}
        wanted = set(stems(self.question.text)) - names
        return len(wanted & set(stems(text))) / len(wanted) if wanted else 0.0

    def invention(self, value: str = "") -> tuple[str, str] | None:
        """Return (statement, speaker) that answers the question with a made-up value.

        Worded as the memory words such statements: the evidence's, else the one nearest to
        the question, told of the person asked about. None where there is no model for it.
        """
        gold = self.question.answer
        new = value or self.values.invented(self.question, f"{self.seed}/invention")
        for model in self._models():
            text, speaker = str(model.value["text"]), str(model.value.get("speaker") or "")
            text = text.split(" (formerly")[0]
            person = self.told_of(model)
            if self.asked_about and person not in self.asked_about:
                if person is None:
                    continue
                text = renamed(text, person, self.asked_about[0])
                speaker = self.asked_about[0] if speaker == person else speaker
            old = says(text, gold) if gold else self.value_in(text)
            if old and new and old.lower() != new.lower():
                return replaced(text, old, new).rstrip(), speaker
            if gold is None and not old:
                return text, speaker
        return None

    def _models(self) -> list[Variable]:
        mine = [f for m in self.evidence for f in self.facts(m)]
        if self.question.answer:
            return mine
        facts = self.graph.variables("fact") or self.standing
        near = sorted(facts, key=lambda f: -self.likeness(str(f.value["text"])))
        return [*mine, *(f for f in near[:3] if self.likeness(str(f.value["text"])) >= 0.4)]

    def value_in(self, text: str) -> str | None:
        """Return an answer to some question of this kind that a text says."""
        for answer in self.values.answers:
            for part in parts_of(answer):
                if len(part) > 2 and says(text, part):
                    return part
        return None


def rests_on(variable: Variable, message_id: str) -> bool:
    """Say whether a variable rests on a message, as its sources tell."""
    return message_id in sources_of(variable)
