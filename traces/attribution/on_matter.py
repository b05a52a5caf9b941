"""Messages on the matter of a question that cannot be answered: what was said, and taken back."""

from __future__ import annotations

from traces.attribution.index import GraphIndex
from traces.attribution.words import key_stems
from traces.domain import Question

_CONCERNED = 0.4  # the least weighted share of the question's telling stems


def on_matter(index: GraphIndex, question: Question) -> tuple[str, ...]:
    """Return the ids that the data set names; without them, of the messages that were said
    before the question was asked, by or about whom it names, on what it asks."""
    if question.evidence:
        return question.evidence
    said = {id: set(key_stems(message.value["text"])) for id, message in index.messages.items()}
    # Words that nobody used ('To which magazine ...') tell the messages from nothing.
    asked = (set(key_stems(question.text)) - index.name_stems) & set().union(*said.values())
    total = sum(index.weight(stem) for stem in asked)
    named = index.named(question.text)
    position = index.asked(question.id).position
    found = []
    for id, message in index.messages.items():
        users = index.users[message.id]
        if users and min(index.position[u.id] for u in users) > position:
            continue
        about = {message.value["speaker"]} | index.named(message.value["text"])
        shared = sum(index.weight(s) for s in asked & said[id])
        if total and shared >= _CONCERNED * total and (not named or named & about):
            found.append(id)
    return tuple(found)
