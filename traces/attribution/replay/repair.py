"""A repair: what one operation should have put out, and how that was made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from traces.attribution.carries import Carries
from traces.attribution.index import GraphIndex
from traces.attribution.targets import Target
from traces.domain import Question
from traces.operation import Intervention, substitute
from traces.replay import Replay
from traces.schema import OperationRecord, Outputs, Variable

Kind = Literal[
    "own_extraction",  # the memory's own extraction, run on that one message
    "verbatim",  # the message's sentence, word for word
    "put_back",  # a message that was left out is passed on
    "without_fact",  # what no message says is left out
    "as_given",  # the entry says what the fact (or message) says
    "add_beside",  # the fact becomes an entry of its own, what it replaced stays
    "with_history",  # the new value replaces the old one, which is told as former
    "replace",  # the new value takes the old one's place
    "keep",  # memory stays as it was
    "delete",  # an entry that was taken back goes
    "choose",  # an entry that exists takes the last rank
    "leave_out",  # a misleading entry is not returned
]


@dataclass(frozen=True, slots=True)
class Repair:
    """Substitute outputs for one operation. `what` says in one line what was repaired."""

    operation: OperationRecord
    outputs: Outputs
    kind: Kind
    what: str

    def intervention(self) -> Intervention:
        """Return the intervention that puts the repair in force."""
        return substitute(self.operation.id, self.outputs)


@dataclass(frozen=True)
class Scene:
    """What repairs are made from: one graph (recorded, or of a replay), the question, and
    what is known about it.

    `targets` is what each evidence message must deliver (empty where the question cannot be
    answered); `supporter` is the entry of the answer's context that supports the wrong
    answer, where there is one. `sample_index` is for model calls that a repair needs.
    `prediction` is the wrong answer, where it is not the one that the graph holds.
    `recorded` is the recorded pass where `index` is of a replay: it knows the other questions.
    """

    index: GraphIndex
    question: Question
    targets: tuple[Target, ...]
    supporter: Variable | None
    carries: Carries
    replay: Replay
    sample_index: int = 0
    prediction: str = ""
    recorded: GraphIndex | None = None
