"""A scripted model for `model_judged`, and recorded pipelines for it to read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tests.attribution_fixture import Pipeline

SAID = {
    "m1": ("s1", "Rosa", "I moved my desk to room 214."),
    "m2": ("s1", "Tom", "I like walks."),
    "m3": ("s2", "Tom", "I ordered lunch from Bella Cucina."),
}
FACT = "Rosa moved her desk to room 214."
RIGHT = {"reason": "It was stored.", "operation": 1, "error_type": "ExtractionError",
         "sub_type": "omission"}  # fmt: skip


class Scripted:
    """An Ask that remembers what it was asked and gives these replies, the last one again."""

    def __init__(self, *replies: Mapping[str, Any] | Exception) -> None:
        self.replies = list(replies)
        self.asked: list[dict[str, Any]] = []

    def __call__(
        self, task: str, instruction: str, inputs: Mapping[str, str], outputs: Mapping[str, Any],
        sample_index: int = 0,
    ) -> dict[str, Any]:  # fmt: skip
        self.asked.append({"task": task, "instruction": instruction, "outputs": dict(outputs),
                           "sample": sample_index, **inputs})  # fmt: skip
        reply = self.replies[min(len(self.asked), len(self.replies)) - 1]
        if isinstance(reply, Exception):
            raise reply
        return dict(reply)


def pipeline(**changes: Any) -> Pipeline:
    """Two sessions whose facts are stored, one change, and a question that found the change."""
    pipe = Pipeline(SAID)
    desk, walks = pipe.extract("s1", ("m1", FACT), ("m2", "Tom likes walks."))
    entry = pipe.update("s1", desk)
    pipe.update("s1", walks, near=[entry])
    (lunch,) = pipe.extract("s2", ("m3", "Tom ordered lunch."))
    pipe.update("s2", lunch, "change", "Rosa's desk is by the lift.", entry, [entry])
    pipe.ask(
        **{
            "text": "Which room is Rosa's desk in?", "gold": "room 214",
            "prediction": "by the lift", "evidence": ["m1"], "found": [entry], **changes,
        }
    )  # fmt: skip
    return pipe


def heads(text: str) -> list[str]:
    """The first words of each operation shown: number, kind, name."""
    return re.findall(r'^\[\d+\] \w+ "\w+"', text, re.M)


def long_pipeline(messages: int, found: int = 4) -> Pipeline:
    """Much small talk, stored as it is; one message in the middle is the evidence, and the
    answer rests on the last `found` entries."""
    said = {f"m{i}": ("s1", "Tom", f"Small talk number {i} about the weather and the tram.")
            for i in range(messages)}  # fmt: skip
    middle = f"m{messages // 2}"
    said[middle] = ("s1", "Rosa", "I moved my desk to room 214.")
    pipe = Pipeline(said)
    stored = pipe.index(*said)
    pipe.ask("Which room is Rosa's desk in?", "room 214", "the tram", evidence=[middle],
             found=stored[-found:])  # fmt: skip
    return pipe
