"""Repairs of an update that tells anew what messages say of which facts are made besides.

What it leaves out is nobody's loss: the facts carry it. What it gets wrong can mislead.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from traces.attribution.invented import invented_sentence, sentences
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
    """Yield repairs of one such update: without all that it made up, then without the entries in
    which it did. In the messages' words it would go round their facts."""
    entries = scene.index.outputs(operation, "entry")
    bad = [entry for entry in entries if garbled(scene, entry)]
    if bad:
        yield _repair(operation, scene, {v.id: _without_inventions(scene, v) for v in bad})
        yield _repair(operation, scene, dict.fromkeys((v.id for v in bad), ""))


def _without_inventions(scene: Scene, entry: Variable) -> str:
    """Return what is left of an entry's text without the sentences that were made up; nothing
    where none was, or all were."""
    told = sentences(str(entry.value["text"]))
    true = [s for s in told if not invented_sentence(scene.index, _worded(entry, s))]
    return " ".join(true) if len(true) < len(told) else ""


def _worded(entry: Variable, text: str) -> Variable:
    return Variable("entry", {**entry.value, "text": text})


def _repair(operation: OperationRecord, scene: Scene, texts: Mapping[str, str]) -> Repair:
    """Return the repair that words entries anew, by variable id; those without a text go."""
    entries = scene.index.outputs(operation, "entry")
    changes = scene.index.outputs(operation, "change")
    gone = [place for place, v in enumerate(entries) if texts.get(v.id) == ""]
    kept = [_worded(v, texts[v.id]) if texts.get(v.id) else v
            for place, v in enumerate(entries) if place not in gone]  # fmt: skip
    done = [v for place, v in enumerate(changes) if place not in gone]
    outputs = rebuilt(scene, operation, {"entry": kept, "change": done})
    told = " | ".join(quote(text, 120) for text in texts.values() if text)
    left = " | ".join(quote(entries[place].value["text"], 120) for place in gone)
    what = "; ".join(part for part in (f"entry: {told}" if told else "",
                                       f"without: {left}" if left else "") if part)  # fmt: skip
    return Repair(operation, outputs, "without_fact", what)
