"""Memories asked in rounds: a search, a further one where the first found too little, a choice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from tests.attribution_fixture import DATES, Pipeline
from tests.replay_scene import repairs, scene_of
from traces import schema
from traces.attribution.provenance import Provenance
from traces.domain import Question
from traces.results import Attribution
from traces.schema import MemoryEntry, Variable, question_variable
from traces.store import Store

SAID = {
    "m1": ("s1", "Rosa", "The team lunch on 3 May 2024 was at the Boathouse."),
    "m2": ("s2", "Rosa", "The team lunch on 8 June 2024 was at Pier Nine."),
}
LUNCH, OTHER = "The team lunch on 3 May 2024 was at the Boathouse.", SAID["m2"][2]
_MEMORY = Variable("memory", {"hash": "h", "size": 2}, "memory/h")
MAY, SUMMER = ({"after": "2024-05-01", "before": end} for end in ("2024-05-31", "2024-07-31"))


class Rounds(Pipeline):
    """A pipeline whose questions are asked in rounds."""

    def ask_in_rounds(
        self, first: Sequence[str], further: Sequence[str], prediction: str,
        filters: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        """Answer where the team lunch in May was: `first` is what the search finds, `further` what
        the further round adds; the choice hands all of it on."""
        question = Question("q1", "Where was the team lunch in May?", "the Boathouse", "", ("m1",))
        self.questions.append(question)
        self.predictions["q1"] = prediction
        scope, asked = self.scope("q1"), question_variable(question, DATES["s2"])
        searched = scope.perform(
            "retrieval", name="retrieve", slot="retrieval", identity=["q1"],
            inputs={"question": [asked], "memory": [_MEMORY]},
            call=lambda op: {
                "query": [schema.query(["team lunch"], **(filters or {}))],
                "entries": self._returned(first),
            },
        )  # fmt: skip
        more = scope.perform(
            "retrieval", name="complete", slot="complete", identity=["q1"],
            inputs={"question": [asked], "memory": [_MEMORY], "found": searched["entries"]},
            call=lambda op: {
                "query": [schema.query(["lunch May"] if further else [])],
                "entries": self._returned([*first, *further]),
            },
        )  # fmt: skip
        chosen = scope.perform(
            "retrieval", name="choose", slot="choose", identity=["q1"],
            inputs={"question": [asked], "found": more["entries"]},
            call=lambda op: {"entries": more["entries"]},
        )  # fmt: skip
        scope.perform(
            "response", name="respond", slot="response", identity=["q1"],
            inputs={"question": [asked], "retrieved": chosen["entries"]},
            call=lambda op: {"answer": [schema.answer(prediction)]},
        )  # fmt: skip

    def _returned(self, ids: Sequence[str]) -> list[Variable]:
        return [MemoryEntry.from_variable(self.memory[e]).as_variable("retrieved") for e in ids]


def blamed(pipe: Pipeline, store: Store) -> tuple[tuple[str, ...], str | None, str | None]:
    found: Attribution = Provenance(None)(pipe.failure(), pipe.graph(store))
    return found.names, found.error_type, found.sub_type


def remembered(lunch: str = LUNCH) -> tuple[Rounds, str, str]:
    pipe = Rounds(SAID)
    (held,) = pipe.remember("s1", ("m1", lunch))
    (other,) = pipe.remember("s2", ("m2", OTHER))
    return pipe, held, other


def test_a_search_is_blamed_for_what_its_miss_made_a_further_round_bring(store: Store) -> None:
    """The further round brought the evidence, and beside it what misled the answer: it would not
    have been asked for had the first one found the evidence."""
    pipe, held, other = remembered()
    pipe.ask_in_rounds([], [held, other], "Pier Nine")
    assert blamed(pipe, store) == (("retrieve",), "RetrievalError", "missed")


def test_a_search_that_found_the_evidence_is_not_blamed_for_a_further_round(store: Store) -> None:
    """What a further round added, nobody had to ask for."""
    pipe, held, other = remembered()
    pipe.ask_in_rounds([held], [other], "Pier Nine")
    assert blamed(pipe, store) == (("complete",), "RetrievalError", "distractor")


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (MAY, (("extract",), "ExtractionError", "wrong_time")),
        (SUMMER, (("retrieve",), "RetrievalError", "missed")),
    ],
)
@pytest.mark.parametrize("further", [True, False])
def test_a_wrong_day_is_blamed_only_where_the_search_keeps_to_other_days(
    store: Store, filters: dict[str, str], expected: tuple[object, ...], further: bool
) -> None:
    """A search whose days let the misdated evidence through has missed it all the same."""
    pipe, held, other = remembered("The team lunch on 20 July 2024 was at the Boathouse.")
    pipe.ask_in_rounds([], [held, other] if further else [other], "Pier Nine", filters)
    assert blamed(pipe, store) == expected


def test_where_nobody_found_anything_the_first_search_is_blamed(store: Store) -> None:
    """Not the choice, which was handed nothing and is given no memory to search."""
    pipe, *_ = remembered()
    pipe.ask_in_rounds([], [], "Not mentioned")
    assert blamed(pipe, store) == (("retrieve",), "RetrievalError", "missed")
    scene = scene_of(pipe)
    assert [r.kind for r in repairs(scene, "retrieval", 0)][:1] == ["choose"]
    assert repairs(scene, "retrieval", 2) == []


def test_what_only_words_queries_for_another_search_is_not_repaired_to_return_entries() -> None:
    """It returned nothing because it returns no entries; the search that used its query does."""
    pipe, *_ = remembered()
    question = Question("q1", "Where was the team lunch in May?", "the Boathouse", "", ("m1",))
    pipe.questions.append(question)
    pipe.predictions["q1"] = "Not mentioned"
    asked = question_variable(question, DATES["s2"])
    scope = pipe.scope("q1")
    worded = scope.perform(
        "retrieval", name="word", slot="word", identity=["q1"],
        inputs={"question": [asked], "memory": [_MEMORY]},
        call=lambda op: {"query": [schema.query(["lunch"])]},
    )  # fmt: skip
    scope.perform(
        "retrieval", name="search", identity=["q1"],
        inputs={"memory": [_MEMORY], "query": worded["query"]}, call=lambda op: {"entries": []},
    )  # fmt: skip
    assert repairs(scene_of(pipe), "retrieval", 0) == []
    assert [r.kind for r in repairs(scene_of(pipe), "retrieval", 1)][:1] == ["choose"]
