"""Repairs of an update that tells anew what messages say of which facts are made besides.

What it leaves out is nobody's loss: the facts carry it. What it gets wrong can mislead.
"""

from __future__ import annotations

from collections.abc import Iterator

from traces.attribution.invented import invented_sentence
from traces.attribution.replay.concern import contamination, rebuilt
from traces.attribution.replay.repair import Repair, Scene
from traces.attribution.words import quote
from traces.schema import OperationRecord, Variable


def tells_anew(scene: Scene, operation: OperationRecord) -> bool:
    """Say whether an update was given messages of which an extraction makes facts."""
    index = scene.index
    given = index.inputs(operation, "message")
    return not index.inputs(operation, "fact") and any(made_facts_of(scene, v) for v in given)


def made_facts_of(scene: Scene, message: Variable) -> bool:
    """Say whether an extraction that makes facts was given a message."""
    index = scene.index
    return any(
        user.kind == "extraction" and not index.outputs(user, "message")
        for user in index.users[message.id]
    )


def garbled(scene: Scene, entry: Variable) -> bool:
    """Say whether an entry says what its messages do not."""
    if invented_sentence(scene.index, entry):
        return True
    misled = scene.supporter
    if misled is None or misled.value.get("entry_id") != entry.value["entry_id"]:
        return False
    return contamination(scene).unfaithful(misled) is not None


def repairs(operation: OperationRecord, scene: Scene) -> Iterator[Repair]:
    """Yield repairs of one such update, for each entry that it garbled: without what it made
    up, and without the entry. In the messages' words it would go round their facts."""
    for entry in scene.index.outputs(operation, "entry"):
        if garbled(scene, entry):
            text = _without_inventions(scene, entry)
            if text:
                yield _repair(operation, scene, entry, [_worded(entry, text)])
            yield _repair(operation, scene, entry, [])


def _without_inventions(scene: Scene, entry: Variable) -> str:
    """Return what is left of an entry's text without the sentences that were made up; nothing
    where none was, or all were."""
    text = str(entry.value["text"])
    while sentence := invented_sentence(scene.index, _worded(entry, text)):
        text = text.replace(sentence, "").strip()
    return text if text != entry.value["text"] else ""


def _worded(entry: Variable, text: str) -> Variable:
    return Variable("entry", {**entry.value, "text": text})


def _repair(operation: OperationRecord, scene: Scene, old: Variable, new: list[Variable]) -> Repair:
    entries = scene.index.outputs(operation, "entry")
    place = entries.index(old)
    entries = [*entries[:place], *new, *entries[place + 1 :]]
    changes = scene.index.outputs(operation, "change")
    if not new and len(changes) > place:
        changes = [*changes[:place], *changes[place + 1 :]]
    outputs = rebuilt(scene, operation, {"entry": entries, "change": changes})
    told = " | ".join(quote(v.value["text"], 120) for v in new)
    what = f"entry: {told}" if told else f"without: {quote(old.value['text'], 120)}"
    return Repair(operation, outputs, "without_fact", what)
