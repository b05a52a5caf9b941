"""What a reader makes of messages or entries; triage of wrong gold answers.

The reader is one fixed prompt in the judge's role, without the gold answer; never the
response slot, which would repeat its own mistake.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from traces.attribution.carries import TASK, reader_instruction
from traces.attribution.replay.trial import Trial
from traces.attribution.targets import Item, gold_parts
from traces.attribution.words import asks_history, key_stems, without_history
from traces.errors import ContentError
from traces.schema import Variable

SAMPLES = 2
_CHARS = 12_000  # of a context that a reader is given


def read(trial: Trial, items: Sequence[Variable], sample_index: int = 0) -> str | None:
    """Return what a reader answers from these items alone; None for an unreadable reply.

    Asked for what is so, it is not given what entries tell in brackets of the time before.
    """
    raw = not any(trial.recorded.facts.values())
    said = [Item.of(item, raw=raw) for item in items]
    if not asks_history(trial.failure.question.text):
        said = [i if i.raw else replace(i, text=without_history(i.text)) for i in said]
    passages = "\n".join(item.passage for item in said)
    inputs = {"question": trial.failure.question.text, "passage": passages[:_CHARS] or "(nothing)"}
    try:
        reply = trial.ask(TASK, reader_instruction(), inputs, {"reading": str}, sample_index)
    except ContentError:
        return None
    return str(reply.get("reading") or "")


def annotation_wrong(trial: Trial, *, agreeing: bool = False) -> bool:
    """Say whether the evidence itself does not support the gold answer: its words do not hold
    it, and two samples of a reader get another answer from the evidence messages alone.

    `agreeing` asks besides that the reader says what the agent said. Where the evidence was
    searched for with the gold answer, it cannot speak against it.
    """
    question = trial.failure.question
    messages = [
        trial.recorded.messages[id] for id in question.evidence if id in trial.recorded.messages
    ]
    if not messages or question.unanswerable or _worded(trial):
        return False
    for sample in range(SAMPLES):
        if not trial.allows(2):
            return False
        answer = read(trial, messages, sample)
        if answer is None or trial.right(answer or "Not mentioned"):
            return False
        if agreeing and not _alike(trial, answer, trial.failure.prediction):
            return False
    return True


def _alike(trial: Trial, one: str, other: str) -> bool:
    """Say whether two answers share most of what they say: of what the question does not say
    itself, names aside, where that leaves anything of both."""
    known = set(key_stems(trial.failure.question.text)) | trial.recorded.name_stems
    left, right = set(key_stems(one)), set(key_stems(other))
    if left - known and right - known:
        left, right = left - known, right - known
    return bool(left and right) and len(left & right) >= 0.6 * min(len(left), len(right))


def _worded(trial: Trial) -> bool:
    """Say whether the evidence messages together hold the gold answer in their words."""
    if any(target.complete for target in trial.targets):
        return True
    question = trial.failure.question
    held = {part for target in trial.targets for part in target.parts}
    parts = gold_parts(question.answer or "", question.text)
    return bool(parts) and set(parts) <= held
