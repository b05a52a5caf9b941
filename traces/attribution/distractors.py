"""Faithful entries on the question's matter that were shown beside the evidence and misled."""

from __future__ import annotations

from collections.abc import Sequence

from traces.attribution.blame import Blame, blame_for
from traces.attribution.contamination import Contamination
from traces.attribution.misdating import passed_by
from traces.attribution.path import Chain, Path
from traces.attribution.retrieved import ranks
from traces.attribution.words import key_stems, quote, share
from traces.schema import Variable


def distracted(c: Contamination, supporter: Variable) -> Blame | None:
    """Blame a retrieval that may choose (it has a slot) for an entry on the question's
    matter, faithful but not what was asked for, that the wrong answer took."""
    search = c.index.brought_in(c.asked, supporter)
    people = c.index.name_stems
    asked = set(key_stems(c.question.text)) - people
    text = supporter.value["text"]
    same_person = c.index.named(text) & c.index.named(c.question.text)
    if search is None or not (same_person or share(asked, key_stems(text)) >= 0.3):
        return None
    shown = " | ".join(quote(v.value["text"], 90) for v in c.asked.context)
    return Blame(
        search, "RetrievalError", "distractor",
        f"an entry that is not asked for misled the answer: "
        f"{quote(supporter.value['text'], 200)}",
        quote(f"question: {c.question.text}"), quote(shown),
        tuple(supporter.value.get("sources", ())),
    )  # fmt: skip


def missed_first(path: Path, chains: Sequence[Chain], distractor: Blame) -> Blame | None:
    """Blame the search that came without the evidence (or who put that under a day which the
    search passes by), where only a later round brought it, and the distractor beside it: had the
    first one found it, no more would have been asked for. None where no search before the one
    that brought the distractor came without it."""
    index = path.index
    for operation in index.searching(path.asked):
        if operation.id == distractor.operation.id:
            return None
        returned = index.outputs(operation, "retrieved")
        for chain in chains:
            if chain.ranks and chain.entries and not ranks(path, chain, returned):
                return passed_by(path, chain, operation) or blame_for(
                    chain.target, operation, "RetrievalError", "missed",
                    "a search came without it, and what a further one brought beside it misled "
                    "the answer",
                    given=f"question: {chain.target.question}",
                    produced=" | ".join(quote(r.value["text"], 90) for r in returned)
                    or "(nothing)",
                )  # fmt: skip
    return None
