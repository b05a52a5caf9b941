"""The contamination pass: backward from the wrong answer to the entry that supports it.

Which entry of the answer's context says what was predicted, and which operation made it
say so: an invention, a wrong speaker, a bad merge, a value that should have been replaced
or deleted, or a faithful entry that should not have been shown.
"""

from __future__ import annotations

from traces.abstention import abstains
from traces.attribution.blame import Blame, describe_update
from traces.attribution.claim import SUPPORTS, Claim
from traces.attribution.index import Asked, GraphIndex
from traces.attribution.invented import invented_sentence
from traces.attribution.words import first_person, key_stems, quote, share
from traces.domain import Question
from traces.graph import EntryVersion
from traces.schema import OperationRecord, Variable

_REPEATED = 3  # entries of the context, word for word in one answer


class Contamination:
    """Finds what supports the wrong prediction of one question, and who made it."""

    def __init__(self, index: GraphIndex, question: Question, prediction: str) -> None:
        self.index = index
        self.question = question
        self.asked: Asked = index.asked(question.id)
        self.prediction = prediction
        self._asked = set(key_stems(question.text)) - index.name_stems
        # What the gold answer says too is not what went wrong.
        self.claim = Claim.of(prediction, f"{question.text} {question.answer or ''}")

    def supporter(self) -> Variable | None:
        """Return the entry of the answer's context that best supports the prediction.

        Among equals the one that shares more with the question, then the first shown. None
        where the answer repeats its context: that supports every entry alike.
        """
        if abstains(self.prediction) or not self.prediction.strip():
            return None
        asked = set(key_stems(self.question.text))
        best: tuple[float, float] = (0.0, 0.0)
        found: Variable | None = None
        repeated = sum(v.value["text"] in self.prediction for v in self.asked.context)
        if repeated >= _REPEATED:
            return None
        for variable in self.asked.context:
            value = variable.value
            score = self.claim.support(self._worded(variable), value["date"])
            rank = (score, share(asked, key_stems(self._worded(variable))))
            if score >= SUPPORTS and rank > best:
                best, found = rank, variable
        return found

    @staticmethod
    def _worded(variable: Variable) -> str:
        return f"{variable.value['speaker']} {variable.value['text']}"

    def version(self, variable: Variable) -> EntryVersion | None:
        """Return the stored entry version behind a retrieved entry."""
        chain = self.index.chain_of.get(variable.value.get("entry_id", ""), ())
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
        sources = [self.index.messages[s] for s in ids if s in self.index.messages]
        if version is None or not sources:
            return None
        sentence = invented_sentence(self.index, supporter)
        if not set(key_stems(sentence)).isdisjoint(self._asked):
            return self._inventor_of(sentence, version, sources)
        if not self.said_in(sources):
            return self._inventor(version, sources)
        return self._wrong_speaker(version, sources)

    def said_in(self, sources: list[Variable]) -> bool:
        """Say whether messages say what the prediction claims."""
        joined = " ".join(f"{m.value['speaker']} {m.value['text']}" for m in sources)
        told = share(self.claim.stems, key_stems(joined)) if self.claim.stems else 1.0
        if told < SUPPORTS:
            return False
        if not self.claim.times:
            return True
        return any(
            Claim(frozenset(), self.claim.times).support(m.value["text"], m.value["date"]) > 0
            for m in sources
        )

    def adds(self, variable: Variable, sources: list[Variable]) -> bool:
        """Say whether it is this fact or entry that brings in what the prediction claims and
        messages do not say."""
        said = key_stems(" ".join(self._worded(m) for m in sources))
        missing = self.claim.stems - set(said)
        return not missing or not missing.isdisjoint(key_stems(self._worded(variable)))

    def _first_that_says_it(self, version: EntryVersion) -> EntryVersion:
        """Return the earliest version of the entry since when it supports the prediction."""
        chain = self.index.chain_of[version.variable.value["entry_id"]]
        first = version
        for one in reversed(chain[: chain.index(version)]):
            value = one.variable.value
            if self.claim.support(self._worded(one.variable), value["date"]) < SUPPORTS:
                break
            first = one
        return first

    def _inventor(self, version: EntryVersion, sources: list[Variable]) -> Blame:
        first = self._first_that_says_it(version)
        maker = self.index.operation(first.made_by)
        claim = self.claim
        facts = self.index.inputs(maker, "fact")
        said = [
            f for f in facts
            if claim.support(self._worded(f), f.value["date"]) >= SUPPORTS
            and self.adds(f, sources)
        ]  # fmt: skip
        told = claim.stems and share(
            claim.stems, key_stems(" ".join(self._worded(m) for m in sources))
        )
        dated = claim.times and (not claim.stems or told)
        sub_type = "wrong_time" if dated else "hallucination"
        for fact in said:
            extraction = self.index.maker(fact.id)
            if extraction is not None and extraction.kind == "extraction":
                return blame_sources(
                    extraction, "ExtractionError", sub_type,
                    "a fact says what its messages do not", sources, fact.value["text"],
                )  # fmt: skip
        if maker.kind != "update":
            return blame_sources(
                maker, "ExtractionError", sub_type, "it says what its messages do not", sources,
                first.variable.value["text"],
            )  # fmt: skip
        merged = any(c.value["action"] == "change" for c in self.index.outputs(maker, "change"))
        sub = "wrong_merge" if merged else sub_type
        return blame_sources(
            maker, "UpdateError", sub, "the stored entry says what its messages do not", sources,
            describe_update(self.index, maker, sources[0].value["id"]),
        )  # fmt: skip

    def _inventor_of(self, sentence: str, version: EntryVersion, sources: list[Variable]) -> Blame:
        """Blame whoever first wrote a sentence that the entry's messages do not say."""
        versions = self.index.chain_of[version.variable.value["entry_id"]]
        first = next((v for v in versions if sentence in v.variable.value["text"]), version)
        maker = self.index.operation(first.made_by)
        for fact in self.index.inputs(maker, "fact"):
            extraction = self.index.maker(fact.id)
            if sentence in fact.value["text"] and extraction is not None:
                maker = extraction
        error_type = "UpdateError" if maker.kind == "update" else "ExtractionError"
        return blame_sources(
            maker, error_type, "hallucination", "it says what its messages do not", sources,
            sentence,
        )  # fmt: skip

    def _wrong_speaker(self, version: EntryVersion, sources: list[Variable]) -> Blame | None:
        """Blame who credits somebody with what another person said of themselves."""
        first = self._first_that_says_it(version)
        text = first.variable.value["text"]
        named = self.index.named(text)
        asked = self.index.named(self.question.text)
        speakers = {m.value["speaker"] for m in sources}
        mentioned = self.index.named(" ".join(m.value["text"] for m in sources))
        maker = self.index.operation(first.made_by)
        facts = self.index.inputs(maker, "fact")
        if not named and facts and asked and not asked & speakers and first_person(text):
            nameless = self.index.maker(facts[0].id)
            if nameless is not None and first_person(facts[0].value["text"]):
                return blame_sources(
                    nameless, "ExtractionError", "wrong_speaker",
                    "a fact does not say who speaks", sources, facts[0].value["text"],
                )  # fmt: skip
        if not named or named & (speakers | mentioned):
            return None
        for fact in facts:
            extraction = self.index.maker(fact.id)
            wrong = self.index.named(fact.value["text"]) & named
            if wrong and extraction is not None and extraction.kind == "extraction":
                return blame_sources(
                    extraction, "ExtractionError", "wrong_speaker",
                    "a fact credits the wrong person", sources, fact.value["text"],
                )  # fmt: skip
        return blame_sources(
            maker, "UpdateError", "wrong_merge", "the stored entry is about the wrong person",
            sources, describe_update(self.index, maker, sources[0].value["id"]),
        )  # fmt: skip


def blame_sources( operation: OperationRecord, error_type: str, sub_type: str, what: str,
    sources: list[Variable], produced: str,
) -> Blame:  # fmt: skip
    said = " | ".join(f"{m.value['speaker']}: {m.value['text']}" for m in sources)
    return Blame(
        operation, error_type, sub_type, f"{what}: {quote(produced, 200)}", quote(said),
        quote(produced), tuple(m.value["id"] for m in sources),
    )  # fmt: skip
