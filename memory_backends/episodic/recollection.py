"""What the steps of one question share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from memory_backends.episodic.options import EpisodicOptions
from memory_backends.prediction import one_line
from memory_backends.state import MemoryState
from traces.domain import Question
from traces.operation import BoundOperation, OperationContext
from traces.schema import Outputs, Variable, question_variable


@dataclass(frozen=True)
class Recollection:
    """One question to one memory; `ctx` is the question's context."""

    state: MemoryState
    question: Question
    asked_on: datetime
    ctx: OperationContext
    options: EpisodicOptions

    def perform(
        self,
        step: str,
        slot: str,
        call: Callable[[BoundOperation], Outputs],
        **given: list[Variable],
    ) -> dict[str, list[Variable]]:
        """Run one step; `given` is what it uses beside the question, by role."""
        return self.ctx.perform(
            "retrieval",
            name=step,
            slot=slot,
            identity=[self.question.id],
            inputs={"question": [question_variable(self.question, self.asked_on)], **given},
            call=call,
        )

    def asked(self) -> dict[str, str]:
        """Return the question as the steps show it to a model, by field."""
        text = one_line(self.question.text, self.options.message_chars)
        return {"question": text, "asked_on": self.asked_on.date().isoformat()}

    def shown(self, found: Sequence[Variable]) -> str:
        """Return entries as a model is shown them: `[1] (2024-05-12) text`, one a line."""
        chars = self.options.message_chars
        return "\n".join(
            f"[{number}] ({v.value['date']}) {one_line(v.value['text'], chars)}"
            for number, v in enumerate(found, start=1)
        )
