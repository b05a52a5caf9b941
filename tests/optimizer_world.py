"""A small deterministic world for optimizer tests: what is right depends on two prompts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from traces.domain import Conversation, Message, PromptSet, PromptSlot, Question, Session
from traces.hashing import text_hash
from traces.results import AnswerRecord, EpisodeResult, ErrorSignal, Excerpt

EXTRACTION, RETRIEVAL = "store.extraction", "store.retrieval"
SLOTS = (
    PromptSlot(EXTRACTION, "extraction", "Write down every fact.\nName the person.", ("fact",)),
    PromptSlot(RETRIEVAL, "retrieval", "Search with the words of the question."),
)
SEED = PromptSet({slot.name: slot.seed for slot in SLOTS})
# What a question needs, by its kind: (slot, word that the instruction must hold).
CODES, BRACKETS, SEASON = (EXTRACTION, "codes"), (EXTRACTION, "brackets"), (RETRIEVAL, "harvest")
NEEDS: dict[str, tuple[tuple[str, str], ...]] = {
    "plain": (),
    "hard": ((EXTRACTION, "no clause says this"),),
    "code": (CODES,),
    "pair": (BRACKETS, SEASON),
}
KINDS = ("plain",) * 9 + ("hard",) * 3 + ("code",) * 3 + ("pair",) * 3


def conversation(name: str) -> Conversation:
    """Return a conversation of 18 questions with one message of evidence for each."""
    messages = tuple(
        Message(
            f"m{i}", "Rosa", f"{name} said thing {i} about the {kind} matter yesterday, in town"
        )
        for i, kind in enumerate(KINDS)
    )
    questions = tuple(
        Question(f"q{i}", f"What about {kind} number {i}?", f"gold {i}", kind, (f"m{i}",))
        for i, kind in enumerate(KINDS)
    )
    session = Session("s1", datetime(2024, 5, 12), messages)
    return Conversation(name, (session,), questions)


EPISODES = tuple(conversation(f"conv{i}") for i in range(6))


def has(prompts: PromptSet, need: tuple[str, str]) -> bool:
    """Say whether the instruction asks for it."""
    return need[1] in prompts.instructions[need[0]]


@dataclass
class World:
    """Evaluates: a question is right when all that its kind needs is asked for.

    `slip` is the share of answers that go wrong at random, drawn anew for each prompt set.
    `without_progress` hides how far evidence travelled. `fail` are prompts without verdicts.
    """

    slip: float = 0.0
    without_progress: bool = False
    fail: str = "(nothing)"
    harm: str = "(nothing)"
    asked: list[tuple[str, str]] = field(default_factory=list)

    def __call__(
        self, prompts: PromptSet, conversations: Sequence[Conversation]
    ) -> list[EpisodeResult]:
        results = []
        for c in conversations:
            self.asked.append((prompts.hash, c.id))
            answers = tuple(self._answer(prompts, c.id, q) for q in c.questions)
            results.append(EpisodeResult(c.id, prompts.hash, len(self.asked), answers))
        return results

    def _answer(self, prompts: PromptSet, name: str, question: Question) -> AnswerRecord:
        texts = "\n".join(prompts.instructions.values())
        needs = NEEDS[question.category]
        met = sum(has(prompts, need) for need in needs)
        draw = int(text_hash(f"{prompts.hash}{name}{question.id}", 4), 16) / 2**32
        correct: bool | None = met == len(needs) and draw >= self.slip
        if self.harm in texts and question.id in ("q0", "q1", "q2"):
            correct = False
        if self.fail in texts:
            correct = None
        progress = 1.0 if correct else min(0.8, met / max(1, len(needs)))
        shown = None if self.without_progress else progress
        return AnswerRecord(question.id, question.category, "?", correct, progress=shown)


def signal(
    slot: str, conversation: str, question: str, error_type: str = "", sub_type: str = "omission",
    text: str = "", asked: str = "", expected: str = "gold", certified: bool = True,
) -> ErrorSignal:  # fmt: skip
    """Return an error signal with one message of evidence."""
    return ErrorSignal(
        slot=slot,
        conversation=conversation,
        question_id=question,
        error_type=error_type or ("ExtractionError" if "extraction" in slot else "RetrievalError"),
        sub_type=sub_type,
        question=asked,
        expected=expected,
        predicted="",
        evidence=(Excerpt("2024-05-12", "Rosa", text),),
        lost="",
        given="",
        produced="",
        certified=certified,
        weight=1.0 if certified else 0.5,
    )


def signals_of(world: World, prompts: PromptSet) -> tuple[ErrorSignal, ...]:
    """Return signals of all failures that a clause would repair, at the slot that lacks it."""
    found = []
    for result in world(prompts, EPISODES):
        for answer in result.answers:
            lacking = [n for n in NEEDS[answer.category] if not has(prompts, n)]
            if not answer.correct and lacking:
                shape = "AB-123 code" if answer.category == "code" else "a remark (in brackets)"
                slot = lacking[0][0]
                found.append(
                    signal(slot, result.conversation, answer.question, text=shape, asked=shape)
                )
    return tuple(found)


@dataclass
class Reflection:
    """Answers with the edits given for a slot; names the cluster of the word in an example."""

    edits: Mapping[str, Sequence[Any]]
    seen: list[dict[str, str]] = field(default_factory=list)
    samples: list[int] = field(default_factory=list)

    def __call__(
        self,
        task: str,
        instruction: str,
        inputs: Mapping[str, str],
        outputs: Mapping[str, Any],
        sample_index: int = 0,
    ) -> dict[str, Any]:
        assert task == "reflection"
        assert set(outputs) == {"edits"}
        assert instruction
        self.seen.append(dict(inputs))
        self.samples.append(sample_index)
        clusters = json.loads(inputs["clusters"])
        edits: list[Any] = []
        for edit in self.edits.get(inputs["slot"], ()):
            if isinstance(edit, tuple):
                clause, about = edit
                ids = [c["id"] for c in clusters if about in json.dumps(c)]
                edit = {
                    "action": "add",
                    "clause": clause,
                    "replaces": "",
                    "cluster": (*ids, "?")[0],
                }
            edits.append(edit)
        return {"edits": edits}
