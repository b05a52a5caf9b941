"""The contamination pass: backward from the wrong answer to the entry that supports it.

Which entry of the answer's context says what was predicted, and which operation made it
say so: an invention, a wrong speaker, a bad merge, a value that should have been replaced
or deleted, or a faithful entry that should not have been shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from traces.attribution.blame import Blame, describe_update
from traces.attribution.dates import Span, day_of, spans, words_without_times
from traces.attribution.index import Asked, GraphIndex
from traces.attribution.path import Chain
from traces.attribution.words import abstains, key_stems, quote, share, takes_back_words
from traces.domain import Question
from traces.graph import EntryVersion
from traces.schema import OperationRecord, Variable

_SUPPORTS = 0.5


@dataclass(frozen=True, slots=True)
class Claim:
    """What a prediction says beyond the question: stems and times."""

    stems: frozenset[str]
    times: tuple[Span, ...]

    @classmethod
    def of(cls, prediction: str, question: str) -> Claim:
        """Return what a prediction claims."""
        times = spans(prediction)
        words = frozenset(key_stems(words_without_times(prediction) if times else prediction))
        telling = words - set(key_stems(question))
        return cls(telling or (frozenset() if times else words), times)

    def support(self, text: str, date: str) -> float:
        """Return how far (0..1) a text written down on `date` says what is claimed."""
        told = share(self.stems, key_stems(text)) if self.stems else None
        if not self.times:
            return told or 0.0
        day = day_of(date)
        given = (*spans(text, day), *((Span(day, day),) if day else ()))
        dated = float(any(t.holds(g) for t in self.times for g in given))
        return dated if told is None else (told + dated) / 2


class Contamination:
    """Finds what supports the wrong prediction of one question, and who made it."""

    def __init__(self, index: GraphIndex, question: Question, prediction: str) -> None:
        self._index = index
        self._question = question
        self._asked: Asked = index.asked(question.id)
        self._prediction = prediction
        self._claim = Claim.of(prediction, question.text)

    def supporter(self) -> Variable | None:
        """Return the entry of the answer's context that best supports the prediction.

        Among equals the one that shares more with the question, then the first shown.
        """
        if abstains(self._prediction) or not self._prediction.strip():
            return None
        asked = set(key_stems(self._question.text))
        best: tuple[float, float] = (0.0, 0.0)
        found: Variable | None = None
        for variable in self._asked.context:
            value = variable.value
            score = self._claim.support(self._worded(variable), value["date"])
            rank = (score, share(asked, key_stems(self._worded(variable))))
            if score >= _SUPPORTS and rank > best:
                best, found = rank, variable
        return found

    @staticmethod
    def _worded(variable: Variable) -> str:
        return f"{variable.value['speaker']} {variable.value['text']}"

    def version(self, variable: Variable) -> EntryVersion | None:
        """Return the stored entry version behind a retrieved entry."""
        chain = self._index.chain_of.get(variable.value.get("entry_id", ""), ())
        for version in chain:
            if version.variable.value["version"] == variable.value["version"]:
                return version
        return None

    # who made it -------------------------------------------------------------------

    def unfaithful(self, supporter: Variable) -> Blame | None:
        """Blame whoever made an entry that its source messages do not support, or None."""
        version = self.version(supporter)
        value = supporter.value
        ids = [value["id"]] if supporter.kind == "message" else value["sources"]
        sources = [self._index.messages[s] for s in ids if s in self._index.messages]
        if version is None or not sources:
            return None
        if not self._said_in(sources):
            return self._inventor(version, sources)
        return self._wrong_speaker(version, sources)

    def _said_in(self, sources: list[Variable]) -> bool:
        joined = " ".join(f"{m.value['speaker']} {m.value['text']}" for m in sources)
        told = share(self._claim.stems, key_stems(joined)) if self._claim.stems else 1.0
        if told < _SUPPORTS:
            return False
        if not self._claim.times:
            return True
        return any(
            Claim(frozenset(), self._claim.times).support(m.value["text"], m.value["date"]) > 0
            for m in sources
        )

    def _first_that_says_it(self, version: EntryVersion) -> EntryVersion:
        """Return the earliest version of the entry since when it supports the prediction."""
        chain = self._index.chain_of[version.variable.value["entry_id"]]
        first = version
        for one in reversed(chain[: chain.index(version)]):
            value = one.variable.value
            if self._claim.support(self._worded(one.variable), value["date"]) < _SUPPORTS:
                break
            first = one
        return first

    def _inventor(self, version: EntryVersion, sources: list[Variable]) -> Blame:
        first = self._first_that_says_it(version)
        maker = self._index.operation(first.made_by)
        claim = self._claim
        facts = self._index.inputs(maker, "fact")
        said = [f for f in facts
                if claim.support(self._worded(f), f.value["date"]) >= _SUPPORTS]  # fmt: skip
        told = claim.stems and share(
            claim.stems, key_stems(" ".join(self._worded(m) for m in sources))
        )
        invented = "wrong_time" if claim.times and (not claim.stems or told) else "hallucination"
        for fact in said:
            extraction = self._index.maker(fact.id)
            if extraction is not None and extraction.kind == "extraction":
                return self._blame(
                    extraction, "ExtractionError", invented,
                    "a fact says what its messages do not", sources, fact.value["text"],
                )  # fmt: skip
        if maker.kind != "update":
            return self._blame(
                maker, "ExtractionError", invented, "it says what its messages do not", sources,
                first.variable.value["text"],
            )  # fmt: skip
        merged = any(c.value["action"] == "change" for c in self._index.outputs(maker, "change"))
        sub = "wrong_merge" if merged else invented
        return self._blame(
            maker, "UpdateError", sub, "the stored entry says what its messages do not", sources,
            describe_update(self._index, maker),
        )  # fmt: skip

    def _wrong_speaker(self, version: EntryVersion, sources: list[Variable]) -> Blame | None:
        """Blame who credits somebody with what another person said of themselves."""
        first = self._first_that_says_it(version)
        named = self._index.named(first.variable.value["text"])
        speakers = {m.value["speaker"] for m in sources}
        mentioned = self._index.named(" ".join(m.value["text"] for m in sources))
        if not named or named & (speakers | mentioned):
            return None
        maker = self._index.operation(first.made_by)
        for fact in self._index.inputs(maker, "fact"):
            extraction = self._index.maker(fact.id)
            wrong = self._index.named(fact.value["text"]) & named
            if wrong and extraction is not None and extraction.kind == "extraction":
                return self._blame(
                    extraction, "ExtractionError", "wrong_speaker",
                    "a fact credits the wrong person", sources, fact.value["text"],
                )  # fmt: skip
        return self._blame(
            maker, "UpdateError", "wrong_merge", "the stored entry is about the wrong person",
            sources, describe_update(self._index, maker),
        )  # fmt: skip

    # values that should be gone ------------------------------------------------------

    def stale(self, supporter: Variable, chains: Sequence[Chain]) -> Blame | None:
        """Blame the update that took in newer evidence and left the old value standing."""
        version = self.version(supporter)
        if version is None or not supporter.value["sources"]:
            return None
        order = self._index.order
        newest = max((order.get(s, -1) for s in supporter.value["sources"]), default=-1)
        people = set(self._index.people)
        old = set(key_stems(supporter.value["text"])) - people
        for chain in chains:
            id = chain.target.message_id
            if order.get(id, -1) <= newest or not chain.facts:
                continue
            same = share(old - self._claim.stems, key_stems(chain.facts[0].value["text"]))
            asked = set(key_stems(self._question.text)) - people
            if same < 0.3 and not (share(asked, old) >= 0.3 and same > 0):
                continue
            update = self.update_of(chain.facts[0])
            if update is not None:
                return Blame(
                    update, "UpdateError", "stale",
                    f"the old value still stands: {quote(supporter.value['text'], 200)}",
                    quote(f"fact: {chain.facts[0].value['text']} "
                          f"entry: {supporter.value['text']}"),
                    quote(describe_update(self._index, update)), (id,),
                )  # fmt: skip
        return None

    def update_of(self, fact: Variable) -> OperationRecord | None:
        """Return the update that handled a fact before the question was asked, or None."""
        for user in self._index.users[fact.id]:
            if user.kind == "update" and self._index.visible(user.id, self._asked):
                return user
        return None

    def retracted(self, supporter: Variable) -> Blame | None:
        """Blame whoever missed that a later evidence message takes the entry back, or None.

        Data sets name retractions as evidence; of those that are not, nothing is known.
        """
        order = self._index.order
        sources = supporter.value.get("sources", [])
        newest = max((order.get(s, -1) for s in sources), default=-1)
        if newest < 0:
            return None
        told = set(key_stems(supporter.value["text"])) - set(self._index.people)
        known = set(self._question.evidence)
        for id in sorted(self._question.evidence, key=lambda m: order.get(m, -1)):
            message = self._index.messages.get(id)
            if message is None or order[id] <= newest or id in sources:
                continue
            takes_back = message.value["text"]
            # Evidence of an unanswerable question may also be a mere near miss.
            meant = takes_back_words(takes_back) or not known.isdisjoint(sources)
            if not meant or not told & set(key_stems(takes_back)):
                continue
            return self._retraction_missed(message, supporter)
        return None

    def _retraction_missed(self, message: Variable, supporter: Variable) -> Blame | None:
        stands = f"the entry should be gone: {quote(supporter.value['text'], 200)}"
        facts = self._index.facts[message.value["id"]]
        for fact in facts:
            update = self.update_of(fact)
            if update is not None:
                return Blame(
                    update, "DeletionError", "stale", stands,
                    quote(f"fact: {fact.value['text']} entry: {supporter.value['text']}"),
                    quote(describe_update(self._index, update)), (message.value["id"],),
                )  # fmt: skip
        users = [u for u in self._index.users[message.id] if u.status != "failed"]
        for user in users:
            if user.kind == "extraction" and not facts:
                return self._blame(
                    user, "ExtractionError", "omission",
                    "no fact says that this no longer holds", [message],
                    "(no fact from this message)",
                )  # fmt: skip
        return None

    def _blame(
        self, operation: OperationRecord, error_type: str, sub_type: str, what: str,
        sources: list[Variable], produced: str,
    ) -> Blame:  # fmt: skip
        said = " | ".join(f"{m.value['speaker']}: {m.value['text']}" for m in sources)
        return Blame(
            operation, error_type, sub_type, f"{what}: {quote(produced, 200)}", quote(said),
            quote(produced), tuple(m.value["id"] for m in sources),
        )  # fmt: skip
