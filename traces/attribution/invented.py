"""Facts and entries that say what the messages that they name as their sources do not."""

from __future__ import annotations

import re

from traces.attribution.dates import words_without_times
from traces.attribution.index import GraphIndex
from traces.attribution.words import key_stems
from traces.schema import OperationRecord, Variable

# A paraphrase keeps names and some words of what it says; an invention shares less.
_SHARED = 0.2
_REPEATED = 0.5  # the least share of a statement that garbles what a message says
_RARE = 2  # messages: words of fewer weigh no more
_TELLING = 2  # the fewest telling stems of a sentence that can be called an invention
_SENTENCE = re.compile(r"(?<=[.!?])\s+")


def invented(index: GraphIndex, fact: Variable) -> bool:
    """Say whether a fact shares next to no telling word with its messages."""
    said = _said(index, fact)
    return said is not None and _foreign(index, fact.value["text"], said, 1)


def repeated(index: GraphIndex, fact: Variable) -> bool:
    """Say whether a fact tells, rightly or not, what its messages tell."""
    said = _said(index, fact)
    told = set(key_stems(words_without_times(fact.value["text"]))) - index.name_stems
    return said is not None and len(told & said) >= _REPEATED * len(told) > 0


def invented_sentence(index: GraphIndex, entry: Variable) -> str:
    """Return a sentence of an entry that shares next to no telling word with the entry's
    messages, or ''."""
    said = _said(index, entry)
    if said is None:
        return ""
    told = sentences(entry.value["text"])
    return next((s for s in told if _foreign(index, s, said, _TELLING)), "")


def sentences(text: str) -> list[str]:
    """Return the sentences of a text."""
    return _SENTENCE.split(text)


def invented_for(
    index: GraphIndex, update: OperationRecord
) -> tuple[OperationRecord, Variable] | None:
    """Return an invented fact that an update was given, and the operation that made it."""
    for fact in index.inputs(update, "fact"):
        maker = index.maker(fact.id)
        if maker is not None and invented(index, fact):
            return maker, fact
    return None


def invented_before(
    index: GraphIndex, update: OperationRecord
) -> tuple[OperationRecord, Variable] | None:
    """Return an entry that an update acted on and in which an earlier operation had put an
    invention, and that operation."""
    targets = {c.value["target"] for c in index.outputs(update, "change")}
    for entry in index.inputs(update, "entry"):
        if entry.value["entry_id"] not in targets:
            continue
        sentence = invented_sentence(index, entry)
        versions = index.chain_of.get(entry.value["entry_id"], ())
        made = [v for v in versions if sentence and sentence in v.variable.value["text"]]
        if made and made[0].made_by != update.id:
            maker = index.operation(made[0].made_by)
            source = invented_for(index, maker)
            return source or (maker, made[0].variable)
    return None


def _said(index: GraphIndex, variable: Variable) -> set[str] | None:
    """Return the stems of a fact's or entry's messages; None where they are not known."""
    messages = [index.messages[s] for s in variable.value["sources"] if s in index.messages]
    if not messages:
        return None
    return set(key_stems(" ".join(f"{m.value['speaker']} {m.value['text']}" for m in messages)))


def _foreign(index: GraphIndex, text: str, said: set[str], telling: int) -> bool:
    told = set(key_stems(text)) - index.name_stems
    weights = {stem: min(index.weight(stem), index.weight_of(_RARE)) for stem in told}
    shared = sum(weights[stem] for stem in told & said)
    return len(told) >= telling and shared < _SHARED * sum(weights.values())
