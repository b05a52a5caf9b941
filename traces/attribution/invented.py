"""Facts that share next to nothing with the messages that they name as their sources."""

from __future__ import annotations

from traces.attribution.index import GraphIndex
from traces.attribution.words import key_stems, share
from traces.schema import OperationRecord, Variable

# A paraphrase keeps names and some words of what it says; an invention shares less.
_SHARED = 0.2


def invented(index: GraphIndex, fact: Variable) -> bool:
    """Say whether a fact shares next to no telling word with its messages."""
    messages = [index.messages[s] for s in fact.value["sources"] if s in index.messages]
    said = key_stems(" ".join(f"{m.value['speaker']} {m.value['text']}" for m in messages))
    told = set(key_stems(fact.value["text"])) - set(index.people)
    return bool(messages and told) and share(told, said) < _SHARED


def invented_for(
    index: GraphIndex, update: OperationRecord
) -> tuple[OperationRecord, Variable] | None:
    """Return an invented fact that an update was given, and the operation that made it."""
    for fact in index.inputs(update, "fact"):
        maker = index.maker(fact.id)
        if maker is not None and invented(index, fact):
            return maker, fact
    return None
