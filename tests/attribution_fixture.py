"""A small hand-made memory pipeline, recorded through real operations and a real store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from traces import schema
from traces.domain import Conversation, Message, PromptSet, Question, Session
from traces.errors import MemtuneError
from traces.graph import EvolutionGraph
from traces.operation import OperationContext
from traces.results import Failure
from traces.schema import MemoryEntry, Variable, message_variable, question_variable
from traces.store import Store

DATES = {"s1": datetime(2024, 5, 10, 9), "s2": datetime(2024, 6, 12, 9)}

_MEMORY = Variable("memory", {"hash": "h", "size": 1}, "memory/h")


class Pipeline:
    """Extraction, update, retrieval and response whose outputs the test dictates.

    `said` maps message ids to (session id, speaker, text). Unless told otherwise, facts
    cite their message and are dated by its session, and every fact is added.
    """

    def __init__(self, said: Mapping[str, tuple[str, str, str]]) -> None:
        sessions = []
        for id in DATES:
            mine = [Message(m, who, text) for m, (s, who, text) in said.items() if s == id]
            sessions.append(Session(id, DATES[id], tuple(mine)))
        self.sessions = {s.id: s for s in sessions}
        self.said = said
        self.ctx = OperationContext("c1", "", DATES["s1"], PromptSet({}), lambda op: None)
        self.memory: dict[str, Variable] = {}
        self.questions: list[Question] = []
        self.predictions: dict[str, str] = {}

    def scope(self, name: str) -> OperationContext:
        """Return the context of a session (or, after the last, of a question)."""
        return self.ctx.child(name, DATES.get(name, DATES["s2"]))

    def extract(
        self, session: str, *facts: tuple[Any, ...], fail: MemtuneError | None = None
    ) -> list[Variable]:
        """Extract (message id, text[, speaker[, date]]) from all messages of a session."""
        made = []
        for source, text, *rest in facts:
            speaker = rest[0] if rest else self.said[source][1]
            date = rest[1] if len(rest) > 1 else DATES[session].date().isoformat()
            made.append(schema.fact(text, speaker, date, [source] if source else []))
        messages = self.sessions[session].messages

        def call(op: Any) -> Any:
            if fail is not None:
                raise fail
            return {"facts": made}

        used = [message_variable(m, DATES[session]) for m in messages]
        try:
            outputs = self.scope(session).perform(
                "extraction", name="extract", slot="extraction", identity=[m.id for m in messages],
                inputs={"messages": used}, call=call,
            )  # fmt: skip
        except MemtuneError:
            return []
        return outputs["facts"]

    def update(
        self, session: str, fact: Variable, action: str = "add", text: str = "", target: str = "",
        near: Sequence[str] = (), kind_of_input: str = "fact",
    ) -> str:  # fmt: skip
        """Handle one fact (or message); return the id of the entry that it is about."""
        value = fact.value
        old = self.memory.get(target)

        def call(op: Any) -> Any:
            change = schema.change(action, target or None, "because")
            if action in ("keep", "delete"):
                return {"changes": [change]}
            sources = [
                *(old.value["sources"] if old else []),
                *value.get("sources", [value.get("id")]),
            ]
            version = old.value["version"] + 1 if old else 1
            entry = MemoryEntry(
                target or op.new_id(), text or value["text"], value["speaker"], value["date"][:10],
                tuple(dict.fromkeys(sources)), version,
            )  # fmt: skip
            return {"changes": [change], "entries": [entry.as_variable()]}

        outputs = self.scope(session).perform(
            "update", name="update", slot="update" if kind_of_input == "fact" else None,
            identity=[fact.hash], call=call,
            inputs={kind_of_input: [fact], "near": [self.memory[n] for n in near]},
        )  # fmt: skip
        if action == "delete":
            self.memory.pop(target, None)
        for entry in outputs.get("entries", []):
            self.memory[entry.value["entry_id"]] = entry
            return str(entry.value["entry_id"])
        return target

    def remember(self, session: str, *facts: tuple[Any, ...]) -> list[str]:
        """Extract facts and add each; return the entries' ids."""
        return [self.update(session, fact) for fact in self.extract(session, *facts)]

    def index(self, *ids: str) -> list[str]:
        """Store messages as they are: no extraction, no slot."""
        stored = []
        for id in ids:
            session, who, text = self.said[id]
            message = message_variable(Message(id, who, text), DATES[session])
            stored.append(
                self.update(session, message, text=f"{who}: {text}", kind_of_input="message")
            )
        return stored

    def ask(
        self, text: str, gold: str | None, prediction: str, *, evidence: Sequence[str] = (),
        found: Sequence[str] = (), id: str = "q1", slot: str | None = "retrieval",
        queries: Sequence[str] = (), unanswerable: bool = False, shown: Sequence[str] | None = None,
        filters: Mapping[str, str] | None = None,
    ) -> Question:  # fmt: skip
        """Answer a question from the entries `found` (of them `shown` to the response)."""
        question = Question(id, text, gold, "", tuple(evidence), None, unanswerable)
        self.questions.append(question)
        self.predictions[id] = prediction
        asked = question_variable(question, DATES["s2"])
        returned = [
            MemoryEntry.from_variable(self.memory[e]).as_variable("retrieved") for e in found
        ]
        scope = self.scope(id)
        outputs = scope.perform(
            "retrieval", name="retrieve", slot=slot, identity=[id],
            inputs={"question": [asked], "memory": [_MEMORY]},
            call=lambda op: {
                "query": [schema.query(list(queries) or [text], **(filters or {}))],
                "entries": returned,
            },
        )  # fmt: skip
        kept = [v for v in outputs["entries"] if shown is None or v.value["entry_id"] in shown]
        scope.perform(
            "response", name="respond", slot="response", identity=[id],
            inputs={"question": [asked], "retrieved": kept},
            call=lambda op: {"answer": [schema.answer(prediction)]},
        )  # fmt: skip
        return question

    @property
    def conversation(self) -> Conversation:
        return Conversation("c1", tuple(self.sessions.values()), tuple(self.questions))

    def graph(self, store: Store) -> EvolutionGraph:
        """Commit the pass to a store and load its graph."""
        pass_id = store.save_pass("c1", "p", "", self.ctx.recorder)
        return EvolutionGraph.load(store, pass_id)

    def failure(self, id: str = "q1") -> Failure:
        """Return the failure of a question."""
        question = next(q for q in self.questions if q.id == id)
        return Failure(self.conversation, question, self.predictions[id], 1)


class Reader:
    """A scripted Ask: the reading for the first passage word group that fits, else none."""

    def __init__(self, readings: Mapping[str, str]) -> None:
        self.readings = readings
        self.passages: list[str] = []

    def __call__(
        self, task: str, instruction: str, inputs: Mapping[str, str], outputs: Mapping[str, Any],
        sample_index: int = 0,
    ) -> dict[str, Any]:  # fmt: skip
        assert task == "reading"
        assert set(inputs) == {"question", "passage"}
        assert dict(outputs) == {"reading": str}
        self.passages.append(inputs["passage"])
        for part, reading in self.readings.items():
            if part in inputs["passage"]:
                return {"reading": reading}
        return {"reading": "Not mentioned"}
