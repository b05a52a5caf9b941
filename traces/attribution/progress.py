"""How far the evidence of a question travelled, at no model call: ranks candidates."""

from __future__ import annotations

from collections.abc import Callable

from traces.attribution.carries import Reading, carries_lexically
from traces.attribution.chain import follow
from traces.attribution.index import index_of
from traces.attribution.locate import known_messages
from traces.attribution.path import Path
from traces.attribution.targets import Item, Target, target_of
from traces.attribution.words import key_stems, share
from traces.domain import Question
from traces.graph import EvolutionGraph
from traces.results import STAGES

CarriesLexically = Callable[[Item, Target], bool]


def evidence_progress(
    question: Question,
    graph: EvolutionGraph,
    carries_lexically: CarriesLexically = carries_lexically,
) -> float | None:
    """Return the share (0..1) of STAGES that the question's evidence passed, averaged over
    its messages; None for unanswerable questions and where evidence is unknown.

    The last stage, `answered`, counts for all of them when the recorded answer holds what
    the gold answer says. A message that no operation used passed none.
    """
    if question.unanswerable or not question.answer or not question.evidence:
        return None
    index = index_of(graph)

    def judge(item: Item, target: Target) -> Reading:
        return Reading(carries_lexically(item, target))

    asked = index.asked(question.id)
    path = Path(index, asked, judge)
    passed = 0
    for message in known_messages(index, question):
        passed += follow(path, target_of(index, question, message)).passed
    count = len(set(question.evidence))
    answers = [a.value["text"] for o in asked.responses for a in index.outputs(o, "answer")]
    if any(share(key_stems(question.answer), key_stems(text)) >= 1.0 for text in answers):
        passed += count
    return min(1.0, passed / (count * len(STAGES)))
