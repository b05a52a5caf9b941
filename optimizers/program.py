"""A prompt set as a DSPy program: one Predict a slot, whose instructions are the slot's text."""

from __future__ import annotations

import inspect
from typing import Any

import dspy

from traces.domain import PromptSet

_FIELDS = "given -> produced"


class PromptProgram(dspy.Module):  # type: ignore[misc]
    """One `dspy.Predict` for each prompt slot, by name, in `self.slots`.

    It is what optimizers of DSPy's kind take and return; the backends bring their own typed
    fields. DSPy strips indentation and outer blank lines when it reads an instruction; the
    text that was given is returned while nobody changed it. `save("x.json")` keeps
    instructions only. `proposal` is what made it, if anything.
    """

    def __init__(self, instructions: dict[str, str]) -> None:
        super().__init__()
        self.slots = {
            name: dspy.Predict(dspy.Signature(_FIELDS, text))
            for name, text in sorted(instructions.items())
        }
        self._texts = dict(instructions)
        self.proposal: Any = None

    def forward(self, slot: str, given: str, **options: Any) -> Any:
        """Run one slot's predictor on a text. Raises KeyError for an unknown slot."""
        return self.slots[slot](given=given, **options)

    @classmethod
    def from_prompts(cls, prompts: PromptSet) -> PromptProgram:
        """Return the program of a prompt set."""
        return cls(dict(prompts.instructions))

    def to_prompts(self, parent: str | None = None) -> PromptSet:
        """Return the program's instructions as a prompt set."""
        texts = {}
        for name, predict in self.slots.items():
            text, given = predict.signature.instructions, self._texts[name]
            texts[name] = given if inspect.cleandoc(given) == text else text
        return PromptSet(texts, parent=parent)
